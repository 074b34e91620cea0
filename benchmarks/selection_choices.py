"""Which tokens of a long text `shorten` should let go on, by what that changes at once.

    .venv/bin/python benchmarks/selection_choices.py runs/sst2/teacher/student \
        --data ../shared/data/glue/SST-2

On texts of the training set with more tokens than go on; agreement and KL divergence to the same
model with every token. Nothing is trained.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinybert import selection
from tinybert.data import read
from tinybert.huggingface import load_model, load_tokenizer
from tinybert.observe import Batch, make_batches
from tinybert.tasks import get_task

Received = Callable[[Tensor, Tensor], Tensor]
Choose = Callable[[Tensor, Tensor, int], Tensor]

received, choose = selection.received, selection.choose


def every_second(probabilities: Tensor, real: Tensor) -> Tensor:
    return received(probabilities[:, :, ::2], real[:, ::2])


def of_first(probabilities: Tensor, real: Tensor) -> Tensor:
    return probabilities[:, :, 0].sum(1)


def at_random(probabilities: Tensor, real: Tensor) -> Tensor:
    return torch.rand(real.shape)


def with_the_rest(scores: Tensor, real: Tensor, positions: int) -> Tensor:
    chosen = choose(scores, real, positions - 1)
    rest = real.float() - chosen.sum(1)
    mean = rest / rest.sum(-1, keepdim=True).clamp(min=1)
    return torch.cat([chosen, mean[:, None]], dim=1)


def neighbours(scores: Tensor, real: Tensor, positions: int) -> Tensor:
    """Means of equally large groups; the first token is one by itself."""
    places = real.long().cumsum(1) - 1
    last = places[:, -1:].clamp(min=positions - 1)
    group = torch.div((places - 1) * (positions - 1), last, rounding_mode="floor") + 1
    group = torch.where(places == 0, 0, group)
    groups = (group[:, None] == torch.arange(positions)[:, None]) & real[:, None]
    return groups / groups.sum(-1, keepdim=True).clamp(min=1)


CHOICES: dict[str, tuple[Received, Choose]] = {
    "attention received": (received, choose),
    "and the mean of the rest": (received, with_the_rest),
    "received of every second": (every_second, choose),
    "received of the first": (of_first, choose),
    "means of neighbours": (received, neighbours),
    "at random": (at_random, choose),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a Hugging Face folder")
    parser.add_argument("--data", required=True, help="the folder of SST-2")
    parser.add_argument("--layer", type=int, default=1)
    parser.add_argument("--positions", type=int, nargs="+", default=[32, 24])
    parser.add_argument("--rows", type=int, default=800)
    options = parser.parse_args()

    task = get_task({"kind": "glue/sst-2"})
    table = read(options.data, "train", task.layout)
    task = task.fit(table)
    tokenizer = load_tokenizer(options.model, 128)
    texts = task.examples(table).texts
    lengths = map(len, tokenizer([str(text) for text in texts])["input_ids"])
    pairs = zip(texts, lengths, strict=True)
    long = [text for text, length in pairs if length > max(options.positions)][: options.rows]
    batches = make_batches(long, tokenizer, 128, torch.device("cpu"))
    expected = run(load_model(options.model, task), batches)
    print(f"{len(long)} texts, {options.model}\n\n| | tokens | agreement | KL |\n|-|-|-|-|")
    for positions in options.positions:
        for name, (score, pick) in CHOICES.items():
            torch.manual_seed(0)
            model = load_model(options.model, task)
            selection.select_in(model, options.layer, positions)
            with patch.multiple(selection, received=score, choose=pick):
                found = run(model, batches)
            same = (found.argmax(-1) == expected.argmax(-1)).float().mean()
            wanted, given = expected.log_softmax(-1), found.log_softmax(-1)
            divergence = (wanted.exp() * (wanted - given)).sum(-1).mean()
            print(f"| {name} | {positions} | {same:.4f} | {divergence:.3f} |", flush=True)


@torch.inference_mode()
def run(model: PreTrainedModel, batches: list[Batch]) -> Tensor:
    return torch.cat([model(**batch).logits for batch in batches])


if __name__ == "__main__":
    main()
