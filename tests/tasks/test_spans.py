"""Tagging schemes: every entity that can be written is read again, and what is malformed is not."""

import random
import warnings

import numpy as np
import pytest
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2, IOBES

from tinybert.data import Table
from tinybert.tasks import get_task
from tinybert.tasks.outputs import Outputs
from tinybert.tasks.spans import (
    SCHEMES,
    BadTag,
    Span,
    find_scheme,
    group,
    read_tags,
    split_tag,
    tags_of_types,
    write_tags,
)
from tinybert.tasks.windows import join_bounds


def drawn(dice, scheme):
    """A number of words and entities among them, often two of one type side by side."""
    spans, at = [], 0
    count = dice.randint(1, 12)
    while at < count:
        end = at + (1 if scheme == "words" else dice.randint(1, 3))
        if dice.random() < 0.5 and end <= count:
            spans.append(Span(at, end, dice.choice(["PER", "LOC"])))
        at = end
    return count, spans


def written(count, spans, scheme):
    tags = write_tags(count, spans, scheme)
    return ["-".join(filter(None, tag)) for tag in tags]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("seed", range(50))
def test_what_is_written_is_read_again(scheme, seed):
    count, spans = drawn(random.Random(seed), scheme)
    tags = written(count, spans, scheme)
    assert read_tags(tags, scheme) == spans
    assert group([split_tag(tag, scheme) for tag in tags]) == spans


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_scheme_of_enough_sequences_is_found(scheme):
    dice = random.Random(0)
    assert find_scheme([written(*drawn(dice, scheme), scheme) for _ in range(50)]) == scheme


@pytest.mark.parametrize(
    ("tags", "scheme", "place"),
    [
        (["O", "I-PER"], "bio", 1),
        (["B-PER", "I-LOC"], "bio", 1),
        (["I-PER"], "bio", 0),
        (["B-PER", "O"], "bilou", 0),
        (["O", "L-PER"], "bilou", 1),
        (["U-PER", "L-PER"], "bilou", 1),
        (["B-PER", "I-PER"], "iobes", 1),
        (["B-PER", "E-LOC"], "iobes", 1),
        (["O", "S-PER"], "bio", 1),
        (["PER"], "bio", 0),
    ],
)
def test_malformed_tags_are_refused_where_they_stand(tags, scheme, place):
    with pytest.raises(BadTag) as error:
        read_tags(tags, scheme)
    assert error.value.place == place


@pytest.mark.parametrize("tags", [["B-PER", "MISC"], ["L-PER", "E-PER"], ["U-X", "S-X"]])
def test_a_mixture_of_schemes_is_refused(tags):
    with pytest.raises(ValueError, match="begin"):
        find_scheme([tags])


def scored(gold, predicted, scheme):
    """Our metrics of tags that a model says, which may be malformed."""
    names = tags_of_types(["PER", "LOC"], scheme)
    table = Table({"tokens": [["w"] * len(tags) for tags in gold], "tags": gold}, "rows")
    task = get_task({"kind": "token-classification", "labels": names, "scheme": scheme})
    task = get_task({"kind": "token-classification", "metrics": task.scored_by}, task)
    examples = task.examples(table)
    spans = np.array([span for row in examples.rows for span in join_bounds(row["words"])])
    ids = [names.index(tag) for tags in predicted for tag in tags]
    logits = np.eye(len(names), dtype=np.float32)[ids]
    ends = np.cumsum([len(tags) for tags in gold])
    return task.score(Outputs({"logits": logits, "spans": spans}, ends), examples.labels)


@pytest.mark.parametrize("scheme", ["bio", "bilou", "iobes"])
@pytest.mark.parametrize("seed", range(60))
@pytest.mark.filterwarnings("ignore")
def test_the_metrics_are_seqevals(scheme, seed):
    dice = random.Random(seed)
    names = tags_of_types(["PER", "LOC"], scheme)
    gold = [written(*drawn(dice, scheme), scheme) for _ in range(dice.randint(1, 5))]
    right = dice.choice([0.3, 0.9])
    said = [[tag if dice.random() < right else dice.choice(names) for tag in row] for row in gold]
    ours = scored(gold, said, scheme)
    # seqeval's default mode knows neither L nor U, which are E and S.
    theirs = [
        [[tag.replace("L-", "E-").replace("U-", "S-") for tag in row] for row in rows]
        for rows in (gold, said)
    ]
    metrics = {"f1": f1_score, "precision": precision_score, "recall": recall_score}
    strict = {"mode": "strict", "scheme": IOB2 if scheme == "bio" else IOBES}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is divided by 0, which is 0 there too
        for name, metric in metrics.items():
            assert ours[name] == pytest.approx(metric(*theirs), abs=1e-9)
            assert ours[f"strict_{name}"] == pytest.approx(metric(*theirs, **strict), abs=1e-9)
    share = np.mean([a == b for x, y in zip(gold, said, strict=True) for a, b in zip(x, y)])  # noqa: B905
    assert ours["token_accuracy"] == pytest.approx(share, abs=1e-12)


def test_iob1_is_read_as_conlleval_reads_it():
    tags = ["I-PER", "I-PER", "B-PER", "O", "I-LOC", "I-PER"]
    assert read_tags(tags, "iob1") == [
        Span(0, 2, "PER"),
        Span(2, 3, "PER"),
        Span(4, 5, "LOC"),
        Span(5, 6, "PER"),
    ]
