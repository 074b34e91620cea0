"""Models that OpenVINO runs."""

import threading
from pathlib import Path
from typing import Any

import numpy as np

from tinybert.base.errors import InputError, missing_extra, said
from tinybert.formats.openvino.weights import read_weights
from tinybert.runtime.config import folder_with_config, read_config
from tinybert.runtime.model import Facts, Model
from tinybert.runtime.published import PublishedFiles
from tinybert.runtime.text import TOKENIZER_FILES, Features, TextEncoder, check_inputs
from tinybert.tasks.outputs import Arrays


class OpenVinoModel(Model):
    """An OpenVINO IR, .xml with its .bin beside it, and config.json as for an ONNX file.

    What is not quantized is computed in fp32, also where the CPU has faster bfloat16, so that an
    artifact gives the same answers everywhere.

    Args:
        path: The .xml file.
        threads: Of the inference; None lets OpenVINO take every physical core.
        files: What was published where it lies; None for what is published there now.

    Raises:
        InputError: OpenVINO is not installed, a file is broken or missing, the graph wants inputs
            that texts don't give, or there is no config.json.
    """

    format = "openvino"

    def __init__(
        self, path: Path, threads: int | None = None, files: PublishedFiles | None = None
    ) -> None:
        try:
            import openvino
        except ImportError:
            raise missing_extra("openvino", "openvino", f"to run {path}") from None
        self._files = files or PublishedFiles.around(path)
        self._folder = folder_with_config(path)
        super().__init__(path, read_config(self._folder, self._files))
        for name in TOKENIZER_FILES:
            self._files.keep(self._folder / name)
        for file in (path, path.with_suffix(".bin")):
            if not file.is_file():
                raise InputError(f"{file}: there is no such file, and {path} needs it")
            self._files.check(file)
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            compiled = openvino.Core().compile_model(str(path), "CPU", settings)
        except (RuntimeError, ValueError) as error:  # ValueError: of text that is not UTF-8
            raise InputError(f"{path}: not a whole OpenVINO model ({said(error)})") from None
        self._inputs = [node.get_any_name() for node in compiled.inputs]
        check_inputs(path, self._inputs)
        if not compiled.outputs:
            raise InputError(f"{path}: the graph has no output")
        # An output of a foreign graph may have no name.
        names = [sorted(node.get_names()) for node in compiled.outputs]
        self._outputs = [name[0] if name else str(at) for at, name in enumerate(names)]
        self._compiled = compiled
        self._own = threading.local()

    def forward(self, features: Features) -> Arrays:
        """Runs one batch, each feature (batch, length); the graph gets those it has inputs for."""
        request = self._request()
        try:
            request.infer({name: features[name] for name in self._inputs})
        except (RuntimeError, ValueError) as error:  # ValueError: of text that is not UTF-8
            raise InputError(f"{self.path}: its graph can't be run ({said(error)})") from None
        return {
            name: np.array(request.get_output_tensor(at).data, dtype=np.float32)
            for at, name in enumerate(self._outputs)
        }

    def _request(self) -> Any:
        """This thread's own: in a shared one it would find the answer to another's text."""
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        return self._own.request

    def facts(self) -> Facts:
        """Size and precision of both files."""
        weights = read_weights(self.path)
        return Facts(self.format, weights.precision, weights.bytes, weights.parameters)

    def _load_encoder(self) -> TextEncoder:
        return TextEncoder.from_folder(self._folder, self.config, self._inputs, self._files)


open_model = OpenVinoModel
"""What `formats.registry` looks for."""
