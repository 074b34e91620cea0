"""GPT-2: every token sees those before it, and its head says what comes next.

That of a classifier reads the last one.
"""

from tinybert.families.family import Family, Head, Piece, Sizes

_SPLIT = "attn.split_size"

GPT2 = Family(
    model_types=("gpt2",),
    layers="h",
    attention="attn",
    query=Piece("attn.c_attn", 0, 3, _SPLIT),
    key=Piece("attn.c_attn", 1, 3, _SPLIT),
    value=Piece("attn.c_attn", 2, 3, _SPLIT),
    attention_output="attn.c_proj",
    attention_norm="ln_1",
    up="mlp.c_fc",
    activation="mlp.act",
    down="mlp.c_proj",
    norm="ln_2",
    words="wte",
    positions="wpe",
    embedding_norm=None,
    embedding_end="drop",
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
    scaled_by_place="scale_attn_by_inverse_layer_idx",
    reads="last",
    heads={
        "ForSequenceClassification": Head(out="score"),
        "ForTokenClassification": Head(out="classifier"),
        "LMHeadModel": Head(out="lm_head"),
    },
    refuses={
        "shorten": "its head reads the last token, and each token sees only those before it",
        "attention": "each of its tokens sees only those before it; compare `hidden`",
        "masked-lm": "it writes from left to right and has no masked-LM head",
    },
)
