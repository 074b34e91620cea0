"""Whole searches of tiny models: few trials, and all that is promised of them."""

import json
import os
import subprocess
import sys
import time

import pytest
from tests.measure.test_profile import invented
from tests.tiny_models import tiny_model_dir

import tinybert
from tinybert.base.errors import InputError
from tinybert.search.study import OUTCOME, finished, open_study
from tinybert.search.trial import Trials

SHAPE = {"layers": 1, "hidden_size": 24, "attention_heads": 4, "intermediate_size": 48}
FIXED = [{"student": SHAPE}, {"distill": {}}]
BUDGET = {"size": "0.2MB", "trials": 3}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, searched_rows):
    """A recipe that leaves its student open, and its teacher."""
    train, dev = map(str, searched_rows)
    folder = tmp_path_factory.mktemp("search")
    sizes = {"hidden_size": 48, "num_hidden_layers": 2, "intermediate_size": 96}
    teacher = tiny_model_dir("bert", folder / "teacher", **sizes)
    data = {"train": train, "eval": dev, "text": "text", "label": "label", "max_length": 24}
    finetune = tinybert.compress(
        {
            "teacher": str(teacher),
            "task": "text-classification",
            "data": data,
            "steps": [{"finetune": {"epochs": 4, "learning_rate": 1e-3}}],
        },
        folder / "finetuned",
    )
    return {
        "teacher": str(finetune.out / "student"),
        "task": "text-classification",
        "data": data,
        "steps": [
            {"student": {"attention_heads": 4}},
            {"distill": {"epochs": 9, "learning_rate": 1e-3}},
            {"quantize": {"method": "qat", "distill": {"epochs": 2}}},
        ],
    }


def search(recipe, out, budget=BUDGET, **options):
    return tinybert.compress({**recipe, "budget": budget}, out, **options)


def trials_of(out):
    folder = out / "search"
    storage = open_study("any", folder, None)._storage
    studies = [s for s in storage.get_all_studies() if s.study_name.isalnum()]
    return [finished(open_study(study.study_name, folder, None)) for study in studies]


@pytest.fixture(scope="module")
def searched(tmp_path_factory, recipe):
    return search(recipe, tmp_path_factory.mktemp("run") / "out")


def test_the_winner_keeps_the_budget_and_is_a_recipe_of_its_own(searched, recipe):
    report = searched.report
    budget, found = report["budget"], report["search"]
    assert budget["asked"] == {"size_mb": 0.2}
    assert budget["kept"] is True
    best = next(each for each in report["artifacts"] if each["path"] == report["best"])
    assert budget["got"]["size_mb"] == best["bytes_deployed"] / 1e6 <= 0.2
    assert found["trials"] == len(found["candidates"]) == 3
    assert any(each["frontier"] for each in found["candidates"])
    student = next(step["student"] for step in report["recipe"]["steps"] if "student" in step)
    chosen = {key: value for each in found["chosen"].values() for key, value in each.items()}
    assert {key: student[key] for key in ("layers", "hidden_size")}.items() <= chosen.items()
    assert report["recipe"]["budget"]["search"] is False
    page = (searched.out / "report.html").read_text(encoding="utf-8")
    assert "<h2>Search</h2>" in page
    assert "Budget kept by" in page
    model = tinybert.load(searched.out)
    assert len(model(["a good film", "an awful film"])) == 2


def test_what_was_expected_is_what_files_have(searched):
    for each in searched.report["search"]["candidates"]:
        assert each["size_mb"] <= 0.2


def test_a_second_run_does_nothing_again(searched, recipe, monkeypatch):
    monkeypatch.setattr(Trials, "_train", None)  # would fail
    before = (searched.out / "manifest.json").read_text()
    again = search(recipe, searched.out)
    assert again.report == searched.report
    assert (searched.out / "manifest.json").read_text() == before


def test_another_budget_trains_no_candidate_again(searched, recipe, monkeypatch):
    trained = []
    whole = Trials._train

    def train(self, recipe, reads, inputs):
        trained.append([inputs.key, *(step.config.model_dump() for step in recipe.steps)])
        return whole(self, recipe, reads, inputs)

    monkeypatch.setattr(Trials, "_train", train)
    search(recipe, searched.out, {**BUDGET, "size": "0.3MB"})
    keys = [json.dumps(each, sort_keys=True) for each in trained]
    assert len(keys) == len({*keys})
    results = [trial.user_attrs[OUTCOME] for study in trials_of(searched.out) for trial in study]
    assert len(results) == 6


def test_a_result_that_keeps_its_budget_stays(searched, recipe, caplog):
    before = (searched.out / "report.json").read_text()
    missed = search({**recipe, "steps": FIXED}, searched.out, {"size": "1kB", "search": False})
    assert missed.report["budget"]["kept"] is False
    assert "what is there stays" in caplog.text
    assert (searched.out / "report.json").read_text() == before
    assert tinybert.load(searched.out)("a good film")


def test_nothing_trains_where_nothing_fits(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(Trials, "_train", None)
    with pytest.raises(InputError, match=r"budget: nothing .* fits: 0\.001 MB are asked"):
        search(recipe, tmp_path / "out", {"size": "1kB"})
    assert not (tmp_path / "out").exists()


def test_reports_are_of_one_plan(recipe, tmp_path):
    told = []
    search(recipe, tmp_path / "out", {**BUDGET, "trials": 1}, progress=told.append)
    told = [each for each in told if each.plan]  # before, shapes are measured
    names = ("search", "student", "distill", "quantize", "export", "measure")
    assert {each.plan for each in told} == {names}
    places = [each.place for each in told]
    assert places == sorted(places)
    trials = [each for each in told if each.plan[each.place] == "search"]
    assert trials[-2].note.startswith("trial 0: positions 24 layers ")
    assert trials[-1].ended
    assert trials[-1].note.startswith("chosen: trial 0")
    assert [each.step for each in told if each.ended] == list(names)


def test_a_device_is_asked_instead_of_this_machine(recipe, tmp_path, monkeypatch):
    board = tmp_path / "board.json"
    board.write_text(json.dumps(invented(length=16)), encoding="utf-8")
    monkeypatch.setattr("tinybert.search.measured.bench", None)  # nothing is to be timed here
    device = {"latency": "40ms", "length": 16, "device": str(board)}
    found = search(recipe, tmp_path / "out", {**device, "trials": 1}).report
    budget = found["budget"]
    assert budget["at"]["device"] == str(board)
    got = budget["got"]
    assert got["latency_ms"] < got["latency_high"] <= 40
    assert budget["kept"] is True
    expected = found["search"]["candidates"][0]["latency_ms"]
    assert got["latency_ms"] == pytest.approx(expected, rel=0.01)
    with pytest.raises(InputError, match="measured with length 16, not 8"):
        search(recipe, tmp_path / "out", {**device, "length": 8})


@pytest.mark.parametrize("storage", ["nonsense", "nosuch://host/db", "sqlite+nosuch:///x.db"])
def test_a_storage_that_can_not_be_is_refused_before_anything(recipe, tmp_path, storage):
    with pytest.raises(InputError, match=r"budget.storage: .*no database of a search"):
        search(recipe, tmp_path / "out", {**BUDGET, "storage": storage})
    assert not (tmp_path / "out").exists()


def test_too_few_rows_are_refused_before_anything(recipe, searched_rows, tmp_path):
    few = tmp_path / "few.csv"
    lines = searched_rows[0].read_text().splitlines()[:61]
    few.write_text("\n".join(lines) + "\n")
    data = {**recipe["data"], "train": str(few)}
    with pytest.raises(InputError, match="too few to compare candidates on"):
        search({**recipe, "data": data}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_recipe_that_leaves_nothing_open_is_refused(recipe, tmp_path):
    with pytest.raises(InputError, match="leave nothing open"):
        search({**recipe, "steps": FIXED}, tmp_path / "out")
    kept = search({**recipe, "steps": FIXED}, tmp_path / "out", {"size": "9MB", "search": False})
    assert kept.report["budget"]["kept"] is True
    assert "search" not in kept.report


def test_the_smallest_that_keeps_a_drop(recipe, tmp_path):
    found = search(recipe, tmp_path / "out", {"drop": "60%", "trials": 4}).report
    sizes = [each["size_mb"] for each in found["search"]["candidates"]]
    assert len({*sizes}) > 1
    assert found["budget"]["kept"] in (True, "within noise")
    assert found["budget"]["got"]["size_mb"] < max(sizes)


SCRIPT = """
import json, sys
import tinybert
tinybert.compress(json.loads(sys.argv[1]), sys.argv[2])
"""


def start(recipe, out, budget):
    values = json.dumps({**recipe, "budget": budget})
    command = [sys.executable, "-c", SCRIPT, values, str(out)]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(5))
def test_a_search_that_was_killed_ends_as_if_it_had_not_been(searched, recipe, tmp_path, moment):
    out = tmp_path / "out"
    process = start(recipe, out, BUDGET)
    deadline = time.monotonic() + 300
    # Moments: at once, in the first trial, in the second, in the third, in the winner's training.
    while time.monotonic() < deadline and process.poll() is None:
        if (out / "search" / "study.db").exists():
            done = sum(len(study) for study in trials_of(out))
            if done >= min(moment, 3):
                break
        time.sleep(0.2)
    time.sleep(1.0 + moment)
    process.kill()
    process.wait()
    before = [trial.number for study in trials_of(out) for trial in study]
    result = search(recipe, out)
    after = [trial.number for study in trials_of(out) for trial in study]
    assert after[: len(before)] == before
    assert len(after) == 3
    assert result.report["search"]["chosen"] == searched.report["search"]["chosen"]


@pytest.mark.slow
def test_two_processes_share_a_database(recipe, tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    budget = {**BUDGET, "trials": 4, "storage": url}
    outs = [tmp_path / "one", tmp_path / "two"]
    processes = [start(recipe, out, budget) for out in outs]
    for process in processes:
        _, said = process.communicate(timeout=600)
        assert process.returncode == 0, said
    reports = [json.loads((out / "report.json").read_text()) for out in outs]
    settings = [
        json.dumps(each["settings"], sort_keys=True) for each in reports[0]["search"]["candidates"]
    ]
    assert len(settings) == len({*settings}) >= 4
    assert reports[0]["search"]["chosen"] == reports[1]["search"]["chosen"]
