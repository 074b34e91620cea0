"""A tiny Hugging Face folder of every family: random weights, and a tokenizer of the usual kind."""

from pathlib import Path
from typing import Any

WORDS = (  # noqa: SIM905 (a list of words is best read as a text)
    "a an the this that it is was not very film movie story plot acting good great bad dull awful "
    "funny sad long short man woman cat dog sat on mat in of and but or with he she they we you"
).split()

KINDS = ("bert", "roberta", "distilbert", "electra", "albert", "mpnet", "modernbert", "gpt2")
"""A model type of every family."""

BYTE_LEVEL = ("roberta", "modernbert", "gpt2")
"""Those whose tokenizers are byte-level BPE; ALBERT's is a Unigram, others' are WordPiece."""

SIZES = {"layers": 3, "hidden_size": 32, "attention_heads": 4, "intermediate_size": 64}

CLASSES = {
    "text-classification": {"labels": ("negative", "positive"), "head": "SequenceClassification"},
    "text-regression": {"labels": ("LABEL_0",), "head": "SequenceClassification"},
    "token-classification": {"labels": ("O", "B-X", "I-X"), "head": "TokenClassification"},
    "multi-label-classification": {"labels": ("a", "b", "c"), "head": "SequenceClassification"},
    "question-answering": {"labels": ("start", "end"), "head": "QuestionAnswering"},
    "masked-lm": {"labels": ("LABEL_0", "LABEL_1"), "head": "MaskedLM"},
    "causal-lm": {"labels": ("LABEL_0", "LABEL_1"), "head": "CausalLM"},
}
"""The outputs and the head of a kind of task."""

PROBLEMS = {
    "text-classification": "single_label_classification",
    "text-regression": "regression",
    "multi-label-classification": "multi_label_classification",
}


def tiny_tokenizer(kind: str) -> Any:
    """A tokenizer as the model type usually has it, of some hundred pieces; it spells all ASCII."""
    if kind in BYTE_LEVEL:
        return _byte_level(kind)
    if kind == "albert":
        return _unigram()
    return _word_piece(kind)


def tiny_config(kind: str, task: str = "text-classification", **changes: Any) -> Any:
    """The config of a tiny model; `changes` are of config.json."""
    from transformers import AutoConfig

    from tinybert.families import family_of

    tokenizer = tiny_tokenizer(kind)
    names = family_of(kind).sizes
    sizes = {theirs: SIZES[ours] for ours, theirs in names.names.items()}
    special = {
        f"{name}_token_id": getattr(tokenizer, f"{name}_token_id")
        for name in ("pad", "bos", "eos", "cls", "sep")
    }
    own: dict[str, dict[str, Any]] = {
        "electra": {"embedding_size": 16},
        "albert": {"embedding_size": 16, "num_hidden_groups": 1},
        "modernbert": {"local_attention": 8},
    }
    labels = CLASSES[task]["labels"]
    return AutoConfig.for_model(
        kind,
        **{
            "vocab_size": len(tokenizer),
            names.positions: 80,
            **sizes,
            **special,
            **own.get(kind, {}),
            "id2label": dict(enumerate(labels)),
            "label2id": {label: number for number, label in enumerate(labels)},
            "problem_type": PROBLEMS.get(task),
            **changes,
        },
    )


def tiny_model(kind: str, task: str = "text-classification", seed: int = 0, **changes: Any) -> Any:
    """A tiny model in eval mode, whose weights are all random, biases and norms too."""
    import torch
    import transformers

    head = getattr(transformers, f"AutoModelFor{CLASSES[task]['head']}")
    torch.manual_seed(seed)
    model = head.from_config(tiny_config(kind, task, **changes)).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # A norm's gain is about 1; fresh biases, all 0, would hide where they are lost.
            is_gain = weight.dim() == 1 and name.endswith("weight")
            weight.copy_(is_gain + (0.1 if weight.dim() == 1 else 0.3) * torch.randn_like(weight))
    return model


def tiny_model_dir(
    kind: str, folder: Path, task: str = "text-classification", **changes: Any
) -> Path:
    """Writes a tiny model and its tokenizer as a Hugging Face folder, and returns the folder."""
    tiny_model(kind, task, **changes).save_pretrained(folder)
    tiny_tokenizer(kind).save_pretrained(folder)
    return folder


def _letters() -> list[str]:
    return [chr(code) for code in range(33, 127) if not chr(code).isupper()]


def _word_piece(kind: str) -> Any:
    import transformers

    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    if kind == "mpnet":
        specials = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
    letters = _letters()
    pieces = [f"##{letter}" for letter in letters if letter.isalnum()]
    entries = dict.fromkeys([*specials, *letters, *pieces, *WORDS])
    vocabulary = {entry: number for number, entry in enumerate(entries)}
    names = {"bert": "Bert", "distilbert": "DistilBert", "electra": "Electra", "mpnet": "MPNet"}
    make = getattr(transformers, f"{names[kind]}TokenizerFast", None)
    make = make or transformers.BertTokenizerFast
    return make(vocab=vocabulary, model_max_length=64)


def _byte_level(kind: str) -> Any:
    import transformers
    from tokenizers import ByteLevelBPETokenizer

    specials = {
        "roberta": ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        "modernbert": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
        "gpt2": ["<|endoftext|>", "<|pad|>"],
    }[kind]
    trained = ByteLevelBPETokenizer(add_prefix_space=False)
    trained.train_from_iterator(
        [" ".join(WORDS)] * 3, vocab_size=340, special_tokens=specials, show_progress=False
    )
    if kind == "modernbert":
        from tokenizers.processors import TemplateProcessing

        inner = trained._tokenizer
        ids = [(name, inner.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
        inner.post_processor = TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=ids
        )
        return transformers.PreTrainedTokenizerFast(
            tokenizer_object=inner,
            pad_token="[PAD]",
            unk_token="[UNK]",
            cls_token="[CLS]",
            sep_token="[SEP]",
            mask_token="[MASK]",
            model_max_length=64,
            model_input_names=["input_ids", "attention_mask"],
        )
    import json

    state = json.loads(trained.to_str())["model"]
    make = (
        transformers.RobertaTokenizerFast if kind == "roberta" else transformers.GPT2TokenizerFast
    )
    merges = [tuple(merge) for merge in state["merges"]]
    options = {} if kind == "roberta" else {"pad_token": "<|pad|>"}
    return make(vocab=state["vocab"], merges=merges, model_max_length=64, **options)


def _unigram() -> Any:
    from transformers import AlbertTokenizerFast

    specials = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
    words = [f"▁{word}" for word in WORDS]
    pieces = dict.fromkeys([*specials, "▁", *_letters(), *words])
    scored = [
        (piece, 0.0 if piece in specials else -float(at) / 50) for at, piece in enumerate(pieces)
    ]
    return AlbertTokenizerFast(vocab=scored, model_max_length=64)
