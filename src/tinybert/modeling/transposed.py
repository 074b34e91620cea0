"""GPT-2's linear layers, whose files have their weights transposed.

Transformers keeps them as they are in the files, in a module of its own, `Conv1D`. Here they become
`nn.Linear`, as every other family's are, so that no step has to know of it. Files stay as they
were: a state dict has the weights transposed, and is read likewise, so that what is saved loads in
Transformers as a plain GPT-2.
"""

from typing import Any

from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from tinybert.modeling.parts import replace_module


def open_layers(model: nn.Module) -> None:
    """Makes `nn.Linear` of every `Conv1D` of a model, in place; it computes the same.

    Parameters stay the same objects. A model without such layers, or opened before, stays as it is.

    Example:
        >>> import torch
        >>> model = nn.Sequential(Conv1D(nf=3, nx=2))
        >>> before = model(torch.ones(1, 2))
        >>> open_layers(model)
        >>> model[0].weight.shape, model.state_dict()["0.weight"].shape
        (torch.Size([3, 2]), torch.Size([2, 3]))
        >>> torch.allclose(model(torch.ones(1, 2)), before)
        True
    """
    for module in model.modules():
        if type(module) is Conv1D:
            opened: Any = module
            opened.__class__ = nn.Linear
            opened.in_features, opened.out_features = opened.nx, opened.nf
            del opened.nx, opened.nf
            opened.weight.data = opened.weight.data.T.contiguous()
            store_transposed(opened)


def close_layers(model: nn.Module) -> None:
    """Undoes `open_layers`, for Transformers to load weights into the model."""
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and stores_transposed(module):
            closed = Conv1D(module.out_features, module.in_features).to(module.weight)
            closed.weight = nn.Parameter(module.weight.data.T.contiguous())
            closed.bias = module.bias
            replace_module(model, name, closed)


def store_transposed(linear: nn.Linear) -> nn.Linear:
    """Lets a linear layer have its weight transposed in files; returns it."""
    linear.register_state_dict_post_hook(_to_file)
    linear.register_load_state_dict_pre_hook(_from_file)
    return linear


def stores_transposed(linear: nn.Module) -> bool:
    """Whether a linear layer's weight is transposed in files."""
    return _to_file in linear._state_dict_hooks.values()


def _to_file(_: nn.Module, state: dict[str, Tensor], prefix: str, __: Any) -> None:
    name = f"{prefix}weight"
    if name in state:
        state[name] = state[name].T.contiguous()


def _from_file(_: nn.Module, state: dict[str, Tensor], prefix: str, *__: Any) -> None:
    name = f"{prefix}weight"
    if name in state:
        state[name] = state[name].T
