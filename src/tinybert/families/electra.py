"""ELECTRA: BERT's layers behind embeddings that may be narrower."""

from dataclasses import replace

from tinybert.families.bert import BERT
from tinybert.families.family import Head

ELECTRA = replace(
    BERT,
    model_types=("electra",),
    embedding_projection="embeddings_project",
    embedding_size="embedding_size",
    heads={
        "ForSequenceClassification": Head(out="classifier.out_proj", dense="classifier.dense"),
        "ForTokenClassification": Head(out="classifier"),
        "ForQuestionAnswering": Head(out="qa_outputs"),
    },
    masked_lm=("generator_predictions", "generator_lm_head"),
)
