"""From what a user calls a model to the model: output folders and artifact files."""

from pathlib import Path

from tinybert.base.errors import InputError, short
from tinybert.base.files import given_path, is_plain_name
from tinybert.formats.registry import USUAL_ARTIFACTS, artifact_format
from tinybert.runtime.config import folder_with_config
from tinybert.runtime.model import Model
from tinybert.runtime.published import PublishedFiles, read_settled
from tinybert.runtime.text import TOKENIZER_FILES
from tinybert.runtime.threads import require_threads


def load(path: str | Path, *, threads: int | None = None) -> Model:
    """Loads a compressed model, ready to predict. Needs no torch and no transformers.

    Args:
        path: An output folder of `tinybert compress` (its best artifact is taken), a folder with
            onnx/model_quantized.onnx or another of `USUAL_ARTIFACTS`, or an artifact file.
        threads: CPU threads; None for the runtime's own choice.

    Raises:
        InputError: There is no such model, one of its files is missing, broken or not what was
            published, or the run that makes it is not finished.

    Example:
        >>> model = load("out")  # doctest: +SKIP
        >>> model(["a great film"])  # doctest: +SKIP
        [{"label": "positive", "score": 0.98, "scores": {...}}]
    """

    def read(files: PublishedFiles) -> Model:
        model = open_artifact(find_artifact(Path(path), files), threads, files)
        model.require_predictions()
        return model

    return read_settled(given_path(path, "a compressed model"), read)


def find_artifact(path: Path, files: PublishedFiles | None = None) -> Path:
    """The artifact file that `path` names.

    Args:
        path: An output folder, another folder with artifacts, or an artifact.
        files: What was published there; None for what is published there now.

    Raises:
        InputError: There is none: no such path, an unfinished run, a folder of something else.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    if path.is_file():
        return path
    files = files or PublishedFiles.around(path)
    if files.folder == path.absolute():
        files.require_finished()
    report = path / "report.json"
    if report.is_file():
        best = files.read_object(report).get("best")
        if not is_plain_name(best) or not (path / best).is_file():
            raise InputError(
                f"{report}: its best artifact, {short(best)}, is not there; compress again"
            )
        return path / best
    for name in USUAL_ARTIFACTS:
        if files.has(path / name):
            return path / name
    if (path / "recipe.yaml").is_file() or (path / "steps").is_dir():
        raise InputError(f"{path}: an unfinished run; run tinybert compress again to finish it")
    raise InputError(
        f"{path}: holds no compressed model (no report.json and no {USUAL_ARTIFACTS[1]}); what has "
        "not been compressed is opened by tinybert.open_model"
    )


def deployed_files(artifact: Path) -> list[Path]:
    """Every file that inference reads: the artifact's own, config.json and the tokenizer's.

    Raises:
        InputError: It is no artifact, or there is no config.json with it.
    """
    folder = folder_with_config(artifact)
    beside = (folder / name for name in ("config.json", *TOKENIZER_FILES))
    return [*artifact_format(artifact).files(artifact), *filter(Path.is_file, beside)]


def open_artifact(path: Path, threads: int | None, files: PublishedFiles | None = None) -> Model:
    """Opens an artifact file with the runtime of its suffix.

    Args:
        path: The file.
        threads: CPU threads; None for the runtime's own choice.
        files: What was published where it lies; None for what is published there now.

    Raises:
        InputError: No runtime has this suffix, or the file is broken.
    """
    require_threads(threads)
    if files is None:
        return read_settled(path, lambda files: open_artifact(path, threads, files))
    model: Model = artifact_format(path).load("run").open_model(path, threads, files)
    return model
