"""BERT, and RoBERTa with its kin, whose layers are BERT's."""

from dataclasses import replace

from tinybert.families.family import Family, Head, Narrowing

BERT = Family(
    model_types=("bert",),
    layers="encoder.layer",
    encoder="encoder",
    attention="attention",
    query="attention.self.query",
    key="attention.self.key",
    value="attention.self.value",
    attention_output="attention.output.dense",
    attention_norm="attention.output.LayerNorm",
    up="intermediate.dense",
    activation="intermediate.intermediate_act_fn",
    down="output.dense",
    norm="output.LayerNorm",
    words="embeddings.word_embeddings",
    positions="embeddings.position_embeddings",
    types="embeddings.token_type_embeddings",
    embedding_norm="embeddings.LayerNorm",
    heads={
        "ForSequenceClassification": Head(out="classifier", dense="bert.pooler.dense"),
        "ForTokenClassification": Head(out="classifier"),
        "ForQuestionAnswering": Head(out="qa_outputs"),
    },
    masked_lm=("cls",),
    narrowing=Narrowing("attention.self", "attention.output", "feed_forward_chunk"),
    integer_attention=True,
)

ROBERTA = replace(
    BERT,
    model_types=("roberta", "xlm-roberta", "camembert"),
    positions_after_padding=True,
    heads={
        "ForSequenceClassification": Head(out="classifier.out_proj", dense="classifier.dense"),
        "ForTokenClassification": Head(out="classifier"),
        "ForQuestionAnswering": Head(out="qa_outputs"),
    },
    masked_lm=("lm_head",),
)
