"""Which component of a model a weight is of, by the weight's name."""

import re

_PATTERNS = {
    "head": r"(^|\.)(pooler|(pre_)?classifier|score|(lm_)?head|projection|cls|qa_outputs"
    r"|\w*predictions)\.",
    "layer_norms": r"(?i:layer_?norm)|norm\.|(^|\.)ln_\w+\.",
    "embeddings": r"embeddings?(_\w+)?\.|(^|\.)w[tp]e\.",
    "attention": r"attention|attn",
    "feed_forward": r"intermediate|output\.dense|ffn|mlp",
}
"""Parts of a transformer by the names of their weights; the first that fits is meant."""


def component_of(name: str) -> str | None:
    """The component of a weight, whatever family it is of; None where its name says nothing.

    Example:
        >>> [component_of(name) for name in ("h.0.attn.c_attn.weight", "wte.weight", "x")]
        ['attention', 'embeddings', None]
    """
    for component, pattern in _PATTERNS.items():
        if re.search(pattern, name):
            return component
    return None
