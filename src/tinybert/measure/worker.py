"""One model in a process of its own, timed on request; `processes.python_command` starts it.

Speaks JSON lines: each line of stdin is one request, each line of stdout its one reply.
The first request opens the model; the last one asks for the summary. `bench` is the other side.
"""

import json
import os
import sys
import time
from typing import Any

import numpy as np

from tinybert.base.errors import InputError
from tinybert.base.faults import reason
from tinybert.formats.open import open_model
from tinybert.measure.memory import peak_memory_mb
from tinybert.runtime.config import max_positions
from tinybert.runtime.model import Model
from tinybert.runtime.text import Features


def random_features(model: Model, batch: int, length: int) -> Features:
    """Rows of random tokens without padding, each feature (batch, length).

    Raises:
        InputError: The model takes no rows of this length, or config.json has no vocabulary size.
    """
    vocabulary = model.config.get("vocab_size")
    if not isinstance(vocabulary, int):
        raise InputError(f"{model.path}: its config.json has no vocab_size")
    longest = max_positions(model.config)
    if longest is not None and length > longest:
        raise InputError(f"{model.path}: takes {longest} tokens at most, not --length {length}")
    shape = (batch, length)
    return {
        "input_ids": np.random.default_rng(0).integers(vocabulary, size=shape, dtype=np.int64),
        "attention_mask": np.ones(shape, dtype=np.int64),
        "token_type_ids": np.zeros(shape, dtype=np.int64),
    }


def main() -> None:
    """Answers requests until stdin ends."""
    # Replies get the real stdout; whatever a library prints goes to stderr.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    session: _Session | None = None
    for line in sys.stdin:
        request = json.loads(line)
        reply: dict[str, Any] = {}
        try:
            if session is None:
                session = _Session(**request)
            elif "runs" in request:
                reply = {"seconds": session.time(request["runs"])}
            else:
                reply = session.summary()
        except Exception as error:
            words = reason(error)
            if words is None:
                raise  # a fault of ours, whose traceback the other side shows
            reply = {"error": words}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


class _Session:
    def __init__(self, model: str, batch: int, length: int, threads: int) -> None:
        self._model = open_model(model, threads)
        self._features = random_features(self._model, batch, length)

    def time(self, runs: int) -> list[float]:
        """Seconds of each run; one more before them wakes threads and fills caches."""
        self._model.forward(self._features)
        seconds = []
        for _ in range(runs):
            start = time.perf_counter()
            self._model.forward(self._features)
            seconds.append(time.perf_counter() - start)
        return seconds

    def summary(self) -> dict[str, Any]:
        peak = peak_memory_mb()  # before counting weights adds to it
        return {"peak_memory_mb": peak, **vars(self._model.facts())}
