import torch

from tinybert.distillation.signals import LOGITS, attention_scores, run
from tinybert.modeling.observe import make_batches


def test_signals_are_what_the_model_computes(teacher, tiny_context):
    context = tiny_context()
    batch = make_batches(context.train.texts, context.tokenizer, 32, torch.device("cpu"))[0]
    wanted = [LOGITS, ("hidden", 0), ("hidden", 2), ("query", 1), ("key", 1)]
    with torch.no_grad():
        _, signals = run(teacher, batch, wanted)
        teacher.set_attn_implementation("eager")
        expected = teacher(**batch, output_hidden_states=True, output_attentions=True)
    assert set(signals) == set(wanted)
    near = {"atol": 1e-4, "rtol": 1e-4}  # fused attention adds up in another order
    torch.testing.assert_close(signals[LOGITS], expected.logits, **near)
    real = batch["attention_mask"].bool()
    for layer in (0, 2):
        ours, theirs = signals["hidden", layer][real], expected.hidden_states[layer][real]
        torch.testing.assert_close(ours, theirs, **near)
    scores = attention_scores(signals["query", 1], signals["key", 1], heads=4)
    padded = batch["attention_mask"][:, None, None, :] == 0
    maps = scores.masked_fill(padded, -1e30).softmax(-1)
    torch.testing.assert_close(maps, expected.attentions[0], **near)


def test_no_hook_stays_behind(teacher, tiny_context):
    context = tiny_context()
    batch = make_batches(context.train.texts, context.tokenizer, 32, torch.device("cpu"))[0]
    run(teacher, batch, [("value", 2)])
    assert not any(module._forward_hooks for module in teacher.modules())
