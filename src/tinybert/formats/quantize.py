"""Fp32 artifacts to quantized ones, as their format wants it."""

import contextlib
from pathlib import Path

from tinybert.base.locks import only_run
from tinybert.formats.registry import artifact_format
from tinybert.runtime.config import folder_with_config, folders_of, read_object
from tinybert.runtime.manifest import Manifest, note_made
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.quantize.note import QuantizationNote


def quantize_artifact(source: Path, target: Path, config: QuantizeConfig) -> list[Path]:
    """Writes the quantized form of an fp32 artifact.

    Args:
        source: The fp32 file, whose suffix tells the format.
        target: The file to write.
        config: What to quantize, and how.

    Returns:
        The files that were written, what is loaded first.

    Raises:
        InputError: The format can't have it, or the file holds nothing to quantize.
    """
    written_as = artifact_format(source)
    written_as.load("quantize").quantize(source, target, config, _note(source, config))
    return written_as.files(target)


def quantize_onnx(
    source: Path | str, target: Path | str, config: QuantizeConfig | None = None
) -> None:
    """Writes the quantized form of an fp32 ONNX file.

    Args:
        source: The fp32 file, such as `tinybert.run.export` writes. Where the method prepares the
            model, the config.json beside it or one folder up has what was found on training
            rows: ranges of activations, layers to keep.
        target: The file to write. It is noted in the manifest that lies beside it, or one folder
            up.
        config: What to quantize, and how; default: dynamic int8.

    Raises:
        InputError: The file holds no float weights that can be quantized, is too old for 4 bits,
            or what should have been found on training rows is missing.

    Example:
        >>> quantize_onnx(Path("model.onnx"), Path("int8.onnx"))  # doctest: +SKIP
    """
    target = Path(target)
    with contextlib.ExitStack() as stack:
        published = [folder for folder in folders_of(target) if Manifest.read(folder) is not None]
        for folder in published:
            stack.enter_context(only_run(folder))
        quantize_artifact(Path(source), target, config or QuantizeConfig())
        for folder in published:
            note_made(folder, [target])


def _note(source: Path, config: QuantizeConfig) -> QuantizationNote:
    """What was found on training rows, where the method looks for something there."""
    if not config.prepares:
        return QuantizationNote.of(config)
    path = folder_with_config(source) / "config.json"
    return QuantizationNote.read(read_object(path), path)
