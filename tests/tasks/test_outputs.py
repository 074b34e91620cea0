"""Outputs of rows of any length, put together from batches in any order."""

import numpy as np
import pytest

from tinybert.tasks.outputs import Inputs, Outputs, Places


def test_rows_of_one_answer_come_back_in_order():
    logits = np.arange(10.0).reshape(5, 2)
    batches = [([3, 0], {"logits": logits[[3, 0]]}), ([4, 1, 2], {"logits": logits[[4, 1, 2]]})]
    outputs = Inputs([None] * 5).gather(batches)
    np.testing.assert_array_equal(outputs.logits, logits)
    assert len(outputs) == 5
    assert outputs[-1]["logits"].tolist() == [[8.0, 9.0]]
    with pytest.raises(IndexError):
        outputs[5]


def test_positions_come_from_the_input_that_answers_them_and_padding_from_none():
    given = np.random.default_rng(0).normal(size=(3, 6, 2)).astype(np.float32)
    # Two windows of a row of four words, and a row of one; what is beyond them is padding.
    places = [
        Places(np.array([1, 3]), np.array([0, 1])),
        Places(np.array([2]), np.array([2])),
        Places(np.array([1]), np.array([4])),
    ]
    spans = np.arange(10).reshape(5, 2)
    inputs = Inputs(
        [None] * 3,
        places,
        ends=np.array([4, 5]),
        unread={"logits": np.float32([7, 0])},
        beside={"spans": spans},
    )
    for order in ([[0, 1, 2]], [[2, 0], [1]], [[1], [2], [0]]):
        outputs = inputs.gather([(numbers, {"logits": given[numbers]}) for numbers in order])
        wanted = [given[0, 1], given[0, 3], given[1, 2], [7, 0], given[2, 1]]
        np.testing.assert_array_equal(outputs.logits, np.float32(wanted))
        assert outputs.logits.dtype == np.float32
        assert len(outputs) == 2
        np.testing.assert_array_equal(outputs[1]["logits"], given[2:3, 1])
        np.testing.assert_array_equal(outputs[0]["spans"], spans[:4])


def test_sums_of_rows_some_of_them_empty():
    outputs = Outputs({"logits": np.zeros((3, 1))}, ends=np.array([0, 2, 2, 3]))
    assert outputs.row_sums(np.array([1, 2, 4])).tolist() == [0, 3, 0, 4]
    assert Outputs({"logits": np.zeros((3, 1))}).row_sums(np.array([1, 2, 4])).tolist() == [1, 2, 4]
