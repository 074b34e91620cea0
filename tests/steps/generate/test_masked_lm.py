from types import SimpleNamespace

import torch

from tinybert.steps.generate.config import GenerateConfig
from tinybert.steps.generate.masked_lm import sample


def sampled(model, form, vocabulary, generator, **settings):
    return sample(model, form, vocabulary, 16, GenerateConfig(**settings), generator)


def test_what_the_head_prefers_is_drawn(masked_lm, tokenizer, template, vocabulary, dice):
    form = template(4, 3)
    tokens = sampled(masked_lm, form, vocabulary, dice())
    film = tokenizer.convert_tokens_to_ids("film")
    assert (tokens == film).float().mean() > 0.95
    assert form.texts(tokens)[0] == ("film film film film", "film film film")


def test_a_high_temperature_draws_all(masked_lm, tokenizer, template, vocabulary, dice):
    tokens = sampled(masked_lm, template(7), vocabulary, dice(), temperature=1000)
    assert (tokens == tokenizer.convert_tokens_to_ids("film")).float().mean() < 0.1


def test_tokens_are_drawn_given_the_others(template, vocabulary, dice):
    def most_common(input_ids, **_):
        counts = torch.nn.functional.one_hot(input_ids, len(vocabulary.starts)).sum(1)
        return SimpleNamespace(logits=5.0 * counts[:, None].expand(-1, input_ids.shape[1], -1))

    tokens = sampled(most_common, template(6), vocabulary, dice(), steps=60)
    common = tokens.mode(1).values
    assert (tokens == common[:, None]).float().mean() > 0.8
    assert len(common.unique()) > 5


def test_no_unusable_token_even_if_preferred(masked_lm, tokenizer, template, vocabulary, dice):
    bias = masked_lm.cls.predictions.bias.data
    bias[tokenizer.all_special_ids] = 100
    bias[tokenizer.convert_tokens_to_ids("##s")] = 50
    form = template(4, 3)
    tokens = sampled(masked_lm, form, vocabulary, dice())
    assert form.texts(tokens)[0] == ("filmsss", "filmss")


def test_no_mask_stays(masked_lm, tokenizer, template, vocabulary, dice):
    for length in (1, 2, 9):
        tokens = sampled(masked_lm, template(length), vocabulary, dice(), steps=5, share=0.2)
        assert not (tokens == tokenizer.mask_token_id).any()


def test_the_seed_decides_and_no_other_dice_are_thrown(masked_lm, template, vocabulary, dice):
    masked_lm.cls.predictions.bias.data.zero_()
    state = torch.get_rng_state()
    first, again, other = (
        sampled(masked_lm, template(6), vocabulary, dice(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
