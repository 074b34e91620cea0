"""A tiny model of each kind of tokenizer, trained on words that share their parts."""

import itertools
import json
import random
from types import SimpleNamespace

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertTokenizer,
    RobertaConfig,
    RobertaForSequenceClassification,
    RobertaTokenizer,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
    XLMRobertaTokenizer,
)

STEMS = "play walk long short film große naïve market drum guitar ελπίδα новый slow last".split()  # noqa: SIM905
ENDINGS = ["", "s", "ed", "ing", "er", "est", "ly", "ness"]
WORDS = [stem + ending for stem, ending in itertools.product(STEMS, ENDINGS)]
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def sentences(words, count, seed):
    dice = random.Random(seed)
    return [" ".join(dice.choices(words, k=dice.randint(1, 6))) + "." for _ in range(count)]


TEXTS = [*sentences(WORDS, 200, seed=0), *WORDS, "a b c, d: e! f? 日本語"]


def wordpiece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    # As in BERT: [UNK] and its kin are not the first.
    unused = [f"[unused{number}]" for number in range(3)]
    train(tokenizer, trainers.WordPieceTrainer(vocab_size=260, special_tokens=specials))
    entries = [
        specials[0],
        *unused,
        *specials[1:],
        *sorted(set(tokenizer.get_vocab()) - {*specials}),
    ]
    return BertTokenizer(
        {entry: number for number, entry in enumerate(entries)}, do_lower_case=False
    )


def bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    train(
        tokenizer,
        trainers.BpeTrainer(vocab_size=420, special_tokens=SPECIALS[:4], initial_alphabet=alphabet),
    )
    model = json.loads(tokenizer.to_str())["model"]
    return RobertaTokenizer(model["vocab"], [tuple(pair) for pair in model["merges"]])


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    train(
        tokenizer,
        trainers.UnigramTrainer(vocab_size=160, special_tokens=SPECIALS[:4], unk_token="<unk>"),
    )
    vocabulary = json.loads(tokenizer.to_str())["model"]["vocab"]
    return XLMRobertaTokenizer([tuple(entry) for entry in vocabulary])


def train(tokenizer, trainer):
    trainer.show_progress = False
    tokenizer.train_from_iterator(TEXTS, trainer)


KINDS = {
    "WordPiece": (wordpiece, BertConfig, BertForSequenceClassification),
    "BPE": (bpe, RobertaConfig, RobertaForSequenceClassification),
    "Unigram": (unigram, XLMRobertaConfig, XLMRobertaForSequenceClassification),
}


@pytest.fixture(scope="session", params=KINDS)
def family(request, tmp_path_factory):
    """The `folder` of a model whose tokenizer is of this `kind`, and the words that it knows."""
    from tinybert.modeling.load import load_tokenizer, save_model

    make, config_class, model_class = KINDS[request.param]
    tokenizer = make()
    tokenizer.model_max_length = 64
    torch.manual_seed(0)
    model = model_class(
        config_class(
            vocab_size=len(tokenizer) + 3,  # some tables are longer than the vocabulary
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=70,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    folder = tmp_path_factory.mktemp(request.param)
    save_model(model, tokenizer, folder)
    return SimpleNamespace(
        kind=request.param,
        folder=folder,
        tokenizer=lambda: load_tokenizer(folder),
        model=lambda: model_class.from_pretrained(folder).eval(),
        words=WORDS,
        sentences=sentences,
    )
