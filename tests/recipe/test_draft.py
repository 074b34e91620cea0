"""Recipes that are written for a model and rows: what they have, and that they can be run."""

import json
import random
import shutil

import pytest

from tiny_models import KINDS, WORDS, tiny_model, tiny_model_dir, tiny_tokenizer
from tinybert.base.errors import InputError
from tinybert.recipe.draft import draft_recipe
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe
from tinybert.tasks import get_task


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A file of 300 rows of each kind of task."""
    folder, dice = tmp_path_factory.mktemp("rows"), random.Random(0)

    def text(words=12):
        return [dice.choice(WORDS) for _ in range(dice.randint(3, words))]

    makers = {
        "text-classification": lambda: {
            "message": " ".join(text()),
            "verdict": dice.choice(["negative", "positive"]),
        },
        "text-regression": lambda: {"message": " ".join(text()), "value": dice.random()},
        "multi-label-classification": lambda: {
            "message": " ".join(text()),
            "topics": dice.sample(["a", "b", "c"], dice.randint(1, 3)),
        },
        "token-classification": lambda: {
            "tokens": (words := text()),
            "tags": ["B-X" if word == "film" else "O" for word in words],
        },
    }
    files = {}
    for kind, make in makers.items():
        files[kind] = folder / f"{kind}.jsonl"
        lines = [json.dumps(make()) + "\n" for _ in range(300)]
        files[kind].write_text("".join(lines), encoding="utf-8")
    return files


def names_of(recipe):
    return [next(iter(step)) for step in recipe["steps"]]


@pytest.mark.parametrize("task", ["text-classification", "token-classification"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_for_every_family_can_be_run(kind, task, rows, tmp_path):
    model = tiny_model_dir(kind, tmp_path / "model", task)
    draft = draft_recipe(str(model), str(rows[task]))
    inputs = read_inputs(Recipe.from_mapping(draft.recipe, ["data.max_length=32"]))
    assert len(inputs.eval) >= 20
    assert "finetune" not in names_of(draft.recipe)  # its head is one for these labels
    assert names_of(draft.recipe)[-1] == "quantize"


@pytest.mark.parametrize("task", ["text-classification", "token-classification", "text-regression"])
def test_a_model_for_something_else_is_fine_tuned_first(task, rows, tmp_path):
    model = tiny_model_dir("bert", tmp_path / "model", "multi-label-classification")
    draft = draft_recipe(str(model), str(rows[task]), task=task)
    assert names_of(draft.recipe)[0] == "finetune"
    assert f"finetune: the model has no head for {task}" in draft.notes
    read_inputs(Recipe.from_mapping(draft.recipe, ["data.max_length=32"]))


def test_a_bare_model_learns_what_the_labels_look_like(rows, tmp_path):
    bare = tmp_path / "bare"
    tiny_tokenizer("bert").save_pretrained(bare)
    tiny_model("bert").base_model.save_pretrained(bare)
    for kind, file in rows.items():
        draft = draft_recipe(str(bare), str(file), "20%")
        assert draft.recipe["task"] == {"kind": kind}
        assert draft.recipe["data"]["eval"] == "20%"
        assert get_task(kind).kind == kind
        read_inputs(Recipe.from_mapping(draft.recipe, ["data.max_length=32"]))


def test_a_large_model_gets_the_usual_student(rows, tmp_path):
    sizes = {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1500}
    model = tiny_model_dir("bert", tmp_path / "model", num_hidden_layers=6, **sizes)
    draft = draft_recipe(str(model), str(rows["text-classification"]))
    student = {"layers": 4, "hidden_size": 312, "intermediate_size": 1200, "attention_heads": 3}
    assert draft.recipe["steps"] == [
        {"student": student},
        {"distill": {}},
        {"quantize": {"method": "qat"}},
    ]


def test_rows_that_have_some_of_the_labels_keep_the_head(rows, tmp_path):
    names = ["positive", "neutral", "negative"]
    model = tiny_model_dir(
        *("bert", tmp_path / "model"),
        id2label=dict(enumerate(names)),
        label2id={name: at for at, name in enumerate(names)},
    )
    draft = draft_recipe(str(model), str(rows["text-classification"]))
    assert "finetune" not in names_of(draft.recipe)
    read_inputs(Recipe.from_mapping(draft.recipe, ["data.max_length=32"]))


def test_an_output_folder_is_its_student(rows, tiny_bert_dir, tmp_path):
    shutil.copytree(tiny_bert_dir, tmp_path / "out" / "student")
    draft = draft_recipe(str(tmp_path / "out"), str(rows["text-classification"]))
    assert draft.recipe["teacher"] == str(tmp_path / "out" / "student")
    assert any(note.startswith("model: ") for note in draft.notes)


def test_a_folder_in_conll_layout(tmp_path):
    bare = tmp_path / "bare"
    tiny_tokenizer("bert").save_pretrained(bare)
    tiny_model("bert").base_model.save_pretrained(bare)
    for name in ("train.txt", "valid.txt"):
        (tmp_path / name).write_text("EU B-ORG\nrejects O\n", encoding="utf-8")
    draft = draft_recipe(str(bare), str(tmp_path))
    assert draft.recipe["task"] == {"kind": "token-classification"}
    assert draft.recipe["data"]["eval"] is None


def test_questions_are_known_by_their_folder_and_by_their_columns(tmp_path):
    bare = tmp_path / "bare"
    tiny_tokenizer("bert").save_pretrained(bare)
    tiny_model("bert").base_model.save_pretrained(bare)
    answers = [{"text": "film", "answer_start": 2}]
    asked = [{"id": str(at), "question": f"what is {at}", "answers": answers} for at in range(4)]
    paragraphs = [{"context": f"a film {number}", "qas": asked} for number in range(100)]
    for name in ("train.json", "dev.json"):
        content = json.dumps({"data": [{"paragraphs": paragraphs}]})
        (tmp_path / name).write_text(content, encoding="utf-8")
    draft = draft_recipe(str(bare), str(tmp_path))
    assert draft.recipe["task"] == {"kind": "question-answering"}
    assert "text" not in draft.recipe["data"]
    read_inputs(Recipe.from_mapping(draft.recipe))
    # Of one file a tenth of the contexts is held out.
    draft = draft_recipe(str(bare), str(tmp_path / "train.json"))
    inputs = read_inputs(Recipe.from_mapping(draft.recipe))
    contexts = [{row["pair"] for row in rows.rows} for rows in (inputs.train, inputs.eval)]
    assert not contexts[0] & contexts[1]
    assert (len(inputs.train), len(inputs.eval)) == (360, 40)


def test_other_labels_mean_a_new_head(rows, tmp_path):
    model = tiny_model_dir("bert", tmp_path / "model", id2label={0: "x", 1: "y", 2: "z"})
    draft = draft_recipe(str(model), str(rows["text-classification"]))
    assert names_of(draft.recipe)[0] == "finetune"
    (note,) = (note for note in draft.notes if note.startswith("finetune"))
    assert "other labels" in note
    read_inputs(Recipe.from_mapping(draft.recipe, ["data.max_length=32"]))


def test_texts_without_labels_are_learned_from(rows, tmp_path):
    model = tiny_model_dir("bert", tmp_path / "model", "text-classification")
    corpus = tmp_path / "texts.txt"
    corpus.write_text("a film\na book\n", encoding="utf-8")
    train = str(rows["text-classification"])
    recipe = draft_recipe(str(model), train, unlabeled=[str(corpus)], budget={"size": "5MB"}).recipe
    names = names_of(recipe)
    assert recipe["data"]["unlabeled"] == [str(corpus)]
    assert names.index("add-texts") < names.index("student")
    # Without a budget nothing smaller is made of a model as tiny as this.
    with pytest.raises(InputError, match="--unlabeled: no student is made"):
        draft_recipe(str(model), train, unlabeled=[str(corpus)])


def test_texts_that_nothing_learns_from_are_refused(rows, tmp_path):
    model = tiny_model_dir("bert", tmp_path / "model", "token-classification")
    with pytest.raises(InputError, match="--unlabeled: token-classification does not learn"):
        draft_recipe(str(model), str(rows["token-classification"]), unlabeled=["texts.txt"])


def test_how_to_search_is_refused_where_nothing_can_be(rows, tmp_path):
    model = tiny_model_dir("albert", tmp_path / "model", "text-classification")
    budget = {"size": "5MB", "tune": True, "trials": 3}
    with pytest.raises(InputError, match="leave `tune` and `trials` out"):
        draft_recipe(str(model), str(rows["text-classification"]), budget=budget)
