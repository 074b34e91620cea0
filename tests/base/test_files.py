"""Files appear whole, and in the place of files alone."""

import os

import pytest

from tinybert.base.errors import InputError
from tinybert.base.files import atomic_path


def test_a_pipe_or_device_is_not_replaced_by_a_file(tmp_path):
    """As root that would take /dev/null from the whole machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="pipe: is no file"), atomic_path(pipe) as path:
        path.write_text("x")
    assert pipe.is_fifo()
    assert [*tmp_path.iterdir()] == [pipe]
