import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.data.table import Table
from tinybert.tasks import get_task, task_from_config
from tinybert.tasks.outputs import Inputs, Outputs
from tinybert.tasks.sentence_embedding import SentenceEmbedding, cosines, pooling_of

PAIRS = Table({"sentence1": ["a", "b"], "sentence2": ["c", "d"], "score": ["5", "1.5"]}, "dev.tsv")


def test_pairs_with_scores():
    found = SentenceEmbedding().examples(PAIRS)
    assert [*found.rows] == [{"text": "a", "pair": "c"}, {"text": "b", "pair": "d"}]
    assert found.labels.tolist() == [5.0, 1.5]


def test_each_text_is_learned_alone():
    task = SentenceEmbedding()
    learned = task.learned(task.examples(PAIRS))
    assert learned.texts == ["a", "c", "b", "d"]
    assert learned.labels is None
    single = Table({"sentence1": ["a", "b"]}, "texts.txt")
    assert task.is_unlabeled(single)
    assert task.learned(task.examples(single, labeled=False)).texts == ["a", "b"]
    unscored = Table({"sentence1": ["a"], "sentence2": ["b"]}, "pairs.tsv")
    assert task.is_unlabeled(unscored)
    assert task.examples(unscored, labeled=False).texts == ["a", "b"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (Table({"sentence1": ["a"], "score": [1]}, "x.csv"), "scores are of pairs of texts"),
        (Table({"sentence1": ["a"], "sentence2": ["b"], "score": ["x"]}, "x.csv"), "no finite"),
        (Table({"sentence1": ["a"], "sentence2": [" "], "score": [1]}, "x.csv"), "is empty"),
        (Table({"sentence1": ["a"], "sentence2": ["b"], "score": [True]}, "x.csv"), "no finite"),
    ],
)
def test_bad_rows_are_refused(table, message):
    with pytest.raises(InputError, match=message.replace("no finite", "not a finite")):
        SentenceEmbedding().examples(table)


def test_inputs_of_pairs_end_where_their_second_text_does():
    task = SentenceEmbedding(vector=2)
    rows = [{"text": "a", "pair": "b"}, {"text": "c"}]
    inputs = task.inputs(rows, [None] * 3)
    assert inputs.ends.tolist() == [2, 3]
    assert [len(task.texts(row)) for row in rows] == [2, 1]
    outputs = inputs.gather([([2, 0], {"logits": np.eye(2)}), ([1], {"logits": np.ones((1, 2))})])
    assert len(outputs) == 2
    assert outputs[0]["logits"].tolist() == [[0, 1], [1, 1]]
    said = task.predictions(rows, outputs)
    assert said[0] == {"similarity": pytest.approx(0.7071, abs=1e-4)}
    assert said[1] == {"embedding": [1.0, 0.0]}
    assert task.line(said[1]) == "1 0"


def test_similarities_are_compared_with_scores():
    vectors = np.float32([[1, 0], [1, 0.1], [1, 0], [0, 1], [1, 0], [1, 1]])
    outputs = Outputs({"logits": vectors}, np.array([2, 4, 6]))
    scores = SentenceEmbedding(vector=2).score(outputs, np.float32([5, 0, 3]))
    assert scores["spearman"] == pytest.approx(1.0)
    assert scores["pearson"] > 0.9


def test_texts_without_scores_are_compared_with_the_teachers_vectors():
    task = SentenceEmbedding(vector=2).as_teacher()
    outputs = Outputs({"logits": np.float32([[1, 0], [0, 2]])})
    assert task.score(outputs, task.answers(outputs.logits)) == {"cosine": 1.0}
    other = np.float32([[1, 0], [1, 0]])
    assert task.score(outputs, other) == {"cosine": 0.5}
    assert task.agrees(outputs.logits, other).tolist() == [1.0, 0.0]


def test_vectors_that_are_all_alike_tell_nothing():
    task = SentenceEmbedding(vector=2)
    examples = task.examples(PAIRS)
    (guess,) = task.guesses(examples)
    assert task.score(guess, examples.labels)["spearman"] == 0.0


def test_a_model_says_what_its_vectors_are():
    task = SentenceEmbedding(pooling="cls", normalize=False, vector=7)
    config = {"architectures": ["BertForSentenceEmbedding"], **task.model_config()}
    assert task_from_config(config) == task
    assert get_task("sentence-embedding").for_model(task).width == 7


@pytest.mark.parametrize("broken", [{"pooling": "max"}, {"normalize": 1}, {"vector": "x"}])
def test_a_broken_head_is_refused(broken):
    with pytest.raises(InputError, match=r"tinybert\.task is broken"):
        pooling_of({"hidden_size": 4, "tinybert": {"task": broken}})


def test_the_cosine_is_no_metric_to_choose():
    with pytest.raises(InputError, match="cosine is what texts without scores"):
        get_task({"kind": "sentence-embedding", "metrics": ["cosine"]})
    with pytest.raises(InputError, match="cosine is of texts without scores"):
        SentenceEmbedding(metrics=("spearman", "cosine"))


def test_cosines_of_nothing_are_zero():
    assert cosines(np.zeros((1, 3)), np.ones((1, 3))).tolist() == [0.0]


def test_an_input_without_places_keeps_its_ends():
    outputs = Inputs([None], ends=np.array([1])).gather([([0], {"logits": np.ones((1, 2))})])
    assert outputs.ends.tolist() == [1]
