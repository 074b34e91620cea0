"""Hugging Face models, run as their users run them today: PyTorch, eager, fp32."""

import contextlib
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.base.errors import InputError, cut, said
from tinybert.modeling.heads import find_class
from tinybert.modeling.hub import download, require_model_files, weight_files
from tinybert.modeling.parts import input_names, type_table
from tinybert.modeling.pretrained import load_config, load_weights
from tinybert.modeling.sentence_encoder import fill_projection
from tinybert.modeling.tokenizer import check_inputs, load_fast_tokenizer
from tinybert.runtime.config import max_length, read_config
from tinybert.runtime.model import Facts, Model
from tinybert.runtime.published import PublishedFiles, read_settled
from tinybert.runtime.tables import Tables
from tinybert.runtime.text import Features, TextEncoder
from tinybert.tasks.outputs import Arrays
from tinybert.tasks.task import Task


def load_torch(
    name: str | Path, *, threads: int | None = None, max_length: int | None = None
) -> "TorchModel":
    """Loads a Hugging Face directory, or a model of the hub where no such path exists.

    Args:
        name: The directory or the hub id.
        threads: CPU threads of PyTorch, for the whole process; None leaves them as they are.
        max_length: Tokens that texts are cut to; None for what its tokenizer says.

    Raises:
        InputError: There is no such model, or one of its files is missing or broken.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    folder = Path(name)
    if not folder.exists():
        return TorchModel(download(str(name)), max_length)

    def read(files: PublishedFiles) -> TorchModel:
        files.check_all(folder)
        model = TorchModel(folder, max_length)
        if files.are_listed:
            # Now, with the weights: later it may be another run's.
            with contextlib.suppress(InputError):
                _ = model.encoder
        return model

    return read_settled(folder, read)


class TorchModel(Model):
    """A Hugging Face model in eval mode, without gradients.

    Its class is the one that config.json names, so that a bare encoder loads as one: it runs,
    but has no task. Nor has a model whose files lack weights, which Transformers would draw at
    random.

    Args:
        folder: Has config.json, weights and, for texts, a tokenizer.
        length: Tokens that texts are cut to; None for what its tokenizer says.

    Raises:
        InputError: A file is missing or broken, or weights don't fit config.json.
    """

    format = "pytorch"

    def __init__(self, folder: Path, length: int | None = None) -> None:
        super().__init__(folder, read_config(folder))
        self._length = length
        require_model_files(folder)
        self._files = weight_files(folder)
        if not self._files:
            raise InputError(f"{folder}: has a config.json but no weights (model.safetensors)")
        name = next(iter(self.config.get("architectures") or []), "AutoModel")
        model_class = find_class(name)
        self._unknown_class = None if model_class else name
        loaded = load_weights(model_class or transformers.AutoModel, folder, load_config(folder))
        self.module: PreTrainedModel = loaded.module
        self.untrained: list[str] = fill_projection(self.module, loaded.missing)
        self._inputs = input_names(self.module)

    @torch.inference_mode()
    def forward(self, features: Features) -> Arrays:
        """Runs one batch, each feature (batch, length).

        Returns:
            "logits"; of a bare encoder, "last_hidden_state" (batch, length, width) first.
        """
        tensors = {
            name: torch.from_numpy(values)
            for name, values in features.items()
            if name in self._inputs
        }
        try:
            outputs = self.module(**tensors)
            return {
                name: values.float().numpy()
                for name, values in outputs.items()
                if isinstance(values, Tensor)
            }
        except (IndexError, RuntimeError) as error:  # an id beyond a table, sizes that don't fit
            raise InputError(f"{self.path}: it can't be run ({said(error)})") from None

    def facts(self) -> Facts:
        """Size of the weight files, and parameters, shared ones counted once."""
        return Facts(
            self.format,
            "fp32",
            bytes=sum(file.stat().st_size for file in self._files),
            parameters=sum(weight.numel() for weight in _stored(self.module)),
        )

    def _load_task(self) -> Task:
        if self._unknown_class:
            raise InputError(
                f"{self.path}: config.json names the class {self._unknown_class}, which "
                "Transformers doesn't have: its encoder alone was loaded; fine-tune it first"
            )
        if self.untrained:
            raise InputError(
                f"{self.path}: its files lack {cut(', '.join(self.untrained))}, so its predictions "
                "would be random; fine-tune it first"
            )
        return super()._load_task()

    def _load_encoder(self) -> TextEncoder:
        tokenizer = load_fast_tokenizer(self.path)
        # As Transformers feeds it: some tokenizers know of token types and don't give them.
        self._inputs = self._inputs.intersection(tokenizer.model_input_names)
        check_inputs(self.module, tokenizer, str(self.path))
        return TextEncoder(
            tokenizer.backend_tokenizer,
            name=str(self.path),
            max_length=max_length(self.config, self._length or tokenizer.model_max_length),
            pad_id=tokenizer.pad_token_id or 0,
            truncation_side=tokenizer.truncation_side,
            tables=tables_of(self.module, str(self.path)),
        )


def tables_of(module: PreTrainedModel, source: str) -> Tables:
    """The rows of a model's embedding tables, by the tables themselves.

    Args:
        module: The model.
        source: Its name, for messages.
    """
    tokens: Any = module.get_input_embeddings()
    types = type_table(module)
    return Tables(
        getattr(tokens, "num_embeddings", None), getattr(types, "num_embeddings", None), source
    )


def _stored(module: PreTrainedModel) -> list[Tensor]:
    """What is stored of a model, shared weights once."""
    names = module.state_dict().keys()
    buffers = [values for name, values in module.named_buffers() if name in names]
    return [*module.parameters(), *buffers]
