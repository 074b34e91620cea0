import pytest

from tinybert.base.errors import InputError
from tinybert.modeling.expected_shape import ExpectedShape

BERT = {
    "model_type": "bert",
    "num_hidden_layers": 6,
    "hidden_size": 384,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "max_position_embeddings": 512,
}


@pytest.mark.parametrize("sizes", [{"attention_heads": [6] * 5}, {"intermediate_sizes": []}])
def test_a_note_of_other_layers(sizes):
    with pytest.raises(InputError, match=r"broken .*of other than its 6 layers"):
        ExpectedShape.of(BERT | {"tinybert_shape": sizes})
