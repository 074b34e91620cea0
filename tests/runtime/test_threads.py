import pytest

from tinybert import load
from tinybert.base.errors import InputError
from tinybert.formats.open import open_model
from tinybert.measure.bench import bench
from tinybert.runtime.threads import require_threads


@pytest.mark.parametrize("threads", [0, -1, 100_000, 10**30])
@pytest.mark.parametrize("use", [load, open_model])
def test_threads_that_no_machine_has(use, threads, tiny_artifact_dir):
    with pytest.raises(InputError, match="threads must be at "):
        use(tiny_artifact_dir, threads=threads)


def test_a_bench_on_more_threads_than_there_can_be(tiny_artifact_dir):
    with pytest.raises(InputError, match="threads must be at most"):
        bench([str(tiny_artifact_dir)], threads=100_000, repeats=1)


def test_more_threads_than_cores_are_allowed():
    require_threads(8)
    require_threads(None)
