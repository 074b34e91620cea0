"""Damaged settings of a model, whose answers are compared with those of stock Transformers."""

import contextlib
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

from fuzz import mutators
from fuzz.mutators import Dice
from fuzz.outcome import COMPARED, RESULT, TEXTS, WrongAnswer


def config(dice: Dice, base: Path, work: Path) -> str:
    """The config.json of a Hugging Face folder, or of an artifact."""
    folder = work / "model"
    shutil.copytree(base / "model", folder)
    settings = json.loads((folder / "config.json").read_bytes())
    if dice.random() < 0.2:
        shape = {"attention_heads": [4, 4], "intermediate_sizes": [64, 64]}
        shape |= {"ranks": {}, "selection": {"layer": 1, "positions": 32}}
        settings["tinybert_shape"] = mutators.mutate_value(dice, shape)
    elif dice.random() < 0.5:
        kept = ["id2label", "label2id", "max_position_embeddings", "pad_token_id", "model_type"]
        kept += ["architectures", "problem_type", "vocab_size", "type_vocab_size", "tinybert"]
        key = dice.choice(kept)
        settings[key] = mutators.mutate_value(dice, settings.get(key))
    else:
        settings = mutators.mutate_value(dice, settings)
    (folder / "config.json").write_bytes(mutators.json_bytes(dice, settings))
    return _compare(dice, folder)


def tokenizer(dice: Dice, base: Path, work: Path) -> str:
    """The tokenizer.json of a model, read by the runtime and by Transformers."""
    folder = work / "model"
    shutil.copytree(base / "model", folder)
    document = json.loads((folder / "tokenizer.json").read_bytes())
    part = dice.choice(["all", "model", "normalizer", "pre_tokenizer", "post_processor", "vocab"])
    if part == "all":
        document = mutators.mutate_value(dice, document)
    elif part == "vocab":
        document["model"]["vocab"] = mutators.mutate_value(dice, document["model"]["vocab"])
    else:
        document[part] = mutators.mutate_value(dice, document[part], _odd_tokenizer)
    (folder / "tokenizer.json").write_bytes(mutators.json_bytes(dice, document))
    return _compare(dice, folder)


def _odd_tokenizer(dice: Dice) -> Any:
    """Parts that a tokenizer may have, in any place."""
    parts = [
        {"type": "Sequence", "normalizers": []},
        {"type": "Sequence", "pretokenizers": []},
        {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "b"},
        {"type": "Replace", "pattern": {"String": ""}, "content": "b"},
        {"type": "Replace", "pattern": {"Regex": "("}, "content": "b"},
        {"type": "Prepend", "prepend": "x"},
        {"type": "Precompiled", "precompiled_charsmap": "AAAA"},
        {"type": "Precompiled", "precompiled_charsmap": ""},
        {"type": "Split", "pattern": {"Regex": ""}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        {"type": "Unigram", "unk_id": 9, "vocab": [["a", 0.0]], "byte_fallback": False},
        {"type": "Unigram", "unk_id": None, "vocab": [], "byte_fallback": True},
        {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "b"},
        {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b"]]},
        {"type": "BertProcessing", "sep": ["x", 9999], "cls": ["y", -1]},
        {"type": "NFKC"},
        {"type": "Lowercase"},
        {"type": "Whitespace"},
        {"type": "Digits", "individual_digits": True},
    ]
    return dice.choice([*parts, mutators.odd_value(dice)])


def tokenizer_settings(dice: Dice, base: Path, work: Path) -> str:
    """The tokenizer_config.json of a model."""
    folder = work / "model"
    shutil.copytree(base / "model", folder)
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_bytes())
    if dice.random() < 0.5:
        keys = ["model_max_length", "do_lower_case", "pad_token", "truncation_side", "unk_token"]
        keys += ["strip_accents", "tokenize_chinese_chars", "tokenizer_class", "padding_side"]
        key = dice.choice(keys)
        settings[key] = mutators.mutate_value(dice, settings.get(key))
    else:
        settings = mutators.mutate_value(dice, settings)
    path.write_bytes(mutators.json_bytes(dice, settings))
    return _compare(dice, folder)


def _compare(dice: Dice, folder: Path) -> str:
    """Describes and runs a model by an artifact or PyTorch, and compares it with Transformers."""
    from tinybert.formats.open import open_model
    from tinybert.measure.info import describe, info_text

    form = dice.choice(["onnx/model.onnx", "onnx/model.onnx", "openvino/model.xml", ""])
    if not form:
        shutil.rmtree(folder / "onnx")
        shutil.rmtree(folder / "openvino")
    info_text(describe(folder / form))
    model = open_model(folder / form)
    with contextlib.redirect_stderr(io.StringIO()):
        ours = model(TEXTS)
    json.dumps(ours, allow_nan=False)
    theirs = _by_transformers(folder, stock=not form)
    if theirs is None:
        return RESULT
    if not _alike(ours, theirs):
        raise WrongAnswer(f"{form or 'PyTorch'}: {ours}\nTransformers: {theirs}")
    return COMPARED


def _by_transformers(folder: Path, stock: bool) -> list[dict[str, float]] | None:
    """Scores by label as stock Transformers has them; None where it can't read the folder.

    An artifact computes what it was exported from, whatever config.json says by now: then the
    weights of the whole model count, with the damaged tokenizer and the damaged names of labels.
    """
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    whole = folder.parent / "whole"
    if not stock:
        os.rename(folder / "whole", whole)
    try:
        settings = AutoConfig.from_pretrained(folder)
        if "ForSequenceClassification" not in str(settings.architectures):
            return None
        reader = AutoTokenizer.from_pretrained(folder)
        source = folder if stock else whole
        with torch.inference_mode():
            model = AutoModelForSequenceClassification.from_pretrained(source).eval()
            longest = min(reader.model_max_length, 128)
            scores = []
            for text in TEXTS:
                features = reader(text, truncation=True, max_length=longest, return_tensors="pt")
                logits = model(**features).logits[0]
                found = torch.softmax(logits, 0).tolist()
                scores.append({str(settings.id2label[i]): score for i, score in enumerate(found)})
        return scores
    except BaseException:  # what stock Transformers can't read tells nothing of us
        return None


def _alike(ours: list[dict[str, Any]], theirs: list[dict[str, float]]) -> bool:
    return all(
        "scores" in mine
        and mine["scores"].keys() == other.keys()
        and all(abs(mine["scores"][name] - score) < 1e-3 for name, score in other.items())
        for mine, other in zip(ours, theirs, strict=True)
    )
