"""Tiny models with random weights, made once a session."""

import gc
import json
import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest

from tinybert.base.threads import wait_passively

os.environ["TQDM_DISABLE"] = "1"  # read when Transformers is imported, as the program sets it
wait_passively()  # likewise, when PyTorch is
if "PYTEST_XDIST_WORKER" in os.environ:  # a core for each; so tiny a model gains nothing by more
    os.environ["OMP_NUM_THREADS"] = "1"

# Not the caches of whoever runs the tests.
os.environ["TINYBERT_CACHE"] = tempfile.mkdtemp(prefix="tinybert-test-cache-")

WORDS = (  # noqa: SIM905 (a list of words is best read as a text)
    "a an the this that it is was not very film movie story plot acting good great bad dull awful "
    "funny sad long short man woman cat dog sat on mat in of and but or with he she they we you "
    "play music guitar drums runs slept ate old young new first last never always about from to "
    "market bank shares price team match goal won lost minister party vote game console software"
).split()


@pytest.fixture(autouse=True, scope="module")
def frozen_modules():
    """What has been imported by now is not looked through again by each garbage collection.

    Each training begins with one, which takes longer than the training of a tiny model.
    """
    gc.freeze()


@pytest.fixture(autouse=True)
def from_an_index(monkeypatch):
    """Messages name what to install as after `pip install tinybert`, wherever this is run."""
    monkeypatch.setattr("tinybert.base.install._origin", dict)


@pytest.fixture(scope="session")
def tiny_tokenizer_dir(tmp_path_factory):
    """A lower-casing WordPiece tokenizer of about 200 entries; it can spell any ASCII text."""
    from transformers import BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-tokenizer")
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    pieces = [f"##{letter}" for letter in letters if letter.isalnum()]
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    entries = list(dict.fromkeys([*specials, *letters, *pieces, *WORDS]))
    (folder / "vocab.txt").write_text("\n".join(entries) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast.from_pretrained(folder, model_max_length=64)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bert_dir(tmp_path_factory, tiny_tokenizer_dir):
    """A two-class BertForSequenceClassification: 2 layers of 32, 4 heads, 128 positions."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    folder = tmp_path_factory.mktemp("tiny-bert")
    vocabulary = (tiny_tokenizer_dir / "vocab.txt").read_text(encoding="utf-8").split()
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
        id2label={0: "negative", 1: "positive"},
        label2id={"negative": 0, "positive": 1},
        problem_type="single_label_classification",
    )
    torch.manual_seed(0)
    model = BertForSequenceClassification(config).eval()
    for weight in model.parameters():  # equal ones, as fresh biases, would be merged at export
        torch.nn.init.normal_(weight, std=0.5)
    model.save_pretrained(folder)
    shutil.copytree(tiny_tokenizer_dir, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def tiny_artifact_dir(tmp_path_factory, tiny_bert_dir):
    """The tiny BERT as `compress` lays it out: two files in onnx/, report.json and the rest."""
    import onnx
    import torch
    from onnxruntime.quantization import quantize_dynamic
    from transformers import BertForSequenceClassification

    folder = tmp_path_factory.mktemp("tiny-artifact")
    (folder / "onnx").mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_bert_dir / name, folder / name)
    model = BertForSequenceClassification.from_pretrained(tiny_bert_dir).eval()
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    program = torch.onnx.export(
        model,
        kwargs={name: torch.ones(2, 7, dtype=torch.int64) for name in names},
        input_names=names,
        output_names=["logits"],
        dynamic_shapes=dict.fromkeys(names, axes),
        external_data=False,
        verbose=False,
    )
    program.save(folder / "onnx" / "model.onnx")
    graph = onnx.load(folder / "onnx" / "model.onnx")
    del graph.graph.value_info[:]  # quantize_dynamic trips over shapes of before it transposes
    quantize_dynamic(graph, folder / "onnx" / "model_quantized.onnx")
    report = {"schema": 1, "best": "onnx/model_quantized.onnx"}
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def glue():
    """The folder with GLUE's files, which lies beside the repository."""
    folder = (Path(__file__).parents[1] / "../shared/data/glue").resolve()
    if not folder.is_dir():
        pytest.skip(f"needs GLUE's files in {folder}")
    return folder


@pytest.fixture(scope="session")
def reviews():
    """40 made-up sentences of many lengths with their sentiment, as rows of a data set."""
    dice = random.Random(0)
    words = {"positive": ["great", "good", "funny"], "negative": ["dull", "bad", "awful"]}
    rows = []
    for index in range(40):
        label = ("negative", "positive")[index % 2]
        text = ["the", *dice.choices(WORDS[:12], k=dice.randint(1, 20)), dice.choice(words[label])]
        rows.append({"sentence": " ".join(text), "label": label})
    return rows


@pytest.fixture
def tiny_context(tiny_bert_dir, reviews, tmp_path):
    """Makes the `Context` of a step on the reviews, keeping its files in a folder of its own."""
    from tinybert.data.table import Table
    from tinybert.modeling.load import load_tokenizer
    from tinybert.tasks import get_task
    from tinybert.training.context import Context

    table = Table({name: [row[name] for row in reviews] for name in reviews[0]}, "reviews")
    task = get_task("text-classification").fit(table)
    defaults = {
        "task": task,
        "train": task.examples(table),
        "tokenizer": load_tokenizer(tiny_bert_dir),
        "max_length": 32,
        "seed": 0,
        "folder": tmp_path / "checkpoints",
    }
    return lambda **changes: Context(**(defaults | changes))


@pytest.fixture
def teacher(tiny_bert_dir, tiny_context):
    """The tiny BERT with the head of the tiny context's task."""
    from tinybert.modeling.load import load_model

    return load_model(tiny_bert_dir, tiny_context().task)


@pytest.fixture
def student(teacher):
    """A smaller one of random weights."""
    import torch

    from tinybert.steps.student.build import build_student
    from tinybert.steps.student.config import StudentConfig

    torch.manual_seed(0)
    shape = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
    return build_student(StudentConfig(**shape), teacher)


def bench_by_facts(models, *, batch=1, length=128, threads=None, repeats=100, warns=True):
    """Costs from facts alone: processes that time models take longer than all else here."""
    from tinybert.formats.open import open_model
    from tinybert.measure.bench import BenchResult, ModelBench

    measured = [
        ModelBench(
            model=name,
            **vars(open_model(name).facts()),
            latency_ms=1.0,
            latency_p95_ms=2.0,
            throughput_per_s=1000.0 * batch,
            peak_memory_mb=50.0,
            runs_ms=[1.0],
        )
        for name in models
    ]
    return BenchResult({"cpu": "a", "threads": 1}, batch, length, threads or 1, measured)


@pytest.fixture(scope="module")
def quick_bench():
    """Lets runs be measured by `bench_by_facts`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tinybert.run.artifacts.bench", bench_by_facts)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory, reviews):
    """The reviews as a file for each kind of task."""
    folder = tmp_path_factory.mktemp("data")
    pairs = [
        {
            "first": row["sentence"],
            "second": other["sentence"],
            "alike": float(row["label"] == other["label"]) + index / 40,
        }
        for index, (row, other) in enumerate(zip(reviews, reviews[::3] * 3, strict=False))
    ]
    for name, rows in {"reviews": reviews, "pairs": pairs}.items():
        text = "\n".join(map(json.dumps, rows))
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def recipe(tiny_bert_dir, files):
    """Makes a recipe for two classes with some keys changed."""

    def make(**changes):
        data = str(files / "reviews.jsonl")
        shape = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}
        return {
            "teacher": str(tiny_bert_dir),
            "task": "text-classification",
            "data": {"train": data, "eval": data, "max_length": 32},
            "steps": [
                {"finetune": {"max_steps": 3, "batch_size": 8}},
                {"student": shape},
                {"distill": {"max_steps": 3, "batch_size": 8, "attention": 1}},
                "quantize",
            ],
        } | changes

    return make


TINY = {
    "vocab_size": 200,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "initializer_range": 0.2,
}
DISTILBERT = {
    "vocab_size": 200,
    "dim": 32,
    "n_layers": 2,
    "n_heads": 4,
    "hidden_dim": 64,
    "initializer_range": 0.2,
}


@pytest.fixture(scope="session")
def make_encoder():
    """Model type, and other sizes, to an `AutoModelForSequenceClassification`, in eval mode."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    def make(kind, **changes):
        sizes = (DISTILBERT if kind == "distilbert" else TINY) | changes
        torch.manual_seed(0)
        config = AutoConfig.for_model(kind, num_labels=3, **sizes)
        return AutoModelForSequenceClassification.from_config(config).eval()

    return make
