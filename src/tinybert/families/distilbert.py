"""DistilBERT: BERT's layers under other names, without token types and without a pooler."""

from tinybert.families.family import Family, Head, Sizes

DISTILBERT = Family(
    model_types=("distilbert",),
    layers="transformer.layer",
    encoder="transformer",
    attention="attention",
    query="attention.q_lin",
    key="attention.k_lin",
    value="attention.v_lin",
    attention_output="attention.out_lin",
    attention_norm="sa_layer_norm",
    up="ffn.lin1",
    activation="ffn.activation",
    down="ffn.lin2",
    norm="output_layer_norm",
    words="embeddings.word_embeddings",
    positions="embeddings.position_embeddings",
    embedding_norm="embeddings.LayerNorm",
    sizes=Sizes(
        layers="n_layers",
        hidden_size="dim",
        attention_heads="n_heads",
        intermediate_size="hidden_dim",
    ),
    heads={
        "ForSequenceClassification": Head(out="classifier", dense="pre_classifier"),
        "ForTokenClassification": Head(out="classifier"),
        "ForQuestionAnswering": Head(out="qa_outputs"),
    },
    masked_lm=("vocab_transform", "activation", "vocab_layer_norm", "vocab_projector"),
    integer_attention=True,
)
