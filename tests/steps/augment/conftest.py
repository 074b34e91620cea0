"""Tiny models and dictionaries that the methods read."""

import shutil

import pytest

SENTENCES = [
    "a good film about nothing",
    "a very bad film about the market and the bank",
    "great acting, a dull story and Long drums",
    "nothing at all",
    "the old man sat on the mat with a young dog",
]


@pytest.fixture(scope="session")
def tiny_masked_lm(tmp_path_factory, tiny_tokenizer_dir):
    """A BertForMaskedLM with random weights."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    folder = tmp_path_factory.mktemp("tiny-masked-lm")
    vocabulary = (tiny_tokenizer_dir / "vocab.txt").read_text(encoding="utf-8").split()
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    torch.manual_seed(0)
    model = BertForMaskedLM(config)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    model.save_pretrained(folder)
    shutil.copytree(tiny_tokenizer_dir, folder, dirs_exist_ok=True)
    return folder


NOUNS = [
    ("film movie picture motion_picture Movie_Inc", 20),
    ("dog hound", 9),
    ("child kid", 5),
    ("foot pes", 2),
    ("fast fasting", 1),
]
VERBS = [("film shoot", 2), ("stop halt", 8), ("go travel", 9), ("fast starve", 1)]
ADJECTIVES = [("good fine(p) sound", 9), ("big large", 9), ("fast quick", 9)]
ADVERBS = [("quickly rapidly", 3)]


@pytest.fixture(scope="session")
def tiny_wordnet(tmp_path_factory):
    """A folder of a few words in WordNet's format."""
    folder = tmp_path_factory.mktemp("wordnet")
    counts = []
    parts = {"noun": ("n", 1), "verb": ("v", 2), "adj": ("a", 3), "adv": ("r", 4)}
    groups = [NOUNS, VERBS, ADJECTIVES, ADVERBS]
    for (part, (letter, number)), own in zip(parts.items(), groups, strict=True):
        data = "  1 a licence\n"
        index: dict[str, list[int]] = {}
        for line, count in own:
            words = line.split()
            for word in words:
                index.setdefault(word.lower().partition("(")[0], []).append(len(data))
            counts.append(f"{words[0]}%{number}:00:00:: 1 {count}")
            spelled = " ".join(f"{word} 0" for word in words)
            data += f"{len(data):08d} 03 {letter} {len(words):02x} {spelled} 000 | a gloss\n"
        (folder / f"data.{part}").write_text(data, encoding="utf-8")
        lines = ["  1 a licence"]
        lines += [
            f"{word} {letter} {len(places)} 0 {len(places)} 0 "
            + " ".join(f"{place:08d}" for place in places)
            for word, places in index.items()
        ]
        (folder / f"index.{part}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "noun.exc").write_text("children child\nfeet foot\n", encoding="utf-8")
    exceptions = "went go\ngone go\nshot shoot\nstopped stop\nstopping stop\n"
    (folder / "verb.exc").write_text(exceptions, encoding="utf-8")
    (folder / "cntlist.rev").write_text("\n".join(counts) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_translators(tmp_path_factory):
    """Two Marian models with random weights, which end soon, and their tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import MarianConfig, MarianMTModel, PreTrainedTokenizerFast

    words = sorted({word for text in SENTENCES for word in text.replace(",", "").split()})
    vocabulary = {word: at for at, word in enumerate(["<pad>", "</s>", "<unk>", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    folders = []
    for seed, name in enumerate(("there", "back")):
        torch.manual_seed(seed)
        config = MarianConfig(
            vocab_size=len(vocabulary),
            d_model=16,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=16,
            decoder_ffn_dim=16,
            max_position_embeddings=64,
            pad_token_id=0,
            eos_token_id=1,
            forced_eos_token_id=None,
            decoder_start_token_id=0,
        )
        model = MarianMTModel(config)
        torch.nn.init.normal_(model.model.shared.weight, std=0.2)  # also what logits are made by
        model.final_logits_bias[0, 1] = 2.0  # it ends after some words
        model.final_logits_bias[0, [0, 2]] = -20.0
        folder = tmp_path_factory.mktemp(name)
        model.save_pretrained(folder)
        fast.save_pretrained(folder)
        folders.append(folder)
    return folders
