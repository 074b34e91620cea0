"""ModernBERT: norms first, gated feed-forward blocks, turned queries and keys, local layers."""

from tinybert.families.family import Family, Head, Piece

MODERNBERT = Family(
    model_types=("modernbert",),
    layers="layers",
    attention="attn",
    query=Piece("attn.Wqkv", 0, 3),
    key=Piece("attn.Wqkv", 1, 3),
    value=Piece("attn.Wqkv", 2, 3),
    attention_output="attn.Wo",
    attention_norm="attn_norm",
    up=Piece("mlp.Wi", 0, 2),
    gate=Piece("mlp.Wi", 1, 2),
    activation="mlp.act",
    down="mlp.Wo",
    norm="mlp_norm",
    words="embeddings.tok_embeddings",
    embedding_norm="embeddings.norm",
    final_norm="final_norm",
    per_layer=("layer_types",),
    norms_first=True,
    rotary=True,
    window="local_attention",
    first_layer_differs=True,
    pooling="classifier_pooling",
    heads={
        "ForSequenceClassification": Head(out="classifier", dense="head.dense", norm="head.norm"),
        "ForTokenClassification": Head(out="classifier", dense="head.dense", norm="head.norm"),
        "ForQuestionAnswering": Head(out="classifier", dense="head.dense", norm="head.norm"),
    },
    masked_lm=("head", "decoder"),
    refuses={
        "attention": "its queries and keys are turned by their positions after they are observed, "
        "and most layers see a window only; compare `hidden` or `relations`",
        "shorten": "its queries and keys are turned by their positions, which are lost where some "
        "tokens are left out",
    },
)
