import pytest
from pydantic import ValidationError

from tinybert.base.errors import InputError
from tinybert.steps.prune.config import PruneConfig
from tinybert.steps.prune.expected import layers_left


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"heads": 0}, "nothing to prune"),
        ({"heads": 0.5, "sparsity": 0.5}, "in another after it"),
        ({"sparsity": 0.5, "pattern": "2:4"}, "exclude each other"),
        ({"pattern": "4:4"}, "prunes nothing"),
        ({"pattern": "2-4"}, "match pattern"),
        ({"heads": 1.0}, "less than 1"),
        ({"heads": 0.5, "embeddings": True}, "only with sparsity"),
        ({"layers": [1, 1]}, "once"),
        ({"layers": [0]}, "counted from 1"),
        ({"heads": 0.5, "distill": {"compile": True}}, "can't be compiled"),
        ({"heads": 0.5, "of_layers": [2, 2]}, "of_layers: name each layer once"),
        ({"layers": 1, "of_layers": [1]}, "of_layers: says whose heads and neurons go"),
    ],
)
def test_what_can_not_be(settings, message):
    with pytest.raises(ValidationError, match=message):
        PruneConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "needs"),
    [
        ({"heads": 0.5}, True),
        ({"heads": 0.5, "importance": "magnitude"}, False),
        ({"layers": 1}, True),
        ({"layers": [1]}, False),
        ({"sparsity": 0.5}, False),
        ({"sparsity": 0.5, "distill": {}}, True),
    ],
)
def test_who_needs_rows(settings, needs):
    assert ("rows" in PruneConfig(**settings).needs(corpus=False)) == needs


def test_a_quarter_of_the_neurons_unless_something_is_named():
    assert PruneConfig().neurons == PruneConfig(distill={}).neurons == 0.25
    assert PruneConfig(sparsity=0.5).neurons == PruneConfig(heads=0.5).neurons == 0
    settings = PruneConfig(layers=1).model_dump()
    assert PruneConfig(**settings).model_dump() == settings


def test_layers_that_can_not_go():
    with pytest.raises(InputError, match="must stay"):
        layers_left(6, 6)
    with pytest.raises(InputError, match="no layer 7"):
        layers_left([1, 7], 6)
