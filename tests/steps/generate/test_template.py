import torch


def ids(tokenizer, *rows):
    return torch.tensor([tokenizer.convert_tokens_to_ids(row.split()) for row in rows])


def test_one_text(tokenizer, template):
    form = template(3)
    assert len(form) == 3
    assert form.free.tolist() == [False, True, True, True, False]
    assert form.first.tolist() == [True, False, False]
    tokens = ids(tokenizer, "a good film", "the story ##s")
    assert form.texts(tokens) == ["a good film", "the storys"]
    inputs = form.fill(tokens)
    assert inputs.keys() == {"input_ids", "attention_mask", "token_type_ids"}
    expected = tokenizer(["a good film", "the storys"], return_tensors="pt")
    assert all(torch.equal(inputs[name], expected[name]) for name in inputs)


def test_a_pair(tokenizer, template):
    form = template(2, 1)
    assert form.segments.tolist() == [0, 0, 1]
    assert form.first.tolist() == [True, False, True]
    tokens = ids(tokenizer, "a man sat")
    assert form.texts(tokens) == [("a man", "sat")]
    expected = tokenizer(["a man"], ["sat"], return_tensors="pt")
    inputs = form.fill(tokens)
    assert all(torch.equal(inputs[name], expected[name]) for name in inputs)


def test_filling_leaves_the_template_as_it_is(tokenizer, template):
    form = template(1)
    form.fill(ids(tokenizer, "good"))
    assert form.fill(ids(tokenizer, "bad"))["input_ids"][0, 1] == ids(tokenizer, "bad")[0, 0]
