"""Auto classes for heads that Transformers has none for, or none that learns as others do."""

from collections.abc import Callable
from typing import Any

from transformers import PretrainedConfig, PreTrainedModel


def auto_head(class_of: Callable[[PretrainedConfig], Any]) -> Any:
    """What makes models as the auto classes of Transformers do, by `from_...`.

    Args:
        class_of: Gives the class of the models that a config is for.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1,
        ...     num_attention_heads=2, intermediate_size=8)
        >>> type(auto_head(lambda config: BertModel).from_config(config)).__name__
        'BertModel'
    """

    class AutoHead:
        """Makes models of the class that a config is for."""

        @staticmethod
        def from_config(config: PretrainedConfig) -> PreTrainedModel:
            """A model with weights at random."""
            model: PreTrainedModel = class_of(config)(config)
            return model

        @staticmethod
        def from_pretrained(folder: Any, *, config: PretrainedConfig, **options: Any) -> Any:
            """A model with the weights of a folder; a head that is not there starts at random."""
            return class_of(config).from_pretrained(folder, config=config, **options)

    return AutoHead
