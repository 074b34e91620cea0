"""Writes families.md: which models a recipe can begin with, and what it can do with each.

.venv/bin/python docs/families.py
"""

from pathlib import Path
from typing import get_args

from tinybert.families import FAMILIES, Capability, Family

PAGE = Path(__file__).with_suffix(".md")

CAPABILITIES: dict[Capability, str] = {
    "student": "`student: {init: teacher}`",
    "prune": "`prune`",
    "prune-heads": "`prune: {heads: ...}`",
    "prune-layers": "`prune: {layers: ...}`",
    "zeros": "`prune: {sparsity: ...}`",
    "factorize": "`factorize: {parts: [ffn, attention]}`",
    "shorten": "`shorten`",
    "attention": "`attention`, a loss",
    "relations": "`relations`, a loss",
    "masked-lm": "a masked-LM head as a teacher",
    "static": "`quantize: {method: static}`",
    "qat": "`quantize: {method: qat}`",
    "gptq": "`quantize: {rounding: gptq}`",
}
"""What each is in a recipe."""

HEAD = """# Families

This page is made from the program by `docs/families.py`. A teacher is a model of one of these
types, and its student is of the same type. Every family can be fine-tuned, distilled from
predictions and hidden states, quantized dynamically and exported. The table has what some can't:
that is refused at its line in the recipe, with the reason.
"""


def page() -> str:
    """The page as Markdown."""
    families = list({family.model_types: family for family in FAMILIES.values()}.values())
    names = [", ".join(f"`{name}`" for name in family.model_types) for family in families]
    wanted = [each for each in get_args(Capability) if any(each in f.refuses for f in families)]
    table = [["model type", *(CAPABILITIES[each] for each in wanted)]]
    table.append(["---"] * len(table[0]))
    for name, family in zip(names, families, strict=True):
        table.append([name, *("no" if _refuses(family, each) else "yes" for each in wanted)])
    lines = ["| " + " | ".join(row) + " |" for row in table]
    reasons = [
        f"- {name}, {CAPABILITIES[capability]}: {reason}."
        for name, family in zip(names, families, strict=True)
        for capability, reason in _refused(family)
    ]
    return "\n".join([HEAD, *lines, "", "## Why not", "", *reasons, ""])


def _refuses(family: Family, capability: Capability) -> bool:
    """Whether it can't, or can't what this is a part of, as `prune` of `prune-heads`."""
    return not {capability, capability.partition("-")[0]}.isdisjoint(family.refuses)


def _refused(family: Family) -> list[tuple[Capability, str]]:
    return [(each, family.refuses[each]) for each in get_args(Capability) if each in family.refuses]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
