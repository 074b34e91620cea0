from types import SimpleNamespace

import pytest

from tinybert.steps.prune.schedule import GradualPruning, cubic


def test_the_cubic_schedule():
    """s_t = s_f (1 - (1 - t)³), Zhu & Gupta's equation 1 from a sparsity of 0."""
    assert [cubic(t / 4) for t in range(5)] == pytest.approx([0, 0.578125, 0.875, 0.984375, 1])


class Recorder:
    def __init__(self):
        self.steps, self.raises = 0, []

    def after_step(self):
        self.steps += 1

    def prune_to(self, progress):
        self.raises.append((self.steps, progress))


@pytest.mark.parametrize("total", [3, 20, 997])
def test_the_share_rises_and_then_stays(total):
    recorder = Recorder()
    callback = GradualPruning(recorder, 0.5)
    for step in range(1, total + 1):
        callback.on_step_end(None, SimpleNamespace(global_step=step, max_steps=total), None)
    steps, shares = zip(*recorder.raises, strict=True)
    assert recorder.steps == total
    assert steps[-1] == round(total / 2)
    assert shares[-1] == 1
    assert list(shares) == sorted(shares)
    assert len(shares) <= 60
