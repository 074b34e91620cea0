"""Opens whatever a user may call a model, with what runs it."""

from pathlib import Path
from typing import TYPE_CHECKING

from tinybert.base.errors import InputError, missing_extra
from tinybert.base.files import given_path
from tinybert.formats.load import find_artifact, open_artifact
from tinybert.formats.registry import USUAL_ARTIFACTS
from tinybert.modeling.hub import may_be_hub_id, weight_files
from tinybert.runtime.manifest import MARK
from tinybert.runtime.model import Model
from tinybert.runtime.published import PublishedFiles, read_settled
from tinybert.runtime.threads import require_threads

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def open_model(name: str | Path, threads: int | None = None) -> Model:
    """Opens a Hugging Face directory or hub id, an output folder of `compress`, an artifact file.

    A folder with PyTorch weights is a Hugging Face directory even where it has an onnx/ folder
    as well, as models on the hub often do; name the ONNX file to get that. The hub is tried only
    for a name that is no local path.

    Args:
        name: The model.
        threads: CPU threads; None for the runtime's own choice.

    Raises:
        InputError: There is no such model, one of its files is missing or broken, it needs
            PyTorch and PyTorch is not installed, or there are no threads.
    """
    require_threads(threads)
    path = given_path(name, "a model")
    if path.exists() and not _is_hugging_face(path):
        return read_settled(
            path, lambda files: open_artifact(find_artifact(path, files), threads, files)
        )
    if not path.exists() and not may_be_hub_id(str(name)):
        raise InputError(f"{name}: there is no such file or folder")
    try:
        from tinybert.modeling.torch_model import load_torch
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "transformers"):
            raise
        purpose = (
            f"to run {name}, a Hugging Face model,"
            if path.exists()
            else f"to run {name} from the hub (there is no such path here)"
        )
        raise missing_extra(error.name, "train", purpose) from None
    return load_torch(name, threads=threads)


def load_student(path: str | Path) -> "PreTrainedModel":
    """The PyTorch model in OUT/student, or in any Hugging Face directory, with its head.

    Args:
        path: An output folder of `compress`, or the Hugging Face directory itself.

    Raises:
        InputError: There is no such model, or one of its files is missing or broken.

    Example:
        >>> load_student("out").num_parameters()  # doctest: +SKIP
        14350874
    """
    from tinybert.modeling.torch_model import load_torch

    def read(files: PublishedFiles) -> "PreTrainedModel":
        folder = student_folder(path)
        if folder != Path(path):
            files.require_finished()
        model = load_torch(folder)
        model.require_predictions()
        return model.module

    return read_settled(Path(path), read)


def student_folder(path: str | Path) -> Path:
    """The Hugging Face directory of the model in an output folder, or `path` itself.

    Example:
        >>> student_folder("out/student").as_posix()
        'out/student'

    Raises:
        InputError: It is a file.
    """
    folder = Path(path)
    if folder.is_file():
        raise InputError(
            f"{folder}: is a file; name the Hugging Face folder, or that of `compress`"
        )
    return folder / "student" if (folder / "student").is_dir() else folder


def _is_hugging_face(path: Path) -> bool:
    if (path / "report.json").exists() or (path / MARK).exists():
        return False
    if weight_files(path):
        return True
    exported = any((path / name).parent.exists() for name in USUAL_ARTIFACTS)
    return (path / "config.json").exists() and not exported
