"""Encoders with a head that makes one vector of a text, as Sentence Transformers has them.

A class here is a stock encoder, a mean of its last hidden states or the first of them, a linear
map and a division by the length. The map of a model that was made elsewhere is the identity: it
is there so that a narrower student gives vectors as long as its teacher's. The vector is called
logits, as what every head gives.
"""

import inspect
from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import SequenceClassifierOutput

from tinybert.base.files import write_json
from tinybert.modeling.auto_head import auto_head
from tinybert.runtime.config import max_length, read_config
from tinybert.runtime.sentence_files import DENSE, NORMALIZE, sentence_files
from tinybert.tasks.sentence_embedding import CLASS_END, pooling_of

PROJECTION = "projection"
"""The linear map of the head."""


@cache
def sentence_encoder(base: Any) -> Any:
    """The class of an encoder with such a head.

    Args:
        base: The encoder's class in `transformers`.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1,
        ...     num_attention_heads=2, intermediate_size=8)
        >>> model = sentence_encoder(BertModel)(config).eval()
        >>> ids = torch.ones(2, 3, dtype=torch.int64)
        >>> vectors = model(input_ids=ids, attention_mask=ids).logits
        >>> vectors.shape, vectors.norm(dim=1).round(decimals=4).tolist()
        (torch.Size([2, 8]), [1.0, 1.0])
    """
    parent = base.__mro__[1]  # what all classes of the architecture come from
    prefix = base.base_model_prefix
    pooler = "add_pooling_layer" in inspect.signature(base.__init__).parameters

    class Encoder(parent):  # type: ignore[misc, valid-type]
        """Gives one vector a text."""

        def __init__(self, config: PretrainedConfig) -> None:
            super().__init__(config)
            setattr(self, prefix, base(config, **({"add_pooling_layer": False} if pooler else {})))
            self.pooling, self.normalizes, width = pooling_of(config.to_dict())
            self.projection = nn.Linear(config.hidden_size, width, bias=False)
            self.post_init()

        def forward(
            self,
            input_ids: Tensor | None = None,
            attention_mask: Tensor | None = None,
            token_type_ids: Tensor | None = None,
            **options: Any,
        ) -> SequenceClassifierOutput:
            if takes_types and token_type_ids is not None:
                options["token_type_ids"] = token_type_ids
            out = getattr(self, prefix)(
                input_ids=input_ids, attention_mask=attention_mask, **options
            )
            states = out.last_hidden_state
            if self.pooling == "cls":
                vector = states[:, 0]
            else:
                if attention_mask is None:
                    attention_mask = torch.ones(states.shape[:2], device=states.device)
                if self.pooling == "weightedmean":
                    attention_mask = attention_mask * attention_mask.cumsum(1)
                mask = attention_mask.unsqueeze(-1).to(states.dtype)
                vector = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            vector = self.projection(vector)
            if self.normalizes:
                vector = functional.normalize(vector, dim=-1)
            return SequenceClassifierOutput(
                logits=vector,
                hidden_states=getattr(out, "hidden_states", None),
                attentions=getattr(out, "attentions", None),
            )

    takes_types = "token_type_ids" in inspect.signature(base.forward).parameters
    Encoder.__name__ = Encoder.__qualname__ = base.__name__.removesuffix("Model") + CLASS_END
    Encoder.__module__ = __name__
    return Encoder


def save_sentence_files(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path
) -> None:
    """Writes what Sentence Transformers reads beside such a model; of others nothing.

    Args:
        model: That was saved in the folder.
        tokenizer: It says where texts are cut.
        folder: Has its config.json.
    """
    config = read_config(folder)
    files = sentence_files(config, max_length(config, tokenizer.model_max_length))
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        write_json(path, content)
    if files:
        if pooling_of(config)[1]:
            (folder / NORMALIZE).mkdir(exist_ok=True)
        weight = model.get_submodule(PROJECTION).weight.detach()  # type: ignore[operator]
        save_file({"linear.weight": weight.contiguous()}, folder / DENSE / "model.safetensors")


def fill_projection(model: PreTrainedModel, missing: list[str]) -> list[str]:
    """Makes the head's map the identity where the files have none: no head that was forgotten.

    Args:
        model: That was loaded.
        missing: The weights that its files lack.

    Returns:
        Those that are still missing.
    """
    name = f"{PROJECTION}.weight"
    if name not in missing or not type(model).__name__.endswith(CLASS_END):
        return missing
    projection: Any = model.get_submodule(PROJECTION)
    if projection.in_features != projection.out_features:
        return missing
    with torch.no_grad():
        nn.init.eye_(projection.weight)
    return [each for each in missing if each != name]


AutoSentenceEncoder = auto_head(
    lambda config: sentence_encoder(transformers.MODEL_MAPPING[type(config)])
)
"""Makes a sentence encoder of the class that a config is for."""
