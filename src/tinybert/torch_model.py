"""Hugging Face models, run as their users run them today: PyTorch, eager, fp32."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.errors import InputError
from tinybert.hub import download, weight_files
from tinybert.own_code import NOT_RUN, refuse_own_code
from tinybert.runtime.config import max_length, read_object
from tinybert.runtime.model import Facts, Model
from tinybert.runtime.text import Features, TextEncoder
from tinybert.shapes import shaped
from tinybert.tasks.base import Task


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
    return TorchModel(folder if folder.exists() else download(str(name)), max_length)


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
        super().__init__(folder, read_object(folder / "config.json"))
        self._length = length
        self._files = weight_files(folder)
        if not self._files:
            raise InputError(f"{folder}: has a config.json but no weights (model.safetensors)")
        self.module: PreTrainedModel
        self.untrained: list[str]
        self.module, self.untrained = _from_pretrained(folder, self.config)
        self._inputs = inspect.signature(self.module.forward).parameters.keys()

    @torch.inference_mode()
    def forward(self, features: Features) -> NDArray[np.float32]:
        """Runs one batch, each feature (batch, length).

        Returns:
            The logits; of a bare encoder, its last hidden state (batch, length, width).
        """
        tensors = {
            name: torch.from_numpy(values)
            for name, values in features.items()
            if name in self._inputs
        }
        return self.module(**tensors)[0].float().numpy()

    def facts(self) -> Facts:
        """Size of the weight files, and parameters, shared ones counted once."""
        return Facts(
            self.format,
            "fp32",
            bytes=sum(file.stat().st_size for file in self._files),
            parameters=sum(weight.numel() for weight in _stored(self.module)),
        )

    def _load_task(self) -> Task:
        if self.untrained:
            raise InputError(
                f"{self.path}: its files lack {', '.join(self.untrained)}, so its predictions "
                "would be random; fine-tune it first"
            )
        return super()._load_task()

    def _load_encoder(self) -> TextEncoder:
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(self.path, **NOT_RUN)
        except Exception as error:  # OSError, ValueError, KeyError, those of tokenizers, ...
            refuse_own_code(self.path, error)
            raise InputError(
                f"{self.path}: its tokenizer is missing or broken ({_one_line(error)})"
            ) from None
        if not isinstance(tokenizer, transformers.PreTrainedTokenizerFast):
            raise InputError(f"{self.path}: its tokenizer has no fast form (tokenizer.json)")
        if len(tokenizer) <= len(tokenizer.all_special_tokens):
            # What Transformers makes of a folder without a tokenizer: every word unknown.
            raise InputError(f"{self.path}: has no tokenizer.json and no other vocabulary")
        return TextEncoder(
            tokenizer.backend_tokenizer,
            max_length=max_length(self.config, self._length or tokenizer.model_max_length),
            pad_id=tokenizer.pad_token_id or 0,
            truncation_side=tokenizer.truncation_side,
        )


def _from_pretrained(folder: Path, settings: dict[str, Any]) -> tuple[PreTrainedModel, list[str]]:
    """The model, and the names of weights that the files lack."""
    architecture = next(iter(settings.get("architectures") or []), "AutoModel")
    try:
        config = transformers.AutoConfig.from_pretrained(folder, **NOT_RUN)
        model_class = shaped(getattr(transformers, architecture, transformers.AutoModel), config)
        module, loading = model_class.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # to name them below, which its own error does not
            **NOT_RUN,
        )
    except Exception as error:  # its own, of safetensors, of pickle, of the hub's dataclasses, ...
        refuse_own_code(folder, error)
        raise InputError(f"{folder}: not a whole Hugging Face model ({_one_line(error)})") from None
    for name, in_file, in_model in sorted(loading["mismatched_keys"]):
        raise InputError(
            f"{folder}: {name} is {list(in_file)} in the weights "
            f"but {list(in_model)} by config.json"
        )
    missing = sorted(loading["missing_keys"])
    if scores := [name for name in missing if name.endswith("encoder.selection.weight")]:
        raise InputError(
            f"{folder}: its files lack {scores[0]}, which says what tokens go on; make it anew "
            "with `shorten`"
        )
    return module.eval(), missing


def _stored(module: PreTrainedModel) -> list[Tensor]:
    """What is stored of a model, shared weights once."""
    names = module.state_dict().keys()
    buffers = [values for name, values in module.named_buffers() if name in names]
    return [*module.parameters(), *buffers]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
