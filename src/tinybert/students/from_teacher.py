"""A student that starts as its teacher, compressed: our edge over a random start.

The student's hidden space is a rotated part of the teacher's (`basis`), its heads are reduced
from the teacher's (`heads`), its neurons are the teacher's most important ones. Then, layer by
layer, every linear layer is fitted by least squares: from what the student really sees there to
what the teacher computes at the layer it is mapped to. So each layer makes good, as far as a
linear map can, what was lost before it, skipped layers included. No gradients, seconds of work.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinybert.layers import encoder_layers
from tinybert.students.basis import principal_basis
from tinybert.students.heads import reduce_heads
from tinybert.students.observe import Batch, observe
from tinybert.regression import GainFit, LinearFit


@torch.no_grad()
def initialize_from_teacher(
    student: PreTrainedModel,
    teacher: PreTrainedModel,
    mapping: Sequence[int],
    batches: Sequence[Batch],
) -> None:
    """Writes weights into `student` that make it compute nearly what `teacher` does.

    Args:
        student: Same model type and vocabulary, not wider and not deeper, no more heads.
        teacher: A BERT-like model.
        mapping: The teacher layer, from 1, of each student layer.
        batches: Tokenized rows of real data.
    """
    basis = _hidden_basis(teacher, batches, student.config.hidden_size)
    states = _initialize_embeddings(student, teacher, basis, batches)
    student_layers, teacher_layers = encoder_layers(student), encoder_layers(teacher)
    for layer, teacher_layer in zip(student_layers, mapping, strict=True):
        fitter = _LayerFitter(layer, teacher_layers[teacher_layer - 1], student, teacher)
        states = fitter.fit(basis, batches, states)
    initialize_head(student, teacher, basis, batches)


def _tokens(states: Tensor, batch: Batch) -> Tensor:
    """The states of real tokens, (tokens, width), padding left out."""
    return states[batch["attention_mask"].bool()]


def _norms(model: PreTrainedModel) -> list[nn.LayerNorm]:
    base = model.base_model
    norms = [base.embeddings.LayerNorm]
    for layer in encoder_layers(model):
        norms += [layer.attention.output.LayerNorm, layer.output.LayerNorm]
    return norms


def _hidden_basis(teacher: PreTrainedModel, batches: Sequence[Batch], width: int) -> Tensor:
    """(teacher width, student width), from the second moment of all LayerNorms' outputs."""
    norms = _norms(teacher)
    moment = torch.zeros(teacher.config.hidden_size, teacher.config.hidden_size).double()
    names = {str(index): norm for index, norm in enumerate(norms)}
    for batch, seen in zip(batches, observe(teacher, batches, names), strict=True):
        for _, output in seen.values():
            rows = _tokens(output, batch)
            moment += (rows.T @ rows).double()
    gains = torch.stack([norm.weight for norm in norms])
    return principal_basis(moment, gains, width).float()


def _initialize_embeddings(
    student: PreTrainedModel, teacher: PreTrainedModel, basis: Tensor, batches: Sequence[Batch]
) -> list[Tensor]:
    """Rotates the embedding tables; returns the student's embedding output for each batch."""
    own, theirs = student.base_model.embeddings, teacher.base_model.embeddings
    for name in ("word_embeddings", "position_embeddings", "token_type_embeddings"):
        getattr(own, name).weight.copy_(getattr(theirs, name).weight @ basis)
    gain = GainFit(student.config.hidden_size)
    inputs = []
    for batch, seen in zip(
        batches, observe(teacher, batches, {"norm": theirs.LayerNorm}), strict=True
    ):
        before, after = seen["norm"]
        inputs.append(before @ basis)
        gain.add(_tokens(_normalize(inputs[-1], own.LayerNorm), batch), _tokens(after @ basis, batch))
    gain.solve(own.LayerNorm)
    return [own.LayerNorm(states) for states in inputs]


def _normalize(states: Tensor, norm: nn.LayerNorm) -> Tensor:
    return nn.functional.layer_norm(states, states.shape[-1:], eps=norm.eps)


class _LayerFitter:
    """Fits one student layer to one teacher layer."""

    def __init__(
        self,
        layer: nn.Module,
        target: nn.Module,
        student: PreTrainedModel,
        teacher: PreTrainedModel,
    ) -> None:
        self.layer = layer
        self.target = target
        self.student = student
        self.teacher = teacher
        attention = target.attention
        self.modules: dict[str, nn.Module] = {
            "query": attention.self.query,
            "key": attention.self.key,
            "value": attention.self.value,
            "attention_norm": attention.output.LayerNorm,
            "neurons": target.intermediate.dense,
            "output": target.output.dense,
            "norm": target.output.LayerNorm,
        }

    def fit(self, basis: Tensor, batches: Sequence[Batch], states: list[Tensor]) -> list[Tensor]:
        """Sets the layer's weights; returns its output for each batch."""
        seen = [
            {name: (_tokens(i, b), _tokens(o, b)) for name, (i, o) in values.items()}
            for b, values in zip(
                batches, observe(self.teacher, batches, self.modules), strict=True
            )
        ]
        masks = [batch["attention_mask"].bool() for batch in batches]
        self._fit_heads(basis, seen, [s[m] for s, m in zip(states, masks, strict=True)])
        states = self._fit_attention_output(basis, seen, batches, states)
        flat = [s[m] for s, m in zip(states, masks, strict=True)]
        flat = self._fit_feed_forward(basis, seen, flat)
        out = []
        for state, mask, rows in zip(states, masks, flat, strict=True):
            full = torch.zeros_like(state)
            full[mask] = rows
            out.append(full)
        return out

    def _fit_heads(self, basis: Tensor, seen: list, states: list[Tensor]) -> None:
        own, theirs = self.layer.attention, self.target.attention
        heads = self.student.config.num_attention_heads
        width = self.student.config.hidden_size // heads
        teacher_heads = self.teacher.config.num_attention_heads
        teacher_width = self.teacher.config.hidden_size // teacher_heads
        query, key, value = (
            torch.cat([values[name][1] for values in seen]) for name in ("query", "key", "value")
        )
        groups = GROUPING(teacher_heads, heads)
        output_weight = theirs.output.dense.weight.T @ basis
        maps = {name: torch.zeros(query.shape[1], heads * width) for name in ("query", "key", "value")}
        for index, group in enumerate(groups):
            dims = torch.cat([torch.arange(h * teacher_width, (h + 1) * teacher_width) for h in group])
            reduction = reduce_heads(
                query[:, dims], key[:, dims], value[:, dims], output_weight[dims],
                width, teacher_width=teacher_width,
            )
            columns = slice(index * width, (index + 1) * width)
            for name, matrix in maps.items():
                matrix[dims, columns] = getattr(reduction, name)
            own.output.dense.weight[:, columns] = reduction.output.T
        own.output.dense.bias.copy_(theirs.output.dense.bias @ basis)
        for name, matrix in maps.items():
            linear, source = getattr(own.self, name), getattr(theirs.self, name)
            linear.weight.copy_((source.weight.T @ matrix).T @ basis)
            linear.bias.copy_(source.bias @ matrix)
            if FIT:
                fit = LinearFit(*reversed(linear.weight.shape))
                for rows, values in zip(states, seen, strict=True):
                    fit.add(rows, values[name][1] @ matrix)
                fit.solve(linear, RIDGE)

    def _fit_attention_output(
        self, basis: Tensor, seen: list, batches: Sequence[Batch], states: list[Tensor]
    ) -> list[Tensor]:
        attention = self.layer.attention
        dense, norm = attention.output.dense, attention.output.LayerNorm
        contexts = []
        for batch, state in zip(batches, states, strict=True):
            mask = (1.0 - batch["attention_mask"].to(state)) * torch.finfo(state.dtype).min
            contexts.append(attention.self(state, mask[:, None, None, :])[0])
        fit, gain = LinearFit(*reversed(dense.weight.shape)), GainFit(len(norm.weight))
        for batch, state, context, values in zip(batches, states, contexts, seen, strict=True):
            wanted = values["attention_norm"][0] @ basis - _tokens(state, batch)
            fit.add(_tokens(context, batch), wanted)
        if FIT: fit.solve(dense, RIDGE)
        sums = [dense(context) + state for context, state in zip(contexts, states, strict=True)]
        for batch, total, values in zip(batches, sums, seen, strict=True):
            gain.add(_tokens(_normalize(total, norm), batch), values["attention_norm"][1] @ basis)
        gain.solve(norm)
        return [norm(total) for total in sums]

    def _fit_feed_forward(self, basis: Tensor, seen: list, states: list[Tensor]) -> list[Tensor]:
        first, second = self.layer.intermediate.dense, self.layer.output.dense
        norm = self.layer.output.LayerNorm
        source, sink = self.target.intermediate.dense, self.target.output.dense
        power = torch.stack([values["output"][0].square().sum(0) for values in seen]).sum(0)
        importance = power * sink.weight.square().sum(0)
        kept = importance.topk(len(first.weight)).indices.sort().values
        first.weight.copy_(source.weight[kept] @ basis)
        first.bias.copy_(source.bias[kept])
        second.weight.copy_(basis.T @ sink.weight[:, kept])
        second.bias.copy_(sink.bias @ basis)
        if FIT:
            fit = LinearFit(*reversed(first.weight.shape))
            for rows, values in zip(states, seen, strict=True):
                fit.add(rows, values["neurons"][1][:, kept])
            fit.solve(first, RIDGE)
        inner = [self.layer.intermediate(rows) for rows in states]
        if FIT:
            fit = LinearFit(*reversed(second.weight.shape))
            for rows, activations, values in zip(states, inner, seen, strict=True):
                fit.add(activations, values["norm"][0] @ basis - rows)
            fit.solve(second, RIDGE)
        gain = GainFit(len(norm.weight))
        sums = [second(a) + rows for a, rows in zip(inner, states, strict=True)]
        for total, values in zip(sums, seen, strict=True):
            gain.add(_normalize(total, norm), values["norm"][1] @ basis)
        gain.solve(norm)
        return [norm(total) for total in sums]


def initialize_head(student, teacher, basis, batches):
    own, theirs = student.base_model.pooler.dense, teacher.base_model.pooler.dense
    T, S, L = [], [], []
    for seen in observe(teacher, batches, {"pre": theirs, "cls": teacher.classifier}):
        T.append(seen["pre"][1]); L.append(seen["cls"][1])
    for seen in observe(student, batches, {"pre": own}):
        S.append(seen["pre"][0])
    T, S, L = torch.cat(T), torch.cat(S), torch.cat(L)
    power = torch.tanh(T).square().sum(0)
    kept = (power * teacher.classifier.weight.square().sum(0)).topk(len(own.weight)).indices.sort().values
    own.weight.copy_(theirs.weight[kept] @ basis); own.bias.copy_(theirs.bias[kept])
    student.classifier.weight.copy_(teacher.classifier.weight[:, kept]); student.classifier.bias.copy_(teacher.classifier.bias)
    if FIT:
        fit = LinearFit(*reversed(own.weight.shape)); fit.add(S, T[:, kept]); fit.solve(own, HRIDGE)
        fit = LinearFit(*reversed(student.classifier.weight.shape)); fit.add(torch.tanh(own(S)), L); fit.solve(student.classifier, HRIDGE)


FIT = True
RIDGE = 1e-3
HRIDGE = 1e-1
GROUPING = lambda t, s: [list(range(i * t // s, (i + 1) * t // s)) for i in range(s)]
