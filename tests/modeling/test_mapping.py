from types import SimpleNamespace

import pytest

from tinybert.base.errors import InputError
from tinybert.modeling.blocks import blocks
from tinybert.modeling.mapping import group_heads, map_layers


@pytest.mark.parametrize("teacher", range(1, 25))
def test_uniform_layers_rise_to_the_last(teacher):
    for student in range(1, teacher + 1):
        layers = map_layers(teacher, student)
        assert len(layers) == student
        assert layers == sorted(set(layers))
        assert layers[0] >= 1
        assert layers[-1] == teacher


@pytest.mark.parametrize("mapping", [[1], [2, 1], [1, 1], [0, 1], [1, 7], [1, 2, 3]])
def test_mappings_that_can_not_be(mapping):
    with pytest.raises(InputError, match="2 layers of the teacher's 6"):
        map_layers(6, 2, mapping)


@pytest.mark.parametrize("teacher", range(1, 17))
def test_every_head_is_in_one_group(teacher):
    for student in range(1, teacher + 1):
        groups = group_heads(teacher, student)
        assert len(groups) == student
        assert [head for group in groups for head in group] == list(range(teacher))
        sizes = [len(group) for group in groups]
        assert max(sizes) - min(sizes) <= 1


def test_more_than_the_teacher_has():
    with pytest.raises(InputError, match="use at most 2"):
        map_layers(2, 3)
    with pytest.raises(InputError, match="use at most 4"):
        group_heads(4, 8)


def test_another_family():
    with pytest.raises(InputError, match="deberta"):
        blocks(SimpleNamespace(config=SimpleNamespace(model_type="deberta")))
