"""What the trainer of a distillation trains: the student and what it is compared with."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinybert.distillation.config import DistillationConfig
from tinybert.distillation.signals import Signal, Signals, reads_last_layer, run
from tinybert.distillation.terms import (
    AttentionTerm,
    EmbeddingTerm,
    HiddenTerm,
    Pairing,
    PredictionTerm,
    ProjectedTerm,
    RelationTerm,
    SimilarityTerm,
    Term,
)
from tinybert.distillation.vocabulary import VocabularyTerm
from tinybert.modeling.least_squares import LinearFit
from tinybert.training.batches import ANSWERED

TERMS: dict[str, type[Term]] = {
    "prediction": PredictionTerm,
    "similarities": SimilarityTerm,
    "vocabulary": VocabularyTerm,
    "embedding": EmbeddingTerm,
    "hidden": HiddenTerm,
    "attention": AttentionTerm,
    "relations": RelationTerm,
}

LABEL = "label"
"""The name of the one loss that has nothing to do with the teacher."""


class DistillationModel(nn.Module):
    """A student with the terms of its loss.

    It is what the trainer trains, saves and resumes; the terms' projections are dropped
    afterwards.

    Args:
        student: Trained in place.
        teacher: Neither trained nor run here, and no part of what is saved.
        settings: Which losses, how strong.
        layers: (student layer, teacher layer) pairs, counted from 1.
    """

    def __init__(
        self,
        student: PreTrainedModel,
        teacher: PreTrainedModel,
        settings: DistillationConfig,
        layers: Sequence[tuple[int, int]],
    ) -> None:
        super().__init__()
        self.student = student
        self.weights = {name: weight for name, weight in settings.weights().items() if weight}
        pairing = Pairing(student, teacher, layers)
        self.terms: Any = nn.ModuleDict(
            {name: TERMS[name](settings, pairing) for name in self.weights if name in TERMS}
        )
        self.register_state_dict_post_hook(_name_once)

    @property
    def _keys_to_ignore_on_save(self) -> list[str]:
        """Names of weights that have another: safetensors holds each once. The Trainer asks."""
        names = (name for name, _ in self.named_parameters(remove_duplicate=False))
        once = {name for name, _ in self.named_parameters()}
        return [name for name in names if name not in once]

    def tie_weights(self) -> None:
        """The Trainer's, after it has loaded a checkpoint: nothing has come apart."""

    def teacher_signals(self, names: Iterable[str]) -> list[Signal]:
        """What the teacher must give for the losses of these names."""
        return self._signals(names, side=1)

    def reads_last_layer(self) -> bool:
        """Whether a loss compares more of the student's last layer than its predictions need."""
        return reads_last_layer(self.student, self._signals(self.weights, side=0))

    def projected(self) -> list[str]:
        """The losses that have projections."""
        return [name for name, term in self.terms.items() if isinstance(term, ProjectedTerm)]

    def _signals(self, names: Iterable[str], side: int) -> list[Signal]:
        pairs = [pair for name in names if name in self.terms for pair in self.terms[name].pairs]
        return list(dict.fromkeys(pair[side] for pair in pairs))

    def forward(
        self,
        teacher: Signals,
        weights: Mapping[str, float] | None = None,
        token_share: Tensor | float = 1.0,
        answer_share: Tensor | float = 1.0,
        **inputs: Tensor,
    ) -> dict[str, Tensor]:
        """The student's losses against what the teacher gave for the same inputs.

        Args:
            teacher: Its signals.
            weights: Of the losses to compute; default: the settings'.
            token_share: Factor of the means over tokens: how many tokens these inputs have
                against those of an average process.
            answer_share: Likewise of the tokens at which a head for tokens answers.
            inputs: input_ids, attention_mask, (batch, length), and what else the student takes;
                `ANSWERED`, likewise, where not all tokens are predicted.

        Returns:
            "loss", the weighted sum, and each loss by its name.
        """
        weights = self.weights if weights is None else weights
        answered = inputs.pop(ANSWERED, inputs["attention_mask"])
        if LABEL not in weights:
            inputs.pop("labels", None)
        outputs, own = run(self.student, inputs, self._signals(weights, side=0))
        mask = inputs["attention_mask"]
        losses: dict[str, Tensor] = {}
        for name in weights:
            if name == LABEL:
                losses[name] = outputs.loss
            else:
                term = self.terms[name]
                loss = term(own, teacher, answered if term.of_answers else mask)
                share = answer_share if term.of_answers else token_share
                losses[name] = loss * share if term.per_token(teacher) else loss
        total = sum(weight * losses[name] for name, weight in weights.items())
        return {"loss": torch.as_tensor(total), **losses}

    @torch.no_grad()
    def fit_projections(self, batches: Iterable[tuple[dict[str, Tensor], Signals]]) -> None:
        """Starts each projection at its least-squares solution on a few batches.

        A random projection would first pull a well initialised student away from its place.

        Args:
            batches: Inputs without labels, and the teacher's signals for them.
        """
        fits: dict[nn.Linear, LinearFit] = {}
        wanted = self._signals(self.projected(), side=0)
        self.eval()
        for inputs, teacher in batches:
            mask = inputs["attention_mask"].bool()
            own = run(self.student, inputs, wanted)[1]
            for name in self.projected():
                for index, (ours, theirs) in enumerate(self.terms[name].pairs):
                    layer = self.terms[name].projection(index)
                    fit = fits.setdefault(layer, LinearFit(layer.in_features, layer.out_features))
                    fit.add(own[ours][mask].cpu(), teacher[theirs][mask].float().cpu())
        for layer, fit in fits.items():
            fit.gather()
            fit.solve(layer)


def _name_once(model: nn.Module, state: dict[str, Any], prefix: str, _: Any) -> None:
    """Leaves each weight one name, as checkpoints have it."""
    for name in model._keys_to_ignore_on_save:  # type: ignore[union-attr]
        state.pop(f"{prefix}{name}", None)
