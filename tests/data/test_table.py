import pytest

from tinybert.base.errors import InputError
from tinybert.data import Table


def test_a_missing_column_lists_those_there_are():
    with pytest.raises(InputError, match=r"a\.tsv: no column 'b'; it has: x, y"):
        Table({"x": [1], "y": [2]}, "a.tsv").column("b")


def test_length_is_that_of_the_columns():
    assert len(Table({"x": [1, 2, 3]}, "a.tsv")) == 3
    assert len(Table({}, "a.tsv")) == 0
