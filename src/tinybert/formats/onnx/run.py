"""Models that ONNX Runtime runs."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybert.base.errors import InputError, said
from tinybert.base.files import require_file
from tinybert.base.processor import sums_saturate
from tinybert.formats.onnx.weights import read_weights
from tinybert.runtime.config import folder_with_config, read_config
from tinybert.runtime.model import Facts, Model
from tinybert.runtime.published import PublishedFiles
from tinybert.runtime.text import TOKENIZER_FILES, Features, TextEncoder, check_inputs
from tinybert.runtime.writing import Past
from tinybert.tasks.outputs import Arrays

_PAST, _PRESENT, _PLACES = "past_key_values", "present", "position_ids"
"""What graphs of models that write texts call their further inputs and outputs."""


class OnnxModel(Model):
    """An ONNX file with config.json and the tokenizer beside it or one folder up.

    Args:
        path: The .onnx file.
        threads: Of one operator; None lets ONNX Runtime take every physical core.
        files: What was published where it lies; None for what is published there now.

    Raises:
        InputError: The file is no whole ONNX model, its graph wants inputs that texts don't give,
            or there is no config.json.
    """

    format = "onnx"

    def __init__(
        self, path: Path, threads: int | None = None, files: PublishedFiles | None = None
    ) -> None:
        self._files = files or PublishedFiles.around(path)
        self._folder = folder_with_config(path)
        super().__init__(path, read_config(self._folder, self._files))
        for name in TOKENIZER_FILES:
            self._files.keep(self._folder / name)
        require_file(path)
        self._files.check(path)
        try:
            self._session = _session(path, threads)
        except Exception as error:  # its exceptions have no common class of their own
            raise InputError(f"{path}: not a whole ONNX model ({said(error)})") from None
        nodes = self._session.get_inputs()
        # Keys and values of what was read before, (batch, heads, past, width of a head).
        self._past = {node.name: node.shape for node in nodes if node.name.startswith(_PAST)}
        self._inputs = [node.name for node in nodes if node.name not in self._past]
        check_inputs(path, [name for name in self._inputs if name != _PLACES])
        self._outputs = [node.name for node in self._session.get_outputs()]
        if not self._outputs:
            raise InputError(f"{path}: the graph has no output")

    def forward(self, features: Features) -> Arrays:
        """Runs one batch, each feature (batch, length); the graph gets those it has inputs for."""
        return self._run_graph(features, self._nothing(len(features["input_ids"])))

    def read(self, ids: NDArray[np.int64], past: Past) -> tuple[NDArray[np.float32], Past]:
        """As `Model.read`; a graph with a past reads what it has not read yet."""
        if not self._past:
            return super().read(ids, past)
        known, states = past or (0, self._nothing(1))
        mask = np.ones((1, len(ids)), np.int64)
        found = self._run_graph({"input_ids": ids[None, known:], "attention_mask": mask}, states)
        made = {name: found[name.replace(_PAST, _PRESENT, 1)] for name in self._past}
        return found["logits"][0, -1], (len(ids), made)

    def _nothing(self, rows: int) -> Arrays:
        """A past of no tokens."""
        return {
            name: np.zeros((rows, shape[1], 0, shape[3]), np.float32)
            for name, shape in self._past.items()
        }

    def _run_graph(self, features: Features, past: Arrays) -> Arrays:
        feed = {name: features[name] for name in self._inputs if name != _PLACES}
        if _PLACES in self._inputs:
            mask = features["attention_mask"]
            places = np.maximum(mask.cumsum(axis=1) - 1, 0)
            feed[_PLACES] = places[:, mask.shape[1] - features["input_ids"].shape[1] :]
        try:
            outputs = self._session.run(self._outputs, {**feed, **past})
        except Exception as error:
            raise InputError(f"{self.path}: its graph can't be run ({said(error)})") from None
        return {
            name: np.asarray(values, dtype=np.float32)
            for name, values in zip(self._outputs, outputs, strict=True)
        }

    def facts(self) -> Facts:
        """Size and precision of the file, external data included."""
        weights = read_weights(self.path)
        return Facts(self.format, weights.precision, weights.bytes, weights.parameters)

    def _load_encoder(self) -> TextEncoder:
        return TextEncoder.from_folder(self._folder, self.config, self._inputs, self._files)


open_model = OnnxModel
"""What `formats.registry` looks for."""


def _session(path: Path, threads: int | None) -> Any:
    """An `onnxruntime.InferenceSession`."""
    # Here, because a process that runs another format must not carry this one's memory.
    import onnxruntime

    def load(precise: str) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 4  # what is wrong it raises, too
        options.add_session_config_entry("session.x64quantprecision", precise)
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    # On x86 without VNNI, sums of int8 products would saturate: other answers than elsewhere.
    try:
        return load("1")
    except Exception as error:
        # So it loads no weights with several readers, as ALBERT's are (ONNX Runtime 1.31).
        if "replace the existing tensor" not in str(error) or sums_saturate():
            raise
        return load("0")
