"""BERT-family models to one plain ONNX file: standard operators, dynamic batch and length."""

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.formats.onnx.graph import simplify
from tinybert.formats.onnx.past import WithPast
from tinybert.modeling.last_layer import first_position_alone
from tinybert.modeling.masks import additive_mask
from tinybert.modeling.parts import input_names
from tinybert.runtime.config import max_positions
from tinybert.tasks.causal_lm import writes_texts
from tinybert.tasks.outputs import SPAN_LOGITS
from tinybert.tasks.part import output_names as part_outputs
from tinybert.tasks.part import saved_parts
from tinybert.tasks.question_answering import CLASS_END

INPUTS = ("input_ids", "attention_mask", "token_type_ids")

_OPSET = 20  # the first with Gelu, which runtimes have a fast kernel for


def convert(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, path: Path) -> None:
    """Writes the model as ONNX: one that writes texts as `past` says, others as `convert_whole`.

    Args:
        model: An encoder with a head whose output is called logits, or a causal language model.
        tokenizer: Says which inputs a text gives.
        path: The file to write.
    """
    if not writes_texts(model.config.to_dict()):
        convert_whole(model, tokenizer, path)
        return
    graph = WithPast(model)
    _write(
        *(model, graph, graph.sample(), graph.inputs, graph.outputs, graph.dynamic_shapes(), path)
    )


def convert_whole(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, path: Path) -> None:
    """Writes the model as ONNX, as a graph that reads whole texts.

    The graph takes int64 input_ids, attention_mask and, where the tokenizer makes them and the
    model takes them, token_type_ids, each (batch, sequence), and returns float32 logits,
    (batch, outputs); of answers to questions start_logits and end_logits, (batch, sequence) each,
    as transformers.js reads them; of several tasks logits_NAME, (batch, outputs), for each.

    Args:
        model: With a head whose output is called logits.
        tokenizer: Says which inputs a text gives.
        path: The file to write.
    """
    taken = input_names(model)
    names = [name for name in INPUTS if name in tokenizer.model_input_names and name in taken]
    # Sizes 0 and 1 would be taken for constants.
    length = min(8, max_positions(model.config.to_dict()) or 8)
    ids = torch.ones(2, length, dtype=torch.int64, device=model.device)
    sample = {name: ids.clone() for name in names}  # one given twice would be one input
    sequence = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence")}
    graph = _Logits(model, names)
    shapes = ((sequence,) * len(names),)
    _write(model, graph, tuple(sample.values()), names, output_names(model), shapes, path)


def _write(
    model: PreTrainedModel,
    graph: nn.Module,
    sample: tuple[Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    shapes: tuple[Any, ...],
    path: Path,
) -> None:
    with _traceable(model), first_position_alone(model), _quiet():
        program = torch.onnx.export(
            graph,
            sample,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=shapes,
            opset_version=_OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    if isinstance(graph, WithPast):
        graph.name_axes(program.model.graph)
    path.write_bytes(simplify(program.model).SerializeToString())


def output_names(model: PreTrainedModel) -> list[str]:
    """What the outputs of a model's graph are called."""
    if type(model).__name__.endswith(CLASS_END):
        return list(SPAN_LOGITS)
    names = part_outputs(part["name"] for part, _ in _parts(model))
    return names or ["logits"]


def _parts(model: PreTrainedModel) -> Sequence[tuple[Any, slice]]:
    """Each of several tasks, and which of the model's outputs are its."""
    return saved_parts(model.config.to_dict())


class _Logits(nn.Module):
    """The model as a function of tensors, with the mask computed once for all layers."""

    def __init__(self, model: PreTrainedModel, names: list[str]) -> None:
        super().__init__()
        self.model = model
        self.names = names
        # Models that make their mask so take one of four axes as it is.
        module = sys.modules[type(model).__module__]
        self.takes_scores = hasattr(module, "create_bidirectional_mask")

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        features = dict(zip(self.names, tensors, strict=True))
        if not self.takes_scores:
            return self._given(features)
        # The base model alone gets the scores: heads that take means read the mask itself.
        scores = additive_mask(self.model, features["attention_mask"])
        base: Any = self.model.base_model
        with _given(base, attention_mask=scores):
            return self._given(features)

    def _given(self, features: dict[str, Tensor]) -> tuple[Tensor, ...]:
        outputs = self.model(**features)
        if parts := _parts(self.model):
            return tuple(outputs["logits"][:, own] for _, own in parts)
        return tuple(outputs[name] for name in output_names(self.model))


@contextlib.contextmanager
def _given(module: nn.Module, **options: Any) -> Iterator[None]:
    """While the block runs, a module is called with these options instead of its own."""

    def change(_: nn.Module, given: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return given, {**named, **options}

    handle = module.register_forward_pre_hook(change, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@contextlib.contextmanager
def _traceable(model: PreTrainedModel) -> Iterator[None]:
    """Eval mode and eager attention, whose graph is half as long as that of SDPA."""
    training, attention = model.training, model.config._attn_implementation
    model.eval()
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.train(training)
        model.set_attn_implementation(attention)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences what PyTorch's exporter says about itself: missing torchvision, axis names."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
