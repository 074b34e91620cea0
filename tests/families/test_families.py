"""What holds for every family, on tiny models of random weights."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tiny_models import KINDS, tiny_model, tiny_model_dir, tiny_tokenizer
from tinybert.base.errors import InputError
from tinybert.distillation.config import DistillConfig
from tinybert.distillation.model import DistillationModel
from tinybert.distillation.signals import run
from tinybert.families import ROLES, family_of, require
from tinybert.formats.export import write_artifacts
from tinybert.formats.load import open_artifact
from tinybert.formats.open import load_student
from tinybert.modeling.blocks import blocks, home_of
from tinybert.modeling.load import load_tokenizer, save_model
from tinybert.modeling.observe import input_statistics, make_batches
from tinybert.modeling.parts import head_layers, tables_of_embeddings
from tinybert.modeling.shape import SHAPE_KEY, head_counts, neuron_counts
from tinybert.modeling.torch_model import load_torch
from tinybert.recipe.inputs import read_inputs
from tinybert.recipe.recipe import Recipe
from tinybert.steps.factorize.step import low_rank
from tinybert.steps.prune.gates import Gates, Group
from tinybert.steps.prune.importance import Magnitude
from tinybert.steps.prune.units import drop_layers, head_units, neuron_units
from tinybert.steps.student.build import build_student
from tinybert.steps.student.config import StudentConfig
from tinybert.steps.student.from_teacher import initialize_from_teacher


@pytest.mark.parametrize("form", ["pytorch", "onnx"])
def test_a_text_without_a_token_is_refused_by_its_number(form, tmp_path):
    """GPT-2's tokenizer adds none of its own, and there is nothing to answer from."""
    folder = tiny_model_dir("gpt2", tmp_path / "model")
    model = load_torch(folder)
    if form == "onnx":
        tokenizer = load_tokenizer(folder, 64)
        path = write_artifacts(model.module, tokenizer, tmp_path / "files", ["onnx"])["onnx"]
        model = open_artifact(path, threads=1)
    with pytest.raises(InputError, match="text 2 has no tokens"):
        model.outputs(["a film", ""])


def test_layers_that_no_step_can_open_are_refused_before_anything_runs(recipe, tmp_path):
    folder = tiny_model_dir("albert", tmp_path / "model", inner_group_num=2)
    steps = [{"student": {"init": "random", "layers": 1}}, {"distill": {"max_steps": 1}}]
    with pytest.raises(InputError, match=r"teacher: .*inner_group_num"):
        read_inputs(Recipe.from_mapping(recipe(teacher=str(folder), steps=steps)))


SAME = {"layers": 3, "hidden_size": 32, "attention_heads": 4, "intermediate_size": 64}
CHANGES = [
    {"layers": 2},
    {"hidden_size": 24},
    {"attention_heads": 2},
    {"intermediate_size": 40},
    {"layers": 2, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32},
]


def able(*capabilities):
    """The model types that can do it."""
    return [kind for kind in KINDS if family_of(kind).refuses.keys().isdisjoint(capabilities)]


@pytest.fixture(scope="module")
def batches(reviews):
    """Makes the reviews' batches for a model type."""
    texts = [row["sentence"] for row in reviews]
    device = torch.device("cpu")
    return lambda kind: make_batches(texts, tiny_tokenizer(kind), 32, device, batch_size=16)


@torch.no_grad()
def logits(model, batches):
    return torch.cat([model(**batch).logits for batch in batches])


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_of_a_layer_has_a_name(kind):
    model = tiny_model(kind)
    for block in blocks(model):
        named = {
            home_of(block.linear(role))
            for roles in ROLES.values()
            for role in roles
            if block.has(role)
        } | {block.norm, block.attention_norm}
        found = {
            part for part in block.module.modules() if isinstance(part, nn.Linear | nn.LayerNorm)
        }
        assert found <= named
    assert (head_counts(model), neuron_counts(model)) == ([4] * 3, [64] * 3)
    parts = {*tables_of_embeddings(model).values(), *head_layers(model)}
    assert parts <= {*model.modules(), None}


@pytest.mark.parametrize("kind", able("student"))
def test_a_student_of_its_teachers_shape_is_its_teacher(kind, batches):
    teacher, rows = tiny_model(kind), batches(kind)
    student = build_student(StudentConfig(**SAME), teacher)
    initialize_from_teacher(student, teacher, [1, 2, 3], rows)
    torch.testing.assert_close(logits(student, rows), logits(teacher, rows), atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", able("student"))
@pytest.mark.parametrize("change", CHANGES, ids="-".join)
def test_a_student_from_its_teacher_is_nearer_to_it_than_a_random_one(kind, change, batches):
    teacher, rows = tiny_model(kind), batches(kind)
    config = StudentConfig(**SAME | change)
    wanted = logits(teacher, rows)
    student = build_student(config, teacher)
    before = (logits(student, rows) - wanted).square().mean()
    mapping = [1, 2, 3] if config.layers == 3 else [2, 3]
    initialize_from_teacher(student, teacher, mapping, rows)
    assert (logits(student, rows) - wanted).square().mean() < 0.7 * before
    assert student.config.hidden_size == config.hidden_size
    assert head_counts(student) == [config.attention_heads] * config.layers


@pytest.mark.parametrize("units", [head_units, neuron_units])
@pytest.mark.parametrize("kind", able("prune"))
def test_a_pruned_model_equals_the_masked_one(kind, units, batches, tmp_path):
    if units is head_units and kind not in able("prune-heads"):
        pytest.skip("refused")
    model, rows = tiny_model(kind), batches(kind)
    group = Group(units(model), 0.5)
    with Gates(model, [group], Magnitude()) as gates:
        gates.learn(1.0)
        gates.prune_to(1.0)
        masked = logits(model, rows)
        kept = gates.open()
    for layer, mask in zip(gates.units, kept, strict=True):
        layer.shrink(mask)
    torch.testing.assert_close(logits(model, rows), masked, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(masked, logits(tiny_model(kind), rows), atol=1e-3)
    save_model(model, tiny_tokenizer(kind), tmp_path / "model")
    assert torch.equal(logits(load_student(tmp_path / "model"), rows), logits(model, rows))


@pytest.mark.parametrize("kind", able("factorize"))
def test_a_product_of_full_rank_equals_the_layer(kind, batches, tmp_path):
    model, rows = tiny_model(kind), batches(kind)
    before = logits(model, rows)
    layers = {
        name: part
        for block in blocks(model)
        for roles in ROLES.values()
        for name, part in block.linears(roles).items()
    }
    found = list(input_statistics(model, rows, layers))
    roles = [role for roles in ROLES.values() for role in roles]
    for block in blocks(model):
        for role in roles:
            if not block.has(role) or not isinstance(home_of(block.linear(role)), nn.Linear):
                continue
            old = home_of(block.linear(role))
            mean, covariance = next(rest for name, *rest in found if layers[name] is old)
            block.replace(role, low_rank(old, mean, covariance, min(old.weight.shape)))
    torch.testing.assert_close(logits(model, rows), before, atol=1e-3, rtol=1e-3)
    save_model(model, tiny_tokenizer(kind), tmp_path / "model")
    assert len(getattr(model.config, SHAPE_KEY)["ranks"]) == len(layers)
    assert torch.equal(logits(load_student(tmp_path / "model"), rows), logits(model, rows))


@pytest.mark.parametrize("kind", able("prune"))
def test_a_model_without_a_layer_comes_back_from_disk(kind, batches, tmp_path):
    model, rows = tiny_model(kind), batches(kind)
    before = logits(model, rows)
    drop_layers(model, {2})
    assert not torch.allclose(logits(model, rows), before, atol=1e-3)
    save_model(model, tiny_tokenizer(kind), tmp_path / "model")
    assert torch.equal(logits(load_student(tmp_path / "model"), rows), logits(model, rows))


@pytest.mark.parametrize("kind", KINDS)
def test_a_student_that_is_its_teacher_has_no_loss(kind, batches):
    model, row = tiny_model(kind), batches(kind)[-1]
    weights = {"prediction": 1.0, "hidden": 1.0, "embedding": 1.0}
    weights |= {name: 1.0 for name in ("attention", "relations") if kind in able(name)}
    settings = DistillConfig(**weights, relation_heads=4)
    layers = [(1, 1), (2, 2), (3, 3)]
    distillation = DistillationModel(copy.deepcopy(model), model, settings, layers)
    for name in distillation.projected():
        for index, _ in enumerate(distillation.terms[name].pairs):
            layer = distillation.terms[name].projection(index)
            nn.init.eye_(layer.weight)
            nn.init.zeros_(layer.bias)
    wanted = distillation.teacher_signals(weights)
    with torch.no_grad():
        losses = distillation(run(model, row, wanted)[1], **row)
        other = distillation(run(tiny_model(kind, seed=1), row, wanted)[1], **row)
    entropy = losses.pop("prediction")
    assert losses.pop("loss") == pytest.approx(float(entropy), abs=1e-4)
    for name, loss in losses.items():
        assert loss.abs() < 1e-5, name
        assert other[name] > 1e-3, name
    assert other["prediction"] > entropy


@pytest.mark.parametrize("kind", KINDS)
def test_signals_of_all_layers_differ(kind, batches):
    """Also where layers share their weights and run one after the other."""
    wanted = [(part, layer) for part in ("query", "hidden") for layer in (1, 2, 3)]
    signals = run(tiny_model(kind), batches(kind)[0], wanted)[1]
    for part in ("query", "hidden"):
        first, second, third = (signals[part, layer] for layer in (1, 2, 3))
        assert first.shape == second.shape == third.shape
        assert not torch.equal(first, second)
        assert not torch.equal(second, third)


@pytest.mark.parametrize("kind", KINDS)
def test_an_onnx_file_computes_what_the_model_does(kind, tmp_path, reviews):
    texts = ["", *(row["sentence"] for row in reviews[:7])]
    model = load_student(tiny_model_dir(kind, tmp_path / "model"))
    (path,) = write_artifacts(model, tiny_tokenizer(kind), tmp_path, ["onnx"]).values()
    artifact = open_artifact(path, threads=1)
    rows = make_batches(texts[1:], tiny_tokenizer(kind), 32, torch.device("cpu"), batch_size=1)
    by_length = sorted(texts[1:], key=len)
    ours = artifact.logits(by_length)  # padded to one length
    np.testing.assert_allclose(ours, logits(model, rows).numpy(), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_refused_has_a_reason(kind):
    family = family_of(kind)
    for capability, reason in family.refuses.items():
        with pytest.raises(InputError, match=f"{family.model_types[0]} model: ") as caught:
            require(family, capability)
        assert reason in str(caught.value)
