"""MPNet: BERT's layers, with a bias of attention scores by the distance of two tokens."""

from tinybert.families.family import Family, Head

MPNET = Family(
    model_types=("mpnet",),
    layers="encoder.layer",
    attention="attention",
    query="attention.attn.q",
    key="attention.attn.k",
    value="attention.attn.v",
    attention_output="attention.attn.o",
    attention_norm="attention.LayerNorm",
    up="intermediate.dense",
    activation="intermediate.intermediate_act_fn",
    down="output.dense",
    norm="output.LayerNorm",
    words="embeddings.word_embeddings",
    positions="embeddings.position_embeddings",
    embedding_norm="embeddings.LayerNorm",
    position_bias="encoder.compute_position_bias",
    position_bias_table="encoder.relative_attention_bias",
    positions_after_padding=True,
    heads={
        "ForSequenceClassification": Head(out="classifier.out_proj", dense="classifier.dense"),
        "ForTokenClassification": Head(out="classifier"),
        "ForQuestionAnswering": Head(out="qa_outputs"),
    },
    masked_lm=("lm_head",),
    refuses={
        "prune-heads": "all its layers read one table of relative positions with a column a head, "
        "so that no layer can lose heads alone; prune neurons or layers",
        "shorten": "its scores depend on how far apart two tokens are, which is lost where some "
        "are left out",
    },
)
