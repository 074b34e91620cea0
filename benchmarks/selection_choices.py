"""Which tokens of a long text `shorten` should let go on, by what that changes at once.

    .venv/bin/python benchmarks/selection_choices.py runs/sst2/teacher/student \
        --data ../shared/data/glue/SST-2

On texts of the training set with more tokens than go on, none of which says what is salient;
agreement and KL divergence to the same model with every token. Nothing is trained.
"""

import argparse
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinybert.data import read
from tinybert.modeling import selection
from tinybert.modeling.load import load_model, load_tokenizer
from tinybert.modeling.observe import Batch, make_batches
from tinybert.steps.shorten.saliency import fit_scores
from tinybert.steps.shorten.step import by_need
from tinybert.tasks import get_task

Choose = Callable[[Tensor, Tensor, int], Tensor]
"""As `selection.choose`."""

ANY_ROWS = "the same, fitted to rows of any length"

choose = selection.choose


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a Hugging Face folder")
    parser.add_argument("--data", required=True, help="the folder of SST-2")
    parser.add_argument("--layers", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--positions", type=int, nargs="+", default=[32, 24])
    parser.add_argument("--rows", type=int, default=800)
    parser.add_argument("--calibration-rows", type=int, default=3000)
    options = parser.parse_args()

    task = get_task({"kind": "glue/sst-2"})
    table = read(options.data, "train", task.layout)
    task = task.fit(table)
    tokenizer = load_tokenizer(options.model, 128)
    texts = [str(text) for text in task.examples(table).texts]
    random.Random(0).shuffle(texts)
    lengths = map(len, tokenizer(texts)["input_ids"])
    pairs = zip(texts, lengths, strict=True)
    judged = [text for text, length in pairs if length > max(options.positions)][: options.rows]
    others = sorted(set(texts) - set(judged))
    random.Random(1).shuffle(others)
    rows = options.calibration_rows
    longer = by_need(others, tokenizer, 128, max(options.positions))[:rows]
    batches, any_rows, long_rows = (
        make_batches(part, tokenizer, 128, torch.device("cpu"))
        for part in (judged, others[:rows], longer)
    )
    whole = load_model(options.model, task).eval()
    expected = torch.cat([logits(whole, batch) for batch in batches])
    print(f"{len(judged)} texts, {options.model}\n\n| | tokens | behind layer | agreement | KL |")
    print("|-|-|-|-|-|")
    for layer in options.layers:
        weight, of_any = (fit_scores(whole, part, layer) for part in (long_rows, any_rows))
        for positions in options.positions:
            for name, choices in candidates(whole, batches, layer):
                other = name == ANY_ROWS
                model = load_model(options.model, task).eval()
                selection.select_in(model, layer, positions).weight.copy_(
                    of_any if other else weight
                )
                found = []
                for batch, choice in zip(batches, choices, strict=True):
                    with patch.object(selection, "choose", choice):
                        found.append(logits(model, batch))
                same, divergence = compared(torch.cat(found), expected)
                print(f"| {name} | {positions} | {layer} | {same:.4f} | {divergence:.4f} |")


def candidates(
    model: PreTrainedModel, batches: list[Batch], layer: int
) -> Iterator[tuple[str, list[Choose]]]:
    """Ways to choose, by name, for each batch."""
    yield "saliency, by the hidden state", [choose] * len(batches)
    yield ANY_ROWS, [choose] * len(batches)
    if layer:
        yield (
            "attention received from all heads and tokens (PoWER-BERT)",
            [by(received(model, batch, layer)) for batch in batches],
        )
    yield "means of neighbours (Funnel-Transformer)", [neighbours] * len(batches)
    yield "the first tokens", [by(-torch.arange(128.0)[None])] * len(batches)
    torch.manual_seed(0)
    yield "at random", [by(torch.rand(batch["input_ids"].shape)) for batch in batches]


def by(scores: Tensor) -> Choose:
    """Chooses by other scores."""
    return lambda own, real, positions: choose(
        scores[:, : own.shape[1]].expand(own.shape), real, positions
    )


@torch.inference_mode()
def received(model: PreTrainedModel, batch: Batch, layer: int) -> Tensor:
    """(batch, length): a layer's attention to each token, of all heads of all tokens."""
    implementation = model.config._attn_implementation
    model.set_attn_implementation("eager")
    probabilities = model(**batch, output_attentions=True).attentions[layer - 1]
    model.set_attn_implementation(implementation)
    return (probabilities.sum(1) * batch["attention_mask"][:, :, None]).sum(1)


def neighbours(scores: Tensor, real: Tensor, positions: int) -> Tensor:
    """Means of equally large groups; the first token is one by itself."""
    places = real.long().cumsum(1) - 1
    last = places[:, -1:].clamp(min=positions - 1)
    group = torch.div((places - 1) * (positions - 1), last, rounding_mode="floor") + 1
    group = torch.where(places == 0, 0, group)
    groups = (group[:, None] == torch.arange(positions)[:, None]) & real[:, None]
    return groups / groups.sum(-1, keepdim=True).clamp(min=1)


def compared(found: Tensor, expected: Tensor) -> tuple[float, float]:
    """Agreement and KL divergence."""
    same = (found.argmax(-1) == expected.argmax(-1)).float().mean()
    wanted, given = expected.log_softmax(-1), found.log_softmax(-1)
    return same.item(), (wanted.exp() * (wanted - given)).sum(-1).mean().item()


@torch.inference_mode()
def logits(model: PreTrainedModel, batch: Batch) -> Tensor:
    return model(**batch).logits


if __name__ == "__main__":
    main()
