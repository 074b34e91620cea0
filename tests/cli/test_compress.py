"""`tinybert compress MODEL --train DATA`: the usual recipe, written and run."""

import json
import random
import re

import pytest
import yaml

from tiny_models import WORDS
from tinybert.cli.main import main


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A file as spreadsheets write it: a mark at its beginning, CRLF, a line break in a cell."""
    path, dice = tmp_path_factory.mktemp("rows") / "rows.csv", random.Random(0)
    lines = ["id,message,topic"]
    for number in range(300):
        words = [dice.choice(WORDS) for _ in range(dice.randint(3, 9))]
        lines.append(f'{number},"{" ".join(words)}\nend",{dice.choice(["negative", "positive"])}')
    path.write_bytes("\ufeff".encode() + "\r\n".join(lines).encode())
    return path


def test_one_command(tiny_bert_dir, rows, tmp_path, capsys, quick_bench):
    out = tmp_path / "out"
    settings = ["--set", "data.max_length=24", "--set", "steps.quantize.distill.max_steps=2"]
    command = ["compress", str(tiny_bert_dir), "--train", str(rows), "--out", str(out)]
    assert main([*command, *settings]) == 0
    said = capsys.readouterr().err
    assert "text: message (guessed from the rows)" in said
    assert "10% of the training rows, held out" in said
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["task"]["eval_rows"] == 30
    # The recipe that it ran can be edited and run.
    recipe = yaml.safe_load((out / "recipe.yaml").read_text(encoding="utf-8"))
    assert recipe["data"]["text"] == "message"
    assert main(["compress", str(out / "recipe.yaml"), "--out", str(out)]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["RECIPE", "--text", "a"], "--text is for a model without a recipe: name --train too"),
        (["RECIPE", "--train", "ROWS"], "rows of .*recipe.yaml are set by --set data.train=DATA"),
        (["MODEL"], "a folder, no recipe; for a model name the rows to learn from by --train"),
        (["MODEL", "--train", "none.csv"], "none.csv: no such file"),
        (["MODEL", "--train", "ROWS", "--text", "x"], "no column 'x'"),
        (["MODEL", "--train", "ROWS", "--eval", "1%"], "data.eval: .*too few to measure"),
        (["MODEL", "--train", "ROWS", "--task", "poetry"], "poetry"),
    ],
)
def test_what_can_not_be_run_is_refused(tiny_bert_dir, rows, tmp_path, capsys, arguments, message):
    given = {"RECIPE": tmp_path / "recipe.yaml", "MODEL": tiny_bert_dir, "ROWS": rows}
    command = [str(given.get(word, word)) for word in arguments]
    assert main(["compress", *command, "--out", str(tmp_path / "out")]) == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("tinybert: error: ")
    assert re.search(message, line)
    assert not (tmp_path / "out").exists()
