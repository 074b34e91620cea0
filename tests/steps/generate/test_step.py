from dataclasses import replace

import pytest
import torch

from tinybert.base.errors import InputError
from tinybert.steps.generate.config import GenerateConfig
from tinybert.steps.generate.step import BATCH_TOKENS, generate, plan


def config(**changes):
    return GenerateConfig(**({"rows": 40, "batch_size": 8, "max_tokens": 12} | changes))


def paired(context):
    return replace(context, task=replace(context.task, text=("first", "second")))


def test_texts_are_words_of_the_vocabulary(teacher, tiny_context, tokenizer):
    texts = generate(config(), teacher, tiny_context())
    assert len(texts) == 40
    for text in texts:
        tokens = tokenizer.tokenize(text)
        assert tokens
        assert not tokens[0].startswith("##")
        assert not set(tokens) & set(tokenizer.all_special_tokens)
        assert text == text.strip()
    assert len(set(texts)) > 30


def test_lengths_are_as_wanted(teacher, tiny_context, tokenizer, monkeypatch):
    monkeypatch.setattr("tinybert.steps.generate.gradient.PIECES", 0.0)
    texts = generate(config(min_tokens=3, max_tokens=9), teacher, tiny_context())
    lengths = {len(tokenizer.tokenize(text)) for text in texts}
    assert min(lengths) >= 3
    assert max(lengths) <= 9
    assert len(lengths) > 2


@pytest.mark.parametrize("model", ["teacher", "masked_lm"])
def test_pairs_where_the_task_has_two_columns(request, model, tiny_context):
    pairs = generate(config(), request.getfixturevalue(model), paired(tiny_context()))
    assert len(pairs) == 40
    for first, second in pairs:
        assert first
        assert second


def test_a_masked_lm_head_is_sampled_from(masked_lm, tiny_context):
    texts = generate(config(), masked_lm, tiny_context())
    assert sum("film" in text for text in texts) > 35


def test_regression(regressor, tiny_context):
    assert len(generate(config(), regressor, tiny_context())) == 40


def test_the_seed_decides(teacher, tiny_context):
    first, again, other = (
        generate(config(), teacher, tiny_context(seed=seed)) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_the_training_rows_are_not_read(teacher, tiny_context):
    context = tiny_context(train=None)
    assert generate(config(), teacher, context) == generate(config(), teacher, tiny_context())


def test_the_teacher_is_not_left_in_training_mode(teacher, tiny_context):
    expected = generate(config(), teacher, tiny_context())
    assert generate(config(), teacher.train(), tiny_context()) == expected


def test_progress_goes_to_the_end(teacher, tiny_context):
    seen = []
    generate(config(), teacher, tiny_context(progress=seen.append))
    assert [(it.step, it.done, it.total) for it in seen] == [
        ("generate", done, 40) for done in (8, 16, 24, 32, 40)
    ]
    assert all(it.values["loss"] >= 0 for it in seen)


def test_words_that_the_tokenizer_gives_up_on_are_left_out(masked_lm, tiny_context, tokenizer):
    """WordPiece reads no word of more than 100 letters."""
    masked_lm.cls.predictions.bias.data[tokenizer.convert_tokens_to_ids("##s")] = 100
    context = tiny_context(max_length=128)
    texts = generate(config(rows=64, min_tokens=90, max_tokens=120), masked_lm, context)
    assert 0 < len(texts) < 64
    assert not any(tokenizer.unk_token in tokenizer.tokenize(text) for text in texts)


def test_a_masked_lm_beside_the_teacher(teacher, masked_lm, tiny_context, tmp_path):
    masked_lm.save_pretrained(tmp_path)
    texts = generate(config(masked_lm=str(tmp_path)), teacher, tiny_context())
    assert texts == generate(config(), masked_lm, tiny_context())


def test_a_masked_lm_that_is_none(teacher, tiny_context, tiny_bert_dir):
    with pytest.raises(InputError, match="no masked-LM head, it is of the class"):
        generate(config(masked_lm=str(tiny_bert_dir)), teacher, tiny_context())


def test_texts_that_do_not_fit_are_refused(teacher, tiny_context):
    with pytest.raises(InputError, match=r"min_tokens: 9 is more than the 8 tokens a text"):
        generate(config(min_tokens=9), teacher, paired(tiny_context(max_length=20)))


def test_texts_are_no_longer_than_rows_may_be(masked_lm, tiny_context, tokenizer):
    texts = generate(config(max_tokens=500), masked_lm, tiny_context(max_length=10))
    assert max(len(tokenizer.tokenize(text)) for text in texts) == 8


def test_a_tokenizer_without_masks_is_refused(teacher, tiny_context, tokenizer):
    tokenizer.mask_token = None
    with pytest.raises(InputError, match="no mask token"):
        generate(config(), teacher, tiny_context(tokenizer=tokenizer))


def test_batches_make_up_all_rows():
    settings = GenerateConfig(rows=5000, max_tokens=100)
    batches = list(plan(settings, 2, 100, torch.Generator().manual_seed(0)))
    assert sum(rows for rows, _ in batches) == 5000
    assert all(rows * sum(lengths) <= BATCH_TOKENS for rows, lengths in batches)
    assert all(2 <= length <= 100 for _, lengths in batches for length in lengths)
    short = sum(rows for rows, lengths in batches if lengths[0] <= 14)
    assert 0.4 < short / 5000 < 0.6  # 14 is halfway from 2 to 100, in logarithms


def test_a_text_longer_than_a_batch_may_be_is_made_alone():
    settings = GenerateConfig(rows=2, min_tokens=5000, max_tokens=5000)
    assert list(plan(settings, 1, 5000, torch.Generator())) == [(1, [5000]), (1, [5000])]
