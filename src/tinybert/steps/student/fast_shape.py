"""`shape: fast`: near the shape that is asked for, the one that this machine runs fastest.

Kernels like some widths better than others, and which ones depends on processor and runtime. So
the candidates are built, exported as the student will be, and timed in turns.
"""

import logging

from transformers import PreTrainedModel

from tinybert.modeling.shape import neuron_counts
from tinybert.steps.student.build import build_student
from tinybert.steps.student.config import FAST_HEAD_STEP, StudentConfig
from tinybert.training.context import Context

logger = logging.getLogger(__name__)

_NEURON_STEP = 16
_FARTHEST = 0.15
"""How much wider or narrower than what is asked for a candidate may be."""


def fast_shape(config: StudentConfig, teacher: PreTrainedModel, context: Context) -> StudentConfig:
    """The fastest of the candidates, by what the context measures.

    Args:
        config: The shape that is asked for.
        teacher: With `init: teacher`, the student must not be wider.
        context: Its `latencies`.
    """
    assert context.latencies is not None, "`compress` gives it to every step"
    shapes = candidates(config)
    if config.init == "teacher":
        most = teacher.config.hidden_size, min(neuron_counts(teacher))
        shapes = [
            shape
            for shape in shapes
            if shape.hidden_size <= most[0] and shape.intermediate_size <= most[1]
        ]
    times = context.latencies([build_student(shape, teacher) for shape in shapes])
    for shape, time in zip(shapes, times, strict=True):
        logger.info(
            "%d wide, %d neurons: %.3f ms", shape.hidden_size, shape.intermediate_size, time
        )
    return shapes[times.index(min(times))]


def candidates(config: StudentConfig) -> list[StudentConfig]:
    """What is asked for, then shapes with as many layers and heads and about as many weights.

    Example:
        >>> shapes = candidates(StudentConfig(attention_heads=4))
        >>> [(shape.hidden_size, shape.intermediate_size) for shape in shapes]
        [(312, 1200), (288, 1408), (320, 1136), (352, 912)]
    """
    asked = config.hidden_size
    weights = 4 * asked**2 + 2 * asked * config.intermediate_size
    found = [config]
    step = config.attention_heads * FAST_HEAD_STEP
    for width in range(step, int(asked * (1 + _FARTHEST)) + 1, step):
        neurons = (weights - 4 * width**2) / (2 * width)
        neurons = _NEURON_STEP * round(neurons / _NEURON_STEP)
        if width >= asked * (1 - _FARTHEST) and width != asked and neurons > 0:
            shape = {"hidden_size": width, "intermediate_size": neurons}
            found.append(config.model_copy(update=shape))
    return found
