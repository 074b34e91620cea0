"""Translating many texts by a sequence-to-sequence model of Hugging Face."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from tinybert.base.errors import InputError, said
from tinybert.modeling.hub import require_model_files

MOST_LIKELY = 50
"""Words that are drawn from at each place; the rest of a vocabulary is what models don't know."""


@dataclass
class Translator:
    """A model that translates.

    Attributes:
        model: Of any sequence-to-sequence architecture, in eval mode.
        tokenizer: Its own.
        prefix: What it wants before a text.
        temperature: Of sampling; 0 for the likeliest.
        longest: Tokens of a text and of its translation.
        batch_size: Texts at a time.

    Example:
        >>> translate = Translator.load(Path("opus-mt-en-de"))  # doctest: +SKIP
        >>> translate(["a good film"], seed=0)  # doctest: +SKIP
        ['ein guter Film']
    """

    model: Any
    tokenizer: Any
    prefix: str = ""
    temperature: float = 0.0
    longest: int = 256
    batch_size: int = 32

    @classmethod
    def load(
        cls,
        folder: Path,
        prefix: str = "",
        temperature: float = 0.0,
        longest: int = 256,
        batch_size: int = 32,
    ) -> "Translator":
        """Loads a model and its tokenizer.

        Raises:
            InputError: The folder has none, or a package that they need is not installed.
        """
        require_model_files(folder)
        try:
            model, notes = AutoModelForSeq2SeqLM.from_pretrained(folder, output_loading_info=True)
            tokenizer = AutoTokenizer.from_pretrained(folder)
        except Exception as error:  # of many kinds: a file is missing, broken, of another class
            raise InputError(
                f"{folder}: can't be loaded as a translation model: {said(error)}"
            ) from None
        if notes["missing_keys"]:
            raise InputError(
                f"{folder}: its files lack {', '.join(sorted(notes['missing_keys'])[:3])}, so its "
                "translations would be random; name a trained translation model"
            )
        if torch.cuda.is_available():
            model = model.to("cuda")
        return cls(model.eval(), tokenizer, prefix, temperature, longest, batch_size)

    @torch.no_grad()
    def __call__(
        self,
        texts: Sequence[str | None],
        seed: int,
        report: Callable[[float], None] = lambda _: None,
    ) -> list[str | None]:
        """The translations, in order.

        Args:
            texts: None stays None.
            seed: Of sampling.
            report: Called with the share that is done.

        Returns:
            None for texts that are too long, or whose translation does not end in time or is empty.
        """
        ids = [
            None if text is None else self.tokenizer(self.prefix + text)["input_ids"]
            for text in texts
        ]
        order = [
            (len(own), place)
            for place, own in enumerate(ids)
            if own is not None and len(own) <= self._room
        ]
        found: list[str | None] = [None] * len(texts)
        places = [place for _, place in sorted(order, reverse=True)]
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            for start in range(0, len(places), self.batch_size):
                batch = places[start : start + self.batch_size]
                for place, text in zip(batch, self._batch([ids[at] for at in batch]), strict=True):
                    found[place] = text
                report(min(1.0, (start + self.batch_size) / len(places)))
        return found

    @property
    def _room(self) -> int:
        """Tokens that a text may have."""
        positions = getattr(self.model.config, "max_position_embeddings", None) or self.longest
        return min(self.longest, positions)

    def _batch(self, ids: Sequence[Any]) -> list[str | None]:
        padded = self.tokenizer.pad({"input_ids": list(ids)}, return_tensors="pt")
        settings = copy.deepcopy(self.model.generation_config)
        settings.max_length, settings.max_new_tokens = None, self._room - 1
        if self.temperature:
            settings.num_beams, settings.do_sample = 1, True
            settings.temperature, settings.top_k = self.temperature, MOST_LIKELY
        device = self.model.device
        made = self.model.generate(
            input_ids=padded["input_ids"].to(device),
            attention_mask=padded["attention_mask"].to(device),
            generation_config=settings,
        )
        ends = (
            {settings.eos_token_id}
            if isinstance(settings.eos_token_id, int)
            else {*(settings.eos_token_id or ())}
        )
        texts = self.tokenizer.batch_decode(made, skip_special_tokens=True)
        return [
            text.strip() or None if ends & {*row[1:]} else None
            for text, row in zip(texts, made.tolist(), strict=True)
        ]
