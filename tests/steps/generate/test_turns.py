import pytest
import torch

from tinybert.steps.generate.turns import turns


@pytest.mark.parametrize(("places", "share"), [(1, 0.2), (7, 0.2), (10, 0.2), (5, 1.0), (16, 0.1)])
def test_every_place_has_its_turn(places, share):
    steps = list(turns(8, places, round(1 / share), share, torch.Generator()))
    for row in range(8):
        assert {place for step in steps for place in step[row].tolist()} == set(range(places))
    assert all(len(set(row.tolist())) == steps[0].shape[1] for step in steps for row in step)


def test_rows_have_their_own_order():
    first = next(turns(50, 10, 1, 0.1, torch.Generator()))
    assert len(set(first.flatten().tolist())) > 5
