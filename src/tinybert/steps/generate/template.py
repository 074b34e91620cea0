"""What every text of one length has in common: special tokens around free places."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from tinybert.tasks.task import Text


class Template:
    """Inputs of one shape, in which some places are free for tokens.

    Attributes:
        free: (length,), whether a place of the inputs is free.
        segments: (places,), the text, 0 or 1, that each free place belongs to.
        first: (places,), whether a free place is the first of its text.
        mask_id: The token that stands in free places until others do.

    Args:
        tokenizer: Of the teacher.
        lengths: Tokens of the text, or of the two texts of a pair.
        device: Where the inputs shall be.

    Example:
        >>> template = Template(tokenizer, [2, 1], torch.device("cpu"))  # doctest: +SKIP
        >>> template.texts(torch.tensor([[2204, 3185, 2919]]))  # doctest: +SKIP
        [('good movie', 'bad')]
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, lengths: Sequence[int], device: torch.device
    ) -> None:
        self._tokenizer = tokenizer
        self.mask_id: int = tokenizer.mask_token_id
        encoded = tokenizer(*(str(tokenizer.mask_token) * length for length in lengths))
        self._row = {
            name: torch.tensor(encoded[name], device=device) for name in tokenizer.model_input_names
        }
        segments = torch.tensor([-1 if of is None else of for of in encoded.sequence_ids(0)])
        self.free = segments >= 0
        self.segments = segments[self.free]
        self.first = self.segments.diff(prepend=torch.tensor([-1])) > 0

    def __len__(self) -> int:
        return len(self.segments)

    def fill(self, tokens: Tensor) -> dict[str, Tensor]:
        """The inputs with tokens in the free places.

        Args:
            tokens: (rows, places).

        Returns:
            input_ids and what else the tokenizer gives, each (rows, length).
        """
        inputs = {name: values.repeat(len(tokens), 1) for name, values in self._row.items()}
        ids = inputs["input_ids"]
        ids[:, self.free] = tokens.to(ids.device)
        return inputs

    def texts(self, tokens: Tensor) -> list[Text]:
        """The texts or pairs that tokens (rows, places) spell."""
        columns = [
            self._column(tokens[:, self.segments == text]) for text in self.segments.unique()
        ]
        return [*columns[0]] if len(columns) == 1 else [*zip(*columns, strict=True)]

    def _column(self, tokens: Tensor) -> list[str]:
        rows = self._tokenizer.batch_decode(tokens.tolist(), clean_up_tokenization_spaces=False)
        return [text.strip() for text in rows]  # byte-level words begin with their space
