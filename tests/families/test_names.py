"""Nobody but `families/` and `modeling/{blocks,parts}.py` name a module of a model."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import tinybert
from tinybert.families import FAMILIES, Family, Piece

SOURCE = Path(tinybert.__file__).parent
MODELING = SOURCE / "modeling"
ALLOWED = (SOURCE / "families", MODELING / "blocks.py", MODELING / "parts.py")
PARTS = (
    *("layers", "attention", "query", "key", "value", "attention_output", "attention_norm"),
    *("up", "gate", "activation", "down", "norm", "words", "positions", "types"),
    *("embedding_norm", "embedding_projection", "final_norm", "position_bias_table"),
)


def dotted(family: Family) -> Iterator[str]:
    for name in PARTS:
        part = getattr(family, name)
        yield part.name if isinstance(part, Piece) else part or ""
    yield from (head.out for head in family.heads.values())
    yield from (head.dense or "" for head in family.heads.values())


def modules() -> tuple[set[str], set[str]]:
    """Two names with a dot between them, and single ones that are no words of English."""
    pairs, single = set(), {"encoder_layers", "BERT_LIKE"}
    for family in FAMILIES.values():
        for name in dotted(family):
            steps = name.split(".")
            pairs |= {f"{a}.{b}" for a, b in pairwise(steps)}
            single |= {step for step in steps if re.search(r"[_A-Z0-9]", step)}
    # Also a class of PyTorch's, and what `Family` calls it itself.
    return pairs, single - {"LayerNorm", "final_norm"}


PAIRS, SINGLE = modules()


def named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The chains of attributes and the texts of a module, docstrings left out."""
    alone = (node for node in ast.walk(tree) if isinstance(node, ast.Expr))
    docstrings = {id(node.value) for node in alone}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            before = node.value.attr if isinstance(node.value, ast.Attribute) else ""
            yield node.lineno, f"{before}.{node.attr}"
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield node.lineno, str(node.value)


def violations(source: str) -> list[str]:
    found = []
    for line, text in named(ast.parse(source)):
        words = re.findall(r"\w+", text)
        two = {f"{a}.{b}" for a, b in re.findall(r"(?=\b(\w+)\.(\w+))", text)}
        if two & PAIRS or SINGLE.intersection(words):
            found.append(f"{line}: {text}")
    return found


def test_no_module_of_a_model_is_named_elsewhere():
    found = {
        str(path.relative_to(SOURCE)): names
        for path in sorted(SOURCE.rglob("*.py"))
        if not any(path == allowed or allowed in path.parents for allowed in ALLOWED)
        and (names := violations(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "x = layer.attention.self.query",
        "layer.output.dense.weight",
        'names = ["intermediate.dense"]',
        "model.embeddings.word_embeddings",
        "encoder_layers(model)",
        "attn.Wqkv",
        'getattr(base, "c_attn")',
    ],
)
def test_it_would_be_seen(line):
    assert violations(line)
