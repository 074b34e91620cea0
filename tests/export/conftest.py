"""Encoders of several families with a head, tiny and random."""

import pytest

TINY = {
    "vocab_size": 200,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "initializer_range": 0.2,
}
DISTILBERT = {
    "vocab_size": 200,
    "dim": 32,
    "n_layers": 2,
    "n_heads": 4,
    "hidden_dim": 64,
    "initializer_range": 0.2,
}


@pytest.fixture(scope="session")
def make_encoder():
    """Model type to an `AutoModelForSequenceClassification` of it, in eval mode."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    def make(kind):
        sizes = DISTILBERT if kind == "distilbert" else TINY
        torch.manual_seed(0)
        config = AutoConfig.for_model(kind, num_labels=3, **sizes)
        return AutoModelForSequenceClassification.from_config(config).eval()

    return make
