"""GPT-2 as a classifier: every token sees those before it, and the head reads the last one."""

from tinybert.families.family import Family, Head, Piece, Sizes

_CONV = "its layers keep their weights transposed, as no other family's"

GPT2 = Family(
    model_types=("gpt2",),
    layers="h",
    attention="attn",
    query=Piece("attn.c_attn", 0, 3),
    key=Piece("attn.c_attn", 1, 3),
    value=Piece("attn.c_attn", 2, 3),
    attention_output="attn.c_proj",
    attention_norm="ln_1",
    up=Piece("mlp.c_fc", 0, 1),
    activation="mlp.act",
    down="mlp.c_proj",
    norm="ln_2",
    words="wte",
    positions="wpe",
    embedding_norm=None,
    final_norm="ln_f",
    sizes=Sizes(
        layers="n_layer",
        hidden_size="n_embd",
        attention_heads="n_head",
        intermediate_size="n_inner",
        positions="n_positions",
        neurons_per_width=4,
    ),
    norms_first=True,
    causal=True,
    reads="last",
    heads={
        "ForSequenceClassification": Head(out="score"),
        "ForTokenClassification": Head(out="classifier"),
    },
    refuses={
        "student": f"{_CONV}; start with `init: random` or from a checkpoint",
        "prune": _CONV,
        "factorize": _CONV,
        "shorten": "its head reads the last token, and each token sees only those before it",
        "attention": "each of its tokens sees only those before it; compare `hidden`",
        "masked-lm": "it writes from left to right and has no masked-LM head",
        "static": f"{_CONV}; use `method: dynamic`",
        "qat": f"{_CONV}; use `method: dynamic`",
        "gptq": f"{_CONV}; use `rounding: nearest`",
    },
)
