"""ALBERT: one layer that runs again and again, behind narrow embeddings."""

from tinybert.families.family import Family, Head

ALBERT = Family(
    model_types=("albert",),
    layers="encoder.albert_layer_groups",
    attention="attention",
    query="attention.query",
    key="attention.key",
    value="attention.value",
    attention_output="attention.dense",
    attention_norm="attention.LayerNorm",
    up="ffn",
    activation="activation",
    down="ffn_output",
    norm="full_layer_layer_norm",
    words="embeddings.word_embeddings",
    positions="embeddings.position_embeddings",
    types="embeddings.token_type_embeddings",
    embedding_norm="embeddings.LayerNorm",
    embedding_projection="encoder.embedding_hidden_mapping_in",
    embedding_size="embedding_size",
    shared=True,
    heads={
        "ForSequenceClassification": Head(out="classifier", dense="albert.pooler"),
        "ForTokenClassification": Head(out="classifier"),
        "ForQuestionAnswering": Head(out="qa_outputs"),
    },
    masked_lm=("predictions",),
    refuses={
        "student": "its layers share their weights, so that none can be fitted to a teacher's "
        "layer of its own; start with `init: random` or from a checkpoint",
        "prune": "its layers share their weights, so that what goes from one goes from all",
        "factorize": "its layers share their weights, and no one product suits all that they are "
        "given",
        "shorten": "its layers share their weights and have no place between them where tokens "
        "could be chosen",
        "gptq": "its layers share their weights, and no one rounding suits all that they are "
        "given; use `rounding: nearest`",
    },
)
