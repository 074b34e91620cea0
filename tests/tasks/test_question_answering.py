"""Questions: rows, windows, what is learned at which token, and the best span of all windows."""

import itertools
import json
import math
import random

import numpy as np
import pytest

from tiny_models import BYTE_LEVEL, KINDS, WORDS, tiny_tokenizer
from tinybert.base.errors import InputError
from tinybert.data import Table
from tinybert.measure.evaluate import score
from tinybert.measure.guess import constant_guess
from tinybert.runtime.text import TextEncoder
from tinybert.tasks import get_task, task_from_config
from tinybert.tasks.answer_metrics import answer_scores
from tinybert.tasks.answer_rows import Answers
from tinybert.tasks.answer_spans import NO_PLACE, SPANS, best_spans, log_probabilities
from tinybert.tasks.outputs import Outputs
from tinybert.tasks.question_answering import QuestionAnswering
from tinybert.tasks.question_inputs import END, START

ROME = "In Rome, the capital of Italy."


def table_of(*answers, contexts=None):
    contexts = contexts or [ROME] * len(answers)
    questions = ["where was it"] * len(answers)
    columns = {"question": questions, "context": contexts, "answers": [*answers]}
    return Table(columns, "rows.jsonl")


def hub(*pairs):
    return {"text": [text for text, _ in pairs], "answer_start": [start for _, start in pairs]}


def squad(*pairs):
    return [{"text": text, "answer_start": start} for text, start in pairs]


@pytest.mark.parametrize("form", [hub, squad])
def test_rows_and_answers(form):
    table = table_of(form(("Rome", 3), ("the capital", 9)), form())
    task = QuestionAnswering().fit(table)
    assert task.may_be_none
    found = task.examples(table)
    assert found.rows[0] == {"text": "where was it", "pair": ROME}
    assert found.texts[0] == ("where was it", ROME)
    assert found.labels.tolist() == [
        Answers(ROME, ("Rome", "the capital"), (3, 9)),
        Answers(ROME, (), ()),
    ]
    assert not QuestionAnswering().fit(table_of(form(("Rome", 3)))).may_be_none
    json.dumps([list(found.rows), found.labels.tolist()])  # as they are hashed


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (hub(("Rome", 4)), r"row 1: answer 'Rome' is not at its start, 4: 'ome,' is.*3"),
        (hub(("Paris", 0)), "row 1: answer 'Paris' is not .*context does not have it"),
        (hub(("Rome", 300)), "row 1: answer 'Rome' would be at characters 300 to 304, outside"),
        (hub(("Rome", -1)), "row 1: .* outside the context"),
        (hub(("Rome", "3")), "row 1: the start of answer 'Rome' is '3', no whole number"),
        (hub(("Rome", True)), "no whole number"),
        (hub(("Rome", 3.0)), "no whole number"),
        (hub((" ", 2)), "row 1: an answer's text is ' ', no text"),
        (hub((3, 3)), "row 1: an answer's text is 3, no text"),
        ({"text": ["Rome"]}, "row 1: 'answers' is .*expected"),
        ({"text": ["Rome"], "answer_start": []}, "row 1: 'answers' has 1 texts and 0 starts"),
        ([{"text": "Rome"}], "row 1: an answer has no 'answer_start'"),
        ("Rome", "row 1: 'answers' is 'Rome'; expected .*no answer"),
        (None, "row 1: 'answers' is missing; expected"),
    ],
)
def test_answers_that_can_not_be_are_refused(answers, message):
    with pytest.raises(InputError, match=message) as raised:
        QuestionAnswering().examples(table_of(answers))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"question": ["q"], "answers": [hub()]}, "no column 'context'"),
        ({"question": ["q"], "context": ["c"]}, "no column 'answers'"),
        ({"question": [" "], "context": ["c"], "answers": [hub()]}, "row 1: 'question' is empty"),
        ({"question": ["q"], "context": [3], "answers": [hub()]}, "row 1: 'context' is not text"),
        ({"question": ["q"], "context": ["a\0b"], "answers": [hub()]}, "row 1: .*NUL"),
        ({"question": ["q"], "context": ["\ud800"], "answers": [hub()]}, "not valid Unicode"),
    ],
)
def test_rows_that_can_not_be_are_refused(columns, message):
    with pytest.raises(InputError, match=message):
        QuestionAnswering().examples(Table(columns, "rows.jsonl"))


def test_a_model_that_always_answers_is_told_of_rows_without_an_answer(caplog):
    table = table_of(hub(("Rome", 3)), hub())
    for task in (QuestionAnswering().fit(table), QuestionAnswering(threshold=0.0)):
        task.examples(table)
    assert not caplog.text
    QuestionAnswering().examples(table)
    assert "1 of 2 rows have no answer, and a model that learned from none such" in caplog.text


def test_rows_none_of_which_has_an_answer_teach_nothing():
    with pytest.raises(InputError, match="no row has an answer"):
        QuestionAnswering().fit(table_of(hub(), hub()))


def test_what_users_give():
    task = QuestionAnswering()
    wanted = {"text": "q", "pair": "c"}
    given = [{"question": "q", "context": "c", "id": "1"}, ("q", "c"), {"text": "q", "pair": "c"}]
    assert [task.as_row(each) for each in given] == [wanted] * 3
    with pytest.raises(InputError, match=r'expected \{"question"'):
        task.as_row({"question": "q"})


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("threshold", "best", "threshold: expected a number"),
        ("threshold", True, "threshold: expected a number"),
        ("threshold", math.nan, "threshold: expected a number"),
        ("longest_answer", 0, "longest_answer: expected"),
        ("longest_answer", 2.5, "longest_answer: expected"),
        ("text", "question", "expected two columns"),
        ("metrics", "accuracy", "no metric 'accuracy'"),
    ],
)
def test_bad_options_are_refused(option, value, message):
    with pytest.raises(InputError, match=message):
        get_task({"kind": "question-answering", option: value})


ENCODERS = {kind: tiny_tokenizer(kind).backend_tokenizer for kind in KINDS if kind != "gpt2"}


def encode(kind, rows, max_length):
    task = QuestionAnswering()
    encoder = TextEncoder(ENCODERS[kind], max_length=max_length)
    encoder.keep_windows(task.overlap(max_length), of_second=True)
    return task.inputs(rows, encoder.encode([(row["text"], row["pair"]) for row in rows]))


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("max_length", [16, 24, 80])
def test_each_token_of_a_context_is_in_a_window(kind, max_length):
    dice = random.Random(0)
    rows = [
        {"text": "was it a film", "pair": " ".join(dice.choices(WORDS, k=dice.randint(1, 60)))}
        for _ in range(10)
    ]
    inputs = encode(kind, rows, max_length)
    spans, begin = inputs.beside[SPANS], 0
    for row, end in zip(rows, inputs.ends, strict=True):
        own = spans[begin:end]
        seen = {at for low, high in own[own[:, 0] >= 0].tolist() for at in range(low, high)}
        assert seen == {at for at, each in enumerate(row["pair"]) if not each.isspace()}
        assert own[0].tolist() == list(NO_PLACE)
        begin = end
    for window, place in zip(inputs.encodings, inputs.places, strict=True):
        assert len(window) <= max_length
        assert place.tokens[0] == 0
        assert all(window.sequence_ids[token] == 1 for token in place.tokens[1:])
        questions = [at for at, sequence in enumerate(window.sequence_ids) if sequence == 0]
        alone = ENCODERS[kind].encode("was it a film", add_special_tokens=False)
        assert len(questions) == len(alone)


@pytest.mark.parametrize("kind", ENCODERS)
def test_an_answer_is_learned_in_each_window_that_shows_it(kind):
    dice = random.Random(1)
    task = QuestionAnswering()
    rows, labels = [], []
    for _ in range(20):
        words = dice.choices(WORDS, k=dice.randint(5, 40))
        first = dice.randrange(len(words))
        context, answer = " ".join(words), " ".join(words[first : first + 2])
        rows.append({"text": "was it", "pair": context})
        start = len(" ".join([*words[:first], ""]))
        labels.append(Answers(context, (answer,), (start,)))
    labels[3] = Answers(labels[3].context, (), ())
    right = np.empty(len(labels), object)
    right[:] = labels
    inputs = encode(kind, rows, 40 if kind in BYTE_LEVEL else 24)
    targets = task.targets(inputs, right)
    outputs = inputs.gather(
        [
            (
                [number],
                {"logits": _logits(len(window), places, targets)},
            )
            for number, (window, places) in enumerate(
                zip(inputs.encodings, inputs.places, strict=True)
            )
        ]
    )
    said = [each["answer"] for each in task.predictions(rows, outputs)]
    wanted = [each.texts[0] if each.texts else None for each in labels]
    shown = [one for one, other in zip(said, wanted, strict=True) if other is not None]
    assert shown == [each for each in wanted if each is not None]
    assert task.score(outputs, right)["exact_match"] == 19 / 20
    sure = QuestionAnswering(threshold=0.0)
    assert sure.predictions(rows, outputs)[3]["answer"] == ""
    assert sure.score(outputs, right) == {"f1": 1, "exact_match": 1}


def _logits(length, places, targets):
    """A model's that has learned everything: 9 where it should say so."""
    logits = np.zeros((1, length, 2), np.float32)
    for at, mark in enumerate((START, END)):
        logits[0, places.tokens, at] = 9 * ((targets[places.positions] & mark) > 0)
    return logits


def test_a_window_without_the_answer_says_none():
    words = [f"film{number % 10}" for number in range(60)]
    context = " ".join([*words, "man"])
    labels = np.empty(1, object)
    labels[0] = Answers(context, ("man",), (len(context) - 3,))
    inputs = encode("bert", [{"text": "who", "pair": context}], 24)
    targets = QuestionAnswering().targets(inputs, labels)
    said = [targets[places.positions].tolist() for places in inputs.places]
    assert len(said) > 3
    assert [each[0] for each in said] == [START + END] * (len(said) - 1) + [0]
    assert said[-1][-1] == START + END  # of one token


def test_an_answer_that_no_window_shows_is_told(caplog):
    context = " ".join(["film"] * 60)
    labels = np.empty(1, object)
    labels[0] = Answers(context, (context,), (0,))
    inputs = encode("bert", [{"text": "who", "pair": context}], 24)
    targets = QuestionAnswering().targets(inputs, labels)
    assert set(targets.tolist()) == {0, START + END}
    assert "1 of 1 answers are longer than what neighbouring windows share" in caplog.text


def test_a_question_that_leaves_no_room_is_refused():
    rows = [{"text": "a", "pair": "b"}, {"text": "film " * 30, "pair": "man " * 30}]
    with pytest.raises(InputError, match=r"text 2: 'film film.* has 30 tokens, and of the 24 that"):
        encode("bert", rows, 24)


def brute_force(logits, spans, ends, longest):
    """The n-best way of run_qa.py, with n as large as there are tokens."""
    begin = 0
    for end in ends:
        found, none = [], math.inf
        firsts = [at for at in range(begin, end) if spans[at][0] < 0] + [end]
        for low, high in itertools.pairwise(firsts):
            none = min(none, logits[low].sum())
            for one in range(low + 1, high):
                for other in range(one, min(one + longest, high)):
                    score = logits[one, 0] + logits[other, 1]
                    found.append((score, (spans[one][0], spans[other][1])))
        best = max(found, key=lambda each: each[0]) if found else (-math.inf, (0, 0))
        total = math.log(sum(math.exp(each) for each, _ in found)) if found else -math.inf
        yield best[1], best[0], none, total
        begin = end


@pytest.mark.parametrize("longest", [1, 3, 30])
def test_the_best_span_of_all_windows(longest):
    dice, numbers = random.Random(longest), np.random.default_rng(longest)
    spans, ends = [], []
    for row in range(30):
        for _ in range(dice.randint(1, 3)):
            spans.append(NO_PLACE)
            spans += [(2 * at, 2 * at + 1) for at in range(0 if row == 4 else dice.randint(0, 9))]
        ends.append(len(spans))
    logits = numbers.normal(size=(len(spans), 2)).astype(np.float32)
    outputs = Outputs({"logits": logits, SPANS: np.array(spans)}, np.array(ends))
    found = best_spans(outputs, longest)
    wanted = [*brute_force(logits.astype(np.float64), spans, ends, longest)]
    assert found.bounds.tolist() == [[*bounds] for bounds, *_ in wanted]
    np.testing.assert_allclose(found.score, [each[1] for each in wanted])
    np.testing.assert_allclose(found.none, [each[2] for each in wanted])
    np.testing.assert_allclose(found.total, [each[3] for each in wanted])


def outputs_of(*rows):
    """Of rows of one window: the scores of no answer, and of a span."""
    logits = [pair for none, span in rows for pair in ((none, 0.0), (span, 0.0))]
    spans = [bounds for _ in rows for bounds in (NO_PLACE, (3, 7))]
    ends = 2 * np.arange(1, 1 + len(rows))
    return Outputs({"logits": np.array(logits, np.float32), SPANS: np.array(spans)}, ends)


def test_there_may_be_no_answer():
    outputs = outputs_of((2.0, 1.0), (0.0, 1.0))
    rows = [{"text": "where", "pair": ROME}] * 2
    always = QuestionAnswering()
    assert [each["answer"] for each in always.predictions(rows, outputs)] == ["Rome", "Rome"]
    assert always.predictions(rows, outputs)[0]["score"] == pytest.approx(1.0)
    task = QuestionAnswering(may_be_none=True)
    none, rome = task.predictions(rows, outputs)
    assert (none["answer"], none["start"], none["end"]) == ("", 0, 0)
    assert none["score"] == pytest.approx(math.exp(2) / (math.exp(2) + math.exp(1)))
    assert (rome["answer"], rome["start"], rome["end"]) == ("Rome", 3, 7)
    assert rome["score"] == pytest.approx(math.exp(1) / (math.exp(1) + 1))
    assert QuestionAnswering(threshold=1.5).predictions(rows, outputs)[0]["answer"] == "Rome"
    assert [task.line(each) for each in (none, rome)] == ["-\t0.7311", "Rome\t0.7311"]
    assert task.cells(rome, 2) == [{"row": 2, **rome}]


@pytest.mark.parametrize("metrics", [("f1", "exact_match"), ("exact_match",)])
def test_the_threshold_is_the_best_of_all(metrics):
    numbers = np.random.default_rng(0)
    for count in (1, 2, 40):
        rows = [(float(none), float(span)) for none, span in numbers.normal(size=(count, 2))]
        outputs = outputs_of(*rows)
        labels = np.empty(count, object)
        for at in range(count):
            texts = [("Rome",), ("In Rome",), ()][numbers.integers(3)]
            labels[at] = Answers(ROME, texts, (3,) * len(texts))
        task = QuestionAnswering(may_be_none=True, metrics=metrics)
        chosen = task.calibrate(outputs, labels)
        reached = score(outputs, labels, chosen)["metric"]
        for none, span in rows:
            for nudge in (-1e-3, 1e-3):
                other = QuestionAnswering(threshold=none - span + nudge, metrics=metrics)
                assert score(outputs, labels, other)["metric"] <= reached + 1e-9
        saved = json.loads(json.dumps(chosen.model_config()))
        assert task_from_config(saved) == chosen
        assert task.calibrated_as(chosen) == chosen


def test_a_threshold_that_was_given_stays():
    task = get_task({"kind": "question-answering", "threshold": 2})
    assert not task.calibrates
    model = QuestionAnswering(may_be_none=True, chosen=1.0)
    assert task.for_model(model).cutoff == 2.0
    assert QuestionAnswering().for_model(model).cutoff == 1.0
    assert QuestionAnswering(may_be_none=True).for_model(QuestionAnswering()).calibrates
    assert QuestionAnswering().cutoff == np.inf


def test_models_of_others_are_understood():
    task = task_from_config({"architectures": ["RobertaForQuestionAnswering"]})
    assert task == QuestionAnswering()
    broken = {"kind": "question-answering"}
    for name, value in (("threshold", "x"), ("longest_answer", 0), ("may_be_none", 1)):
        with pytest.raises(InputError, match=r"config\.json: tinybert\.task is broken"):
            task_from_config({"tinybert": {"task": {**broken, name: value}}})


def test_guesses():
    table = table_of(hub(("Rome", 3)), hub())
    task = QuestionAnswering().fit(table)
    rows = task.examples(table)
    assert constant_guess(task, rows) == 0.5  # no answer at all
    whole = answer_scores(ROME, ["Rome"], False)[0]
    assert constant_guess(QuestionAnswering(), rows.take([0])) == pytest.approx(whole)


def test_how_two_models_compare():
    one, other = outputs_of((0.0, 1.0), (0.0, 1.0)), outputs_of((0.0, 5.0), (9.0, 1.0))
    assert QuestionAnswering(threshold=0.0).agreement(one, other).tolist() == [[1, 1], [0, 1]]
    assert QuestionAnswering().agreement(one, other).tolist() == [[1, 1], [1, 1]]
    shifted = Outputs({**one.arrays, "logits": one.logits + 3}, one.ends)
    np.testing.assert_allclose(log_probabilities(one), log_probabilities(shifted), atol=1e-5)
    sums = np.exp(log_probabilities(one)).reshape(2, 2, 2).sum(axis=1)
    np.testing.assert_allclose(sums, 1, atol=1e-5)


def test_what_is_of_rows_alone_is_refused():
    with pytest.raises(InputError, match="models can't be compared on them"):
        QuestionAnswering().answers(np.zeros((2, 2), np.float32))
