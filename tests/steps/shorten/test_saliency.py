import pytest
import torch

from tinybert.steps.shorten.saliency import fit_scores, saliency


def rows(seed, count=8, length=12):
    torch.manual_seed(seed)
    ids = torch.randint(5, 200, (count, length))
    mask = torch.arange(length) < torch.randint(3, length + 1, (count, 1))
    return {"input_ids": ids, "attention_mask": mask.long()}


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_it_is_what_the_squared_logits_lose_with_less_of_a_token(make_encoder, layer):
    model, batch, less = make_encoder("bert").double(), rows(0), 1e-6
    ((states, found, real),) = saliency(model, [batch], layer)
    module = model.bert.encoder.layer[layer - 1] if layer else model.bert.embeddings
    shrunk = []

    def shrink(_, __, output):
        return output * (1 - less * shrunk[0])[..., None]

    def squares(token):
        shrunk[:] = [torch.zeros(states.shape[1], dtype=torch.double).index_fill(0, token, 1.0)]
        with torch.no_grad():
            return model(**batch).logits.square().sum(1)

    whole = squares(torch.tensor([], dtype=torch.long))
    model.eval()
    handle = module.register_forward_hook(shrink)
    for token in range(states.shape[1]):
        lost = (whole - squares(torch.tensor([token]))).abs() / less
        torch.testing.assert_close(lost, found[:, token], atol=1e-5, rtol=1e-3)
    handle.remove()
    assert real.equal(batch["attention_mask"].bool())


def test_the_scores_are_a_least_squares_fit_within_rows(make_encoder):
    model = make_encoder("bert")
    batches = [rows(seed, length=length) for seed, length in ((0, 12), (1, 9))]
    given, wanted = [], []
    for states, found, real in saliency(model, batches, 1):
        for row, influence, kept in zip(states, found, real, strict=True):
            target = influence[kept].double().log()
            given.append(row[kept].double() - row[kept].double().mean(0))
            wanted.append(target - target.mean())
    given, wanted = torch.cat(given), torch.cat(wanted)
    ridge = 1e-3 * given.square().sum(0).mean()

    def error(weight):
        return (given @ weight - wanted).square().sum() + ridge * weight.square().sum()

    found = fit_scores(model, batches, 1).double().requires_grad_()
    error(found).backward()
    at_zero = (2 * given.T @ wanted).norm()
    assert found.grad.norm() < 1e-4 * at_zero
    assert error(found) < 0.9 * error(torch.zeros_like(found))


def test_padding_has_no_part_in_it(make_encoder):
    model, batch = make_encoder("bert"), rows(0)
    other = batch | {"input_ids": batch["input_ids"].where(batch["attention_mask"] == 1, 7)}
    torch.testing.assert_close(fit_scores(model, [batch], 0), fit_scores(model, [other], 0))


def test_the_model_is_as_it_was(make_encoder):
    model = make_encoder("bert")
    fit_scores(model, [rows(0)], 0)
    assert all(weight.requires_grad and weight.grad is None for weight in model.parameters())
    assert not model.bert.embeddings._forward_hooks


def test_rows_of_one_token_say_nothing(make_encoder):
    ids = torch.ones(3, 1, dtype=torch.long)
    row = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    assert not fit_scores(make_encoder("bert"), [row], 0).any()
