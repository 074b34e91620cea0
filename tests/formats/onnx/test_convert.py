import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from transformers import AutoTokenizer

from tinybert.formats.onnx.convert import convert


@pytest.fixture(scope="module")
def session_of(make_encoder, tiny_tokenizer_dir, tmp_path_factory):
    """Model type to the model and a stock ONNX Runtime session of its file."""
    made = {}

    def of(kind):
        if kind not in made:
            model = make_encoder(kind)
            tokenizer = AutoTokenizer.from_pretrained(tiny_tokenizer_dir)
            path = tmp_path_factory.mktemp(kind) / "model.onnx"
            convert(model, tokenizer, path)
            made[kind] = model, onnxruntime.InferenceSession(path), path
        return made[kind]

    return of


def features(batch, length, lengths=None):
    rng = np.random.default_rng(0)
    mask = np.ones((batch, length), dtype=np.int64)
    for row, valid in enumerate(lengths or []):
        mask[row, valid:] = 0
    return {
        "input_ids": rng.integers(5, 200, (batch, length)),
        "attention_mask": mask,
        "token_type_ids": np.tile(np.arange(length) % 2, (batch, 1)),
    }


def run(session, batch):
    return session.run(["logits"], {i.name: batch[i.name] for i in session.get_inputs()})[0]


@pytest.mark.parametrize("kind", ["bert", "distilbert", "electra", "roberta"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 33)])
def test_fp32_equals_pytorch_at_any_shape(session_of, kind, shape):
    model, session, _ = session_of(kind)
    batch = features(*shape, lengths=range(shape[1], shape[1] - shape[0], -1))
    if kind == "roberta":
        batch["token_type_ids"][:] = 0  # it has one type
    given = {i.name: torch.from_numpy(batch[i.name]) for i in session.get_inputs()}
    with torch.inference_mode():
        expected = model(**given).logits.numpy()
    np.testing.assert_allclose(run(session, batch), expected, atol=1e-4)


def test_padding_does_not_change_a_row(session_of):
    _, session, _ = session_of("bert")
    alone = features(1, 9)
    padded = {name: np.pad(values, ((0, 0), (0, 20))) for name, values in alone.items()}
    padded["input_ids"][:, 9:] = 7  # whatever is under the mask
    np.testing.assert_allclose(run(session, padded), run(session, alone), atol=1e-5)


def test_the_inputs_are_those_that_the_model_takes(session_of):
    for kind, names in {
        "bert": ["input_ids", "attention_mask", "token_type_ids"],
        "distilbert": ["input_ids", "attention_mask"],
    }.items():
        _, session, _ = session_of(kind)
        assert [node.name for node in session.get_inputs()] == names
        assert [node.shape for node in session.get_inputs()] == [["batch", "sequence"]] * len(names)
        assert session.get_outputs()[0].shape == ["batch", 3]


def test_the_graph_is_plain_onnx_without_notes(session_of):
    _, _, path = session_of("bert")
    proto = onnx.load(path)
    onnx.checker.check_model(proto)
    assert {node.domain for node in proto.graph.node} <= {"", "ai.onnx"}
    assert not proto.graph.value_info
    assert not any(node.metadata_props or node.doc_string for node in proto.graph.node)
