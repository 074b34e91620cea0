import pytest
import torch

from tinybert.steps.factorize.config import FactorizeConfig
from tinybert.steps.factorize.step import factorize
from tinybert.steps.quantize.attention import measure_attention

SELF = "bert.encoder.layer.{}.attention.self.{}"


def test_the_largest_of_all_batches(model, batches):
    sizes = measure_attention(model, batches)
    names = [SELF.format(layer, kind) for layer in (0, 1) for kind in ("query", "key", "value")]
    assert set(sizes) == set(names)
    each = [measure_attention(model, [batch]) for batch in batches]
    assert sizes == {name: max(one[name] for one in each) for name in names}
    with torch.inference_mode():
        states = [model.bert.embeddings(batch["input_ids"]) for batch in batches]
        queries = [model.bert.encoder.layer[0].attention.self.query(state) for state in states]
    largest = max(query.abs().max().item() for query in queries)
    assert sizes[SELF.format(0, "query")] == pytest.approx(largest)


def test_low_rank_projections_by_their_second_layer(model, batches, tiny_context):
    small = factorize(FactorizeConfig(rank=4, parts=["attention"]), model, tiny_context())
    assert SELF.format(0, "query.up") in measure_attention(small, batches)
