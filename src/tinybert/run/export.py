"""Exports a model into a folder of its own, with a manifest."""

from collections.abc import Callable, Iterable
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.base.faults import writing_below
from tinybert.base.files import remove
from tinybert.formats.export import check_exportable, check_tokenizer, write_artifacts
from tinybert.formats.registry import find_format
from tinybert.output.claim import check_claim, claim
from tinybert.output.publication import files_below, publish_files
from tinybert.run.workspace import exclusive


def export(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    out: Path,
    targets: Iterable[str] = ("onnx",),
    checked: Callable[[str, float], object] = lambda *_: None,
) -> dict[str, Path]:
    """Writes a model with a head in every target's format, and checks each file against the model.

    Beside the artifacts, `out` gets the config.json, tokenizer.json and tokenizer_config.json that
    their runtime reads, and a manifest of all of them. What an earlier export left there is
    replaced.

    Args:
        model: A BERT-family encoder with a head whose output is called logits.
        tokenizer: Its fast tokenizer; its `model_max_length` is where the runtime cuts texts.
        out: The output folder: new, empty or of an earlier export.
        targets: Names of `FORMATS`.
        checked: Called with each target and the largest difference that a logit of its file has
            to the model's, on random tokens.

    Returns:
        The artifact of each target.

    Raises:
        InputError: A target is unknown or needs a package that is not installed, the model
            can't be exported, or `out` has files of others.
        RuntimeError: An artifact does not compute what the model computes.

    Example:
        >>> export(model, tokenizer, Path("out"))  # doctest: +SKIP
        {'onnx': PosixPath('out/onnx/model.onnx')}
    """
    found = {name: find_format(name) for name in targets}
    check_claim(out, "export")
    check_exportable(model)
    check_tokenizer(model, tokenizer)
    with writing_below(out), exclusive(out):
        claim(out, "export")
        # What was exported there before stays until all of this is known to be right.
        made = out / ".export.partial"
        remove(made)
        try:
            write_artifacts(model, tokenizer, made, targets, checked)
            publish_files(out, files_below(made))
        finally:
            remove(made)
    return {name: out / target.path for name, target in found.items()}
