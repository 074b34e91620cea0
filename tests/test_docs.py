"""README and docs/: recipes are planned, commands and Python are run, links lead somewhere."""

import importlib.util
import io
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from tiny_models import tiny_model_dir
from tiny_recipes import with_tiny_inputs
from tinybert.base.errors import InputError
from tinybert.cli.main import main
from tinybert.formats.registry import FORMATS
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe
from tinybert.steps.quantize.config import QuantizeConfig
from tinybert.steps.registry import STEPS
from tinybert.tasks import get_task
from tinybert.tasks.registry import KINDS

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
}
RESULTS = sorted(ROOT.glob("benchmarks/results/*.md"))
EXAMPLES = sorted(ROOT.glob("examples/*.yaml"))


def blocks(language):
    """Each block of a language, as `page:number` and text."""
    return [
        pytest.param(text, id=f"{page}:{number}")
        for page, all_text in PAGES.items()
        for number, text in enumerate(re.findall(rf"```{language}\n(.*?)```", all_text, re.DOTALL))
    ]


def whole_recipe(block):
    """A recipe of which the page shows a part: some keys, or the steps behind `finetune`."""
    values = yaml.safe_load(block)
    if isinstance(values, list):
        first = next(iter(values[0]))
        values = {"steps": values if first == "finetune" else [{"finetune": {}}, *values]}
        if any({"general-distill", "add-texts"} & {*step} for step in values["steps"]):
            values["data"] = {"unlabeled": ["corpus.txt"]}
    return {"teacher": "t", "task": "text-classification", **values}


def planned(values, tmp_path, tiny_tokenizer_dir):
    return read_inputs(Recipe.from_mapping(with_tiny_inputs(values, tmp_path, tiny_tokenizer_dir)))


@pytest.mark.parametrize("block", blocks("yaml"))
def test_recipes_of_the_pages_can_be_run(block, tmp_path, tiny_tokenizer_dir, caplog):
    inputs = planned(whole_recipe(block), tmp_path, tiny_tokenizer_dir)
    assert len(inputs.eval) == 40
    assert len(inputs.train) in (40, 80)  # the texts of pairs, where each is learned alone
    assert "has no effect" not in caplog.text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_can_be_run(path, tmp_path, tiny_tokenizer_dir, caplog):
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert Recipe.read(path).resolved() == Recipe.from_mapping(values).resolved()
    inputs = planned(values, tmp_path, tiny_tokenizer_dir)
    assert len(inputs.reads) == len(values["steps"]) > 0
    assert "has no effect" not in caplog.text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_command_of_an_example_fits_it(path):
    """Each names itself, and sets only keys that it has."""
    text = path.read_text(encoding="utf-8")
    (command,) = re.findall(r"^# (tinybert compress .*)$", text, re.MULTILINE)
    words = shlex.split(command)
    assert words[2] == path.relative_to(ROOT).as_posix()
    changes = words[4::2]
    assert set(words[3::2]) == {"--set"}
    changed = Recipe.read(path, changes).resolved()
    for change in changes:
        key, _, value = change.partition("=")
        *parents, last = key.split(".")
        at = changed
        for parent in parents:
            at = at[parent]
        assert at[last] == yaml.safe_load(value)


def test_a_recipe_that_cannot_be_run_is_found(tmp_path, tiny_tokenizer_dir):
    """The planning above may fail."""
    values = yaml.safe_load((ROOT / "examples/sst2.yaml").read_text(encoding="utf-8"))
    values["steps"][1]["student"]["layers"] = 7
    with pytest.raises(Exception, match=r"steps\.1\.student.*layers"):
        planned(values, tmp_path, tiny_tokenizer_dir)


@pytest.fixture
def place(tmp_path, tiny_artifact_dir, tiny_bert_dir, recipe, monkeypatch, request):
    """A folder with what the pages' commands and code name."""
    monkeypatch.chdir(tmp_path)
    for name in ("out", "demo-out"):
        shutil.copytree(tiny_artifact_dir, tmp_path / name)
    shutil.copytree(tiny_bert_dir, tmp_path / "teacher")
    tiny_model_dir("bert", tmp_path / "topics", "multi-label-classification")
    tiny_model_dir("bert", tmp_path / "answers", "question-answering")
    tiny_model_dir("gpt2", tmp_path / "writer", "causal-lm")
    if "writer-out" in str(request.node.callspec.params.get("block")):
        assert main(["export", "writer", "--to", "onnx", "--out", "writer-out"]) == 0
    (tmp_path / "texts.txt").write_text("a great film\ndull and long\n", encoding="utf-8")
    labels = ("positive", "negative") * 100
    tiny_model_dir("bert", tmp_path / "bert", "masked-lm")
    (tmp_path / "synonyms.txt").write_text("film, movie\n", encoding="utf-8")
    rows = "review,stars\n" + "".join(f"film {at},{name}\n" for at, name in enumerate(labels))
    (tmp_path / "reviews.csv").write_text(rows, encoding="utf-8")
    rows = "review,p_good,p_bad\n" + "".join(f"film {at},0.9,0.1\n" for at in range(200))
    (tmp_path / "scored.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "scores.csv").write_text("positive,negative\n" + "1,0\n" * 200, encoding="utf-8")
    rows = "comment,tags\ngood,a;c\n"
    (tmp_path / "comments.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "pairs.csv").write_text("review,answer\ngood,bad\n", encoding="utf-8")
    rows = "sentence\tlabel\na great film\tpositive\ndull\tnegative\n"
    (tmp_path / "dev.tsv").write_text(rows, encoding="utf-8")
    text = yaml.safe_dump(recipe())
    (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("block", blocks("sh"))
def test_commands_run(block, place, monkeypatch, capsys):
    """Trainings are looked at only; the other commands are run one after another."""
    for line in block.splitlines():
        *before, words = split(line)
        if words[0] == "make":
            assert f"\n{words[1]}: " in (ROOT / "Makefile").read_text(encoding="utf-8")
            continue
        assert Path(words[0]).name == "tinybert", line
        arguments = words[1:]
        if arguments[0] == "compress":
            arguments += ["--dry-run", "--out", str(place / "new")]  # the last --out counts
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a great film\ndull\n")))
        assert not before or before == [["zcat", "texts.gz"]]
        assert main(arguments) == 0, (line, capsys.readouterr().err)
        assert capsys.readouterr().out


def split(line):
    """The commands of a pipe, each in words."""
    commands = [[]]
    for word in shlex.split(line, comments=True):
        if word == "|":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


@pytest.mark.parametrize("block", blocks("python"))
def test_python_runs(block, place, quick_bench):
    if "tinybert.compress" in block:
        shutil.rmtree(place / "out")
    exec(compile(block, "a page", "exec"), {})


@pytest.mark.parametrize("block", blocks("json"))
def test_rows_are_read_as_the_page_says(block, tmp_path):
    from tinybert.data import read

    path = tmp_path / "train.jsonl"
    path.write_text(block, encoding="utf-8")
    kind = "question-answering" if "question" in block else "token-classification"
    task = get_task(kind)
    task = task.fit(read(path, "train", task.layout))
    (found,) = task.examples(read(path, "train", task.layout)).labels
    if kind == "question-answering":
        assert found == ("It was in Rome.", ("Rome",), (10,))
        return
    assert [(span.start, span.end, span.type) for span in found] == [
        (0, 2, "ORG"),
        (11, 17, "MISC"),
    ]


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/*.py")), ids=lambda path: path.name)
def test_pages_made_from_the_program_are_as_it_is_today(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.page() == PAGES[f"docs/{path.stem}.md"], f"run docs/{path.name}"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "settings",
    [{"method": "dynamic"}, {"method": "static"}, {"method": "qat"}, {"bits": 4}],
    ids=str,
)
def test_formats_can_have_what_their_page_says(name, settings):
    """A row of the table begins with a setting; its cells are those of the formats, in order."""
    ((key, value),) = settings.items()
    titles, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGES["docs/formats.md"].splitlines()
        if line.startswith("|")
    ]
    (row,) = [
        row for row in rows if re.match(rf"`{key}: .*\b{value}\b", row[0].replace("`, `", ", "))
    ]
    said = row[titles.index(f"`{name}`")]
    config = QuantizeConfig(**({"method": "static"} | settings))
    try:
        FORMATS[name].load("quantize").check(config)
    except InputError:
        assert said.startswith("refused")
    else:
        assert said == "yes"


@pytest.mark.parametrize("config", STEPS.values(), ids=STEPS)
def test_every_option_is_on_the_page(config):
    for name, field in config.model_fields.items():
        assert field.description
        assert f"| `{name}` | " in PAGES["docs/recipes.md"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_task_is_told_in_full(kind):
    (section,) = re.findall(rf"## {kind}\n(.*?)(?=\n## )", PAGES["docs/tasks.md"], re.DOTALL)
    options, metrics = (
        set(re.findall(r"`(\w+)", re.search(rf"\| {row} \| (.*) \|", section)[1]))
        for row in ("options", "metrics")
    )
    assert set(KINDS[kind].options) <= options
    assert set(KINDS[kind].scored_by) == metrics
    assert f"`{kind}`" in PAGES["README.md"]
    assert f"`{kind}`" in PAGES["docs/data.md"]


@pytest.mark.parametrize("page", [*PAGES, *(f"benchmarks/results/{p.name}" for p in RESULTS)])
def test_links_and_files_are_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if link.startswith("https:"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link
    for path in re.findall(r"`((?:benchmarks|docs|examples|src|tests)/[^`* ]*)", text):
        assert "NAME" in path or (ROOT / path).exists(), path


def anchors(path):
    titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_extras_are_those_of_the_package():
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for page in PAGES.values():
        for names in re.findall(r"'\.\[([\w,]+)\]'", page):
            assert all(f"\n{name} = [" in pyproject for name in names.split(","))


def test_every_room_is_in_the_table():
    rooms = {path.parent.name for path in ROOT.glob("src/tinybert/*/__init__.py")}
    (table,) = re.findall(r"\| room \|.*?\n\n", PAGES["docs/contributing.md"], re.DOTALL)
    assert rooms == set(re.findall(r"`(\w+)`", table))


def test_the_files_to_add_are_those_that_the_others_have():
    page = PAGES["docs/contributing.md"]
    for folder, registry in (("steps", STEPS), ("formats", FORMATS)):
        for name in registry:
            assert (ROOT / "src/tinybert" / folder / name.replace("-", "_")).is_dir()
        assert f"`src/tinybert/{folder}/registry.py`" in page
    files = {kind.__module__.rpartition(".")[2] for kind in KINDS.values()}
    assert files == {kind.replace("-", "_") for kind in KINDS}
