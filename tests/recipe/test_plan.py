"""Impossible combinations of steps are refused before anything runs, with their line."""

import pytest

from tinybert.base.errors import InputError
from tinybert.families import family_of
from tinybert.modeling.expected_shape import ExpectedShape
from tinybert.recipe.plan import plan
from tinybert.recipe.recipe import Recipe

BERT = {
    "model_type": "bert",
    "num_hidden_layers": 6,
    "hidden_size": 384,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "max_position_embeddings": 512,
}
HALF = {"prune": {"heads": 0.5, "neurons": 0.5}}
SAME = {"layers": 6, "hidden_size": 384, "attention_heads": 12, "intermediate_size": 1536}


def check(steps, **config):
    values = {"teacher": "t", "task": "glue/sst-2", "steps": steps}
    plan(Recipe.from_mapping(values), BERT | config)


@pytest.mark.parametrize(
    "steps",
    [
        [{"student": {}}, "distill", {"factorize": {"rank": 128}}, "distill"],
        [HALF, "distill", {"student": {"attention_heads": 6, "intermediate_size": 768}}],
        [{"prune": {"heads": 0.5, "uniform": False}}, {"distill": {"attention": 1.0}}],
        [{"factorize": {"parts": ["attention"]}}, {"prune": {"neurons": 0.5}}],
        [{"prune": {"layers": [1, 6]}}, {"student": {"layers": 4}}],
        [{"prune": {"pattern": "2:4"}}, {"quantize": {"method": "static"}}],
        [{"prune": {"heads": 0.5, "of_layers": [1, 6]}}, {"distill": {"attention": 1.0}}],
        [{"shorten": {}}, {"distill": {"embedding": 1.0}}, {"prune": {"pattern": "2:4"}}],
        [{"shorten": {}}, {"factorize": {}}, {"distill": {"mapping": "nearest"}}],
        [{"prune": {"sparsity": 0.5}}, {"shorten": {}}, {"quantize": {}}],
        [{"student": {"init": "random"}}, "distill", {"shorten": {}}],
        [{"shorten": {}}, {"student": {"init": "random"}}, {"distill": {"hidden": 1.0}}],
        [
            {"prune": {"neurons": 0.5, "of_layers": [1]}},
            {"distill": {"relations": 1.0, "mapping": "last"}},
        ],
        [
            {"prune": {"neurons": 0.5, "of_layers": [1, 2, 3]}},
            {"prune": {"neurons": 0.5, "of_layers": [4, 5, 6]}},
            {"student": SAME | {"intermediate_size": 768}},
        ],
    ],
)
def test_these_go_together(steps):
    check(steps)


@pytest.mark.parametrize(
    ("steps", "says"),
    {
        "a rank that saves nothing": (
            [{"student": {}}, "distill", {"factorize": {"rank": 256}}],
            r"steps\.2\.factorize\.rank: 256 would make no matrix smaller.* rank of 248",
        ),
        "a table of low rank already": (
            [{"factorize": {"parts": ["embeddings"]}}, {"factorize": {"parts": ["embeddings"]}}],
            r"steps\.1\.factorize\.parts: embeddings are of low rank already",
        ),
        "low rank already": (
            [{"factorize": {"rank": 64}}, {"factorize": {"rank": 32}}],
            r"steps\.1\.factorize\.rank: ffn are of low rank already",
        ),
        "neurons of low-rank layers": (
            [{"factorize": {}}, {"prune": {"neurons": 0.5}}],
            r"steps\.1\.prune\.neurons: .*put `prune` before `factorize`",
        ),
        "counted layers of low rank": (
            [{"factorize": {"parts": ["attention"]}}, {"prune": {"layers": 2}}],
            r"steps\.1\.prune\.layers: .*put `prune` before `factorize`",
        ),
        "more neurons than pruning leaves": (
            [HALF, {"student": SAME}],
            r"steps\.1\.student\.intermediate_size: 1536 is more than the teacher's 768",
        ),
        "more heads than pruning leaves": (
            [{"prune": {"heads": 0.5}}, {"student": SAME}],
            r"steps\.1\.student\.attention_heads: 12 heads can't learn from a teacher's 6",
        ),
        "a pattern that divides no width": (
            [{"student": {}}, "distill", {"prune": {"pattern": "4:16"}}],
            r"steps\.2\.prune\.pattern: a width of 312 is no multiple of 16",
        ),
        "neurons of a layer that is not there": (
            [{"prune": {"layers": 1, "neurons": 0.5, "of_layers": [1, 6]}}],
            r"steps\.0\.prune\.of_layers: there is no layer 6; the model has 5",
        ),
        "no layer to compute less": (
            [{"student": {}}, {"shorten": {"layer": 4}}],
            r"steps\.1\.shorten\.layer: no layer comes after it; the model has 4",
        ),
        "layers that are not there, of some that are": (
            [{"prune": {"layers": [9], "neurons": 0.5, "of_layers": [1]}}],
            r"steps\.0\.prune\.layers: there is no layer 9; the model has 6",
        ),
        "more positions than the teacher has": (
            [{"student": {"positions": 600}}],
            r"steps\.0\.student\.positions: 600 are more than the 512 of the teacher",
        ),
        "too few positions": (
            [{"student": {"positions": 100}}],
            r"steps\.0\.student\.positions: 128 tokens are more than the 100 that the student",
        ),
        "too few positions for a corpus": (
            [{"student": {"positions": 128}}, {"general-distill": {"length": 256}}],
            r"steps\.1\.general-distill\.length: 256 tokens are more than the 128 that the stud",
        ),
        "2 bits after zeros": (
            [{"prune": {"sparsity": 0.5}}, {"quantize": {"method": "weight-only", "bits": 2}}],
            r"steps\.1\.quantize\.bits: 2 bits have no 0, and `prune` has set weights to it",
        ),
        "random answers to choose tokens by": (
            [{"student": {"init": "random"}}, {"shorten": {}}, "distill"],
            r"steps\.1\.shorten: chooses .* put it after `distill`",
        ),
        "no text to shorten": (
            [{"shorten": {"positions": 128}}],
            r"steps\.0\.shorten\.positions: nothing would be left out: texts have 128 tokens",
        ),
        "shortening twice": (
            [{"shorten": {}}, {"shorten": {"layer": 2}}],
            r"steps\.1\.shorten: layers compute some tokens only already",
        ),
        "tokens left out, to prune by": (
            [{"shorten": {}}, {"prune": {"heads": 0.5}}],
            r"steps\.1\.prune: can't work where .*: put it before `shorten`",
        ),
        "tokens left out, to compare": (
            [{"shorten": {}}, {"distill": {"hidden": 1.0}}],
            r"steps\.1\.distill\.hidden: can't compare tokens that `shorten` leaves out",
        ),
        "embeddings left out, to compare": (
            [{"shorten": {"layer": 0}}, {"distill": {"embedding": 1.0}}],
            r"steps\.1\.distill\.embedding: can't compare tokens that `shorten` leaves out",
        ),
        "training after zeros": (
            [{"prune": {"sparsity": 0.5}}, {"quantize": {"method": "qat"}}],
            r"steps\.1\.quantize: would fill the weights",
        ),
    }.values(),
)
def test_these_are_refused(steps, says):
    with pytest.raises(InputError, match=says):
        check(steps)


@pytest.mark.parametrize("step", [{"factorize": {}}, HALF, {"quantize": {"method": "qat"}}])
def test_another_family(step):
    deberta = {"model_type": "deberta", "hidden_size": 8}
    with pytest.raises(
        InputError, match="teacher: models of the type deberta are not supported here"
    ):
        plan(Recipe.from_mapping({"teacher": "t", "task": "glue/sst-2", "steps": [step]}), deberta)


@pytest.mark.parametrize(
    ("kind", "step", "says"),
    [
        (
            "albert",
            {"student": {}},
            r"student\.init: not possible with an albert model",
        ),
        ("albert", {"prune": {"neurons": 0.5}}, r"prune\.neurons: .* what goes from one goes from"),
        ("mpnet", {"prune": {"heads": 0.5}}, r"prune\.heads: .* one table of relative positions"),
        (
            "modernbert",
            {"distill": {"attention": 1}},
            r"distill\.attention: .* turned by their",
        ),
        ("gpt2", {"shorten": {}}, r"shorten\.layer: .* reads the last token"),
        ("albert", {"factorize": {}}, r"factorize\.parts: .* share their weights"),
    ],
)
def test_what_a_family_cannot_do_is_refused_at_its_key(kind, step, says):
    sizes = {"n_layer": 6, "n_embd": 384, "n_head": 12, "n_inner": None}
    with pytest.raises(InputError, match=says):
        check([{"student": {}}, step] if "distill" in step else [step], model_type=kind, **sizes)


@pytest.mark.parametrize(
    "kind", ["roberta", "electra", "albert", "mpnet", "modernbert", "distilbert", "gpt2"]
)
def test_sizes_are_read_by_their_familys_names(kind):
    names = family_of(kind).sizes.names
    sizes = {"layers": 4, "hidden_size": 64, "attention_heads": 8, "intermediate_size": 256}
    config = {theirs: sizes[ours] for ours, theirs in names.items()}
    if kind == "gpt2":
        config["n_inner"] = None  # four for each dimension
    shape = ExpectedShape.of({"model_type": kind, **config})
    assert (shape.layers, shape.hidden_size, shape.heads, shape.neurons) == (4, 64, 8, 256)


def test_a_teacher_that_was_pruned_before():
    noted = {"attention_heads": [6] * 6, "ranks": {"encoder.layer.0.output.dense": 64}}
    shape = ExpectedShape.of(BERT | {"tinybert_shape": noted})
    assert (shape.heads, shape.attention_width, shape.low_rank) == (6, 192, {"ffn"})
    with pytest.raises(InputError, match="12 heads can't learn from a teacher's 6"):
        check([{"student": {}}], tinybert_shape=noted)


def test_a_teacher_that_selects():
    noted = {"selection": {"layer": 1, "positions": 32}}
    check([{"student": {"init": "random"}}, "distill"], tinybert_shape=noted)
    with pytest.raises(InputError, match=r"steps\.0\.student: .* take another teacher"):
        check([{"student": {}}], tinybert_shape=noted)


def test_a_rank_that_saves_nothing_of_the_table():
    """3000 x 312: a product of rank 283 has as many parameters."""
    steps = ["student", "distill", {"factorize": {"rank": 283, "parts": ["embeddings"]}}]
    says = r"steps\.2\.factorize\.rank: 283 would make no matrix smaller.* rank of 283"
    with pytest.raises(InputError, match=says):
        check(steps, vocab_size=3000)
    steps[-1] = {"factorize": {"rank": 282, "parts": ["embeddings"]}}
    check(steps, vocab_size=3000)
    check([*steps[:-1], {"trim-vocabulary": {"size": 900}}, steps[-1]], vocab_size=3000)
