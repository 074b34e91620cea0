import copy

import pytest

from tinybert.base.errors import InputError
from tinybert.recipe.recipe import Recipe
from tinybert.steps.registry import STEPS

GOOD = """\
teacher: bert            # 1
task: glue/sst-2
data:
  train: SST-2           # 4
seed: 3
steps:
  - finetune: {epochs: 2}   # 7
  - student:
      layers: 2          # 9
      init: random
  - distill
  - distill: {epochs: 1, mapping: [1, 2]}   # 12
  - quantize: {}
export: [onnx]           # 14
"""


@pytest.fixture
def read(tmp_path):
    """Reads a recipe from text with overrides."""

    def run(text=GOOD, *overrides):
        path = tmp_path / "recipe.yaml"
        path.write_text(text, encoding="utf-8")
        return Recipe.read(path, overrides)

    return run


def test_a_good_recipe(read):
    recipe = read()
    assert [step.name for step in recipe.steps] == [
        "finetune",
        "student",
        "distill",
        "distill",
        "quantize",
    ]
    assert recipe.steps[0].config.epochs == 2
    assert recipe.steps[1].config.layers == 2
    assert recipe.steps[3].config.mapping == [1, 2]
    assert recipe.seed == 3
    assert recipe.data.eval is None


def test_the_resolved_recipe_is_the_recipe(read, tmp_path):
    recipe = read()
    assert Recipe.from_mapping(recipe.resolved()) == recipe
    assert read(recipe.to_yaml()) == recipe


def test_the_resolved_recipe_has_every_default(read):
    resolved = read().resolved()
    assert resolved["data"]["max_length"] == 128
    for step in resolved["steps"]:
        ((name, settings),) = step.items()
        assert set(settings) == set(STEPS[name].model_fields)


@pytest.mark.parametrize("kind", STEPS.values(), ids=STEPS)
def test_every_setting_has_a_default_and_a_description(kind):
    for name, field in kind.model_fields.items():
        assert not field.is_required(), name
        assert field.description, name


# old text, new text, the line and what else the error says
FAULTS = {
    "unknown key": ("teacher:", "techer:", ":1: techer: unknown key; did you mean 'teacher'?"),
    "unknown key of data": ("  train:", "  tran:", ":4: data.tran: unknown key; did you mean"),
    "unknown key with nothing near": ("seed:", "zzz:", ":5: zzz: unknown key; known: teacher"),
    "unknown setting": ("epochs: 2", "epoch: 2", ":7: steps.0.finetune.epoch: unknown key; did"),
    "unknown step": ("- quantize", "- quantise", ":13: steps.4.quantise: unknown step; did you"),
    "wrong type": ("layers: 2", "layers: two", ":9: steps.1.student.layers: "),
    "a number in quotes": ("seed: 3", "seed: '3'", ":5: seed: "),
    "a fraction of a layer": ("layers: 2", "layers: 2.5", ":9: steps.1.student.layers: "),
    "a truth as a number": ("seed: 3", "seed: true", ":5: seed: "),
    "a mapping of the wrong type": ("[1, 2]}", "first}", ":12: steps.3.distill.mapping"),
    "a mapping of texts": ("[1, 2]}", "[a, b]}", ":12: steps.3.distill.mapping"),
    "a text in a list": ("[1, 2]}", "[1, b]}", ":12: steps.3.distill.mapping.1: input should be"),
    "a range left": ("epochs: 2", "epochs: 0", ":7: steps.0.finetune.epochs: "),
    "an infinite number": ("epochs: 2", "epochs: .inf", ":7: steps.0.finetune.epochs: "),
    "heads that don't divide": ("layers: 2", "attention_heads: 5", ":8: steps.1.student: hidden"),
    "data that is no mapping": ("data:\n  train: SST-2", "data: SST-2\n#", ":3: data: "),
    "an empty export": ("[onnx]", "[]", ":14: export: "),
    "an export of the wrong type": ("[onnx]", "onnx", ":14: export: "),
    "distill too early": (
        "  - finetune:",
        "  - distill:",
        ":7: steps.0.distill: needs a",
    ),
    "quantize too early": ("  - distill\n", "  - quantize\n", ":12: steps.3.distill: can't follow"),
}


@pytest.mark.parametrize(("old", "new", "says"), FAULTS.values(), ids=FAULTS)
def test_faults_are_named_with_their_line(read, tmp_path, old, new, says):
    assert GOOD.count(old) == 1
    with pytest.raises(InputError) as raised:
        read(GOOD.replace(old, new))
    assert str(raised.value).startswith(f"{tmp_path / 'recipe.yaml'}{says}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("key", ["teacher", "task"])
def test_what_must_be_there(read, key):
    lines = [line for line in GOOD.splitlines() if not line.startswith(key)]
    with pytest.raises(InputError, match=f"{key}: is missing; it is: "):
        read("\n".join(lines))


def test_no_steps_are_a_recipe(read):
    """Export and measure alone."""
    recipe = read("teacher: t\ntask: glue/sst-2\n")
    assert recipe.steps == ()
    assert recipe.data.train is None


def test_empty_sections_have_their_defaults(read):
    assert read("teacher: t\ntask: x\ndata:\nsteps:\nexport:\n").export == ("onnx",)


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("seed=7", "seed", 7),
        ("data.max_length=64", "data.max_length", 64),
        ("data.eval=a=b.tsv", "data.eval", "a=b.tsv"),
        ("data.text=[a, b]", "data.text", ["a", "b"]),
        ("steps.0.finetune.epochs=1.5", "steps.0.finetune.epochs", 1.5),
        ("steps.student.layers=3", "steps.1.student.layers", 3),
        ("steps.distill.epochs=4", "steps.2.distill.epochs", 4),
        ("steps.distill.epochs=4", "steps.3.distill.epochs", 4),
        ("steps.3.distill.mapping=uniform", "steps.3.distill.mapping", "uniform"),
        ("export.0=onnx", "export.0", "onnx"),
    ],
)
def test_overrides(read, override, path, value):
    found = read(GOOD, override).resolved()
    for key in path.split("."):
        found = found[int(key) if key.isdigit() else key]
    assert found == value


def test_the_last_override_holds(read):
    assert read(GOOD, "seed=1", "seed=2").seed == 2


def test_a_fault_of_an_override_names_the_override(read):
    with pytest.raises(InputError, match=r"^--set seed=x: seed: .*, got 'x'$"):
        read(GOOD, "seed=x")


def test_overrides_leave_the_callers_mapping_alone(read):
    values = read().resolved()
    before = copy.deepcopy(values)
    Recipe.from_mapping(values, ["data.max_length=64", "steps.distill.epochs=9"])
    assert values == before


def test_faults_of_a_mapping_name_the_key():
    with pytest.raises(InputError, match=r"^recipe: steps\.0\.finetune\.epochs: "):
        Recipe.from_mapping({"teacher": "t", "task": "x", "steps": [{"finetune": {"epochs": "x"}}]})


@pytest.mark.parametrize("key", ["[UNK]", "int", "a" * 5000, "a\nb"])
def test_an_unknown_key_that_looks_like_a_type_or_is_long(key):
    with pytest.raises(InputError, match="unknown key") as refused:
        Recipe.from_mapping({"teacher": "t", "task": "glue/sst-2", key: 1})
    assert len(str(refused.value)) < 600
    assert len(str(refused.value).splitlines()) == 1


LONG = {"text": "x" * 10**6, "lists": [["x"] * 1000] * 1000, "digits": 10**5000}


@pytest.mark.parametrize("value", LONG.values(), ids=LONG)
def test_a_long_value_is_quoted_short(value):
    with pytest.raises(InputError, match=r"^recipe: seed: ") as refused:
        Recipe.from_mapping({"teacher": "t", "task": "glue/sst-2", "seed": value})
    assert len(str(refused.value)) < 600


def test_what_changes_nothing_is_not_shown(read):
    recipe = read()
    shown = recipe.effective()
    # Also what is given: no layers are compared, so that a mapping of them says nothing.
    plain = read(GOOD, "steps.3.distill.mapping=uniform")
    assert Recipe.from_mapping(shown).resolved() == plain.resolved()
    distill = next(step["distill"] for step in shown["steps"] if "distill" in step)
    assert {"hidden_loss", "relation_heads"}.isdisjoint(distill)
    assert {"temperature", "epochs"} <= {*distill}
    weighted = read(GOOD, "steps.3.distill.relations=1").effective()
    assert "relation_heads" in str(weighted)
