from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.steps.prune.config import PruneConfig
from tinybert.steps.prune.expected import pruned

BERT = ExpectedShape(
    model_type="bert",
    layers=6,
    hidden_size=384,
    head_size=32,
    head_counts=(12,) * 6,
    neuron_counts=(1536,) * 6,
    embedding_size=384,
)


def test_what_pruning_of_some_layers_leaves():
    shape = pruned(BERT, PruneConfig(heads=0.5, neurons=0.5, of_layers=[1, 3], layers=[6]))
    assert shape.head_counts == (6, 12, 6, 12, 12)
    assert shape.neuron_counts == (768, 1536, 768, 1536, 1536)
    assert (shape.even, shape.attention_width) == (False, 6 * 32)
    fewer = pruned(shape, PruneConfig(layers=2))
    assert (fewer.head_counts, fewer.exact, fewer.attention_width) == ((6, 6, 6), False, 32)


def test_what_uneven_pruning_leaves_is_known_at_least():
    shape = pruned(BERT, PruneConfig(heads=0.5, uniform=False, neurons=0.1))
    assert (shape.heads, shape.neurons, shape.even, shape.attention_width) == (1, 16, False, 32)
    assert pruned(BERT, PruneConfig(neurons=0.5)).neurons == 768
