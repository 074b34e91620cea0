"""Labels of words: from any form of data to a model's outputs and back to the text."""

import json
from pathlib import Path

import numpy as np
import pytest

from tinybert.base.errors import InputError
from tinybert.data import Table, read
from tinybert.runtime.model import Facts, Model
from tinybert.runtime.text import TextEncoder
from tinybert.tasks import get_task, task_from_config
from tinybert.tasks.labels import UnnamedOutputs
from tinybert.tasks.spans import Span

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
WORDS = Table(
    {
        "tokens": [["the", "old", "man", "sat"], ["she", "ate"]],
        "tags": [["O", "B-PER", "I-PER", "O"], ["B-PER", "O"]],
    },
    "train.txt",
    [1, 6],
    "line",
)


def task_of(**options):
    return get_task({"kind": "token-classification", **options})


class ByToken(Model):
    """Says of each token what its id alone decides, so that what is around it is no matter."""

    format = "test"

    def __init__(self, folder, says, length=64, labels=LABELS):
        config = {
            "architectures": ["BertForTokenClassification"],
            "id2label": {str(at): name for at, name in enumerate(labels)},
            "max_position_embeddings": length,
        }
        super().__init__(Path("test-model"), config)
        self.folder = folder
        entries = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
        self.says = np.zeros((len(entries), len(labels)), np.float32)
        self.says[:, 0] = 1
        for word, label in says.items():
            self.says[entries.index(word), labels.index(label)] = 5

    def forward(self, features):
        return {"logits": self.says[features["input_ids"]]}

    def facts(self):
        return Facts("test", "fp32", 0, 0)

    def _load_encoder(self):
        return TextEncoder.from_folder(self.folder, self.config)


SAYS = {"man": "B-PER", "woman": "B-PER", "first": "I-PER", "market": "B-LOC"}


@pytest.fixture
def model(tiny_tokenizer_dir):
    return ByToken(tiny_tokenizer_dir, SAYS)


def test_entities_are_where_they_are_said_to_be(model):
    text = "The  Man, first!\r\nsat on (a) MÁRKET 😀 man"
    (prediction,) = model(text)
    found = [(each["label"], each["text"]) for each in prediction["entities"]]
    assert found == [("PER", "Man"), ("PER", "first"), ("LOC", "MÁRKET"), ("PER", "man")]
    for entity in prediction["entities"]:
        assert text[entity["start"] : entity["end"]] == entity["text"]
        assert 0.5 < entity["score"] < 1


def test_words_that_go_on_with_an_entity_are_one_with_it(model):
    (prediction,) = model(["a man  first sat"])
    (entity,) = prediction["entities"]
    assert (entity["text"], entity["start"], entity["end"]) == ("man  first", 2, 12)


def test_words_that_are_given_are_kept_together(model):
    (prediction,) = model({"words": ["a", "man-first", "", "woman"]})
    assert [each["text"] for each in prediction["entities"]] == ["man-first", "woman"]
    assert [each["start"] for each in prediction["entities"]] == [2, 13]


def test_no_text_has_no_entities(model):
    assert model(["", " ", "a film"]) == [{"entities": []}] * 3
    assert model.task.line({"entities": []}) == "-"


@pytest.mark.parametrize("length", [8, 13, 64])
def test_no_word_is_lost_beyond_the_length_of_the_model(tiny_tokenizer_dir, length):
    words = ["the", "man", "market", "sat", "woman", "first", "a", "film"] * 25
    (short,) = ByToken(tiny_tokenizer_dir, SAYS, length)([" ".join(words)])
    (long,) = ByToken(tiny_tokenizer_dir, SAYS, 4000)([" ".join(words)])
    assert short == long
    assert len(short["entities"]) == 75


def test_outputs_of_rows_do_not_depend_on_their_batch(model):
    rows = ["a man", {"words": ["a", "market"] * 40}, "", "woman " * 90, "film"]
    together = model.outputs(rows, batch_size=3)
    assert len(together) == len(rows)
    for at, row in enumerate(rows):
        alone = model.outputs([row])
        np.testing.assert_array_equal(together[at]["logits"], alone.logits)
        np.testing.assert_array_equal(together[at]["spans"], alone.arrays["spans"])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a", "b"), "and text 2 is a pair"),
        ({"foo": 1}, 'expected {"text": "..."}'),
        ({"words": "a b"}, "expected"),
        ({"words": ["a", 1]}, "expected"),
        (3, "text 2: neither a string"),
    ],
)
def test_rows_of_another_form_are_refused(model, row, message):
    with pytest.raises(InputError) as error:
        model(["a man", row])
    assert message in str(error.value)


def test_both_forms_of_data_are_the_same_entities():
    texts = Table(
        {
            "text": ["the old man sat", "she ate"],
            "entities": [
                [{"start": 4, "end": 11, "label": "PER"}],
                [{"start": 0, "end": 3, "label": "PER"}],
            ],
        },
        "train.jsonl",
    )
    wanted = [[Span(4, 11, "PER")], [Span(0, 3, "PER")]]
    for table in (WORDS, texts):
        task = task_of().fit(table)
        assert task.labels == ("O", "B-PER", "I-PER")
        assert task.examples(table).labels.tolist() == wanted
        assert task.examples(table, labeled=False).labels is None
    assert task.examples(texts).rows[0] == {"text": "the old man sat"}
    assert task.examples(WORDS).rows[0] == {"words": ["the", "old", "man", "sat"]}


@pytest.mark.parametrize(
    ("tags", "labels"),
    [
        (["U-PER", "B-LOC", "I-LOC", "L-LOC"], ("O", "B-LOC", "I-LOC", "L-LOC", "U-LOC")),
        (["S-PER", "B-LOC", "I-LOC", "E-LOC"], ("O", "B-LOC", "I-LOC", "E-LOC", "S-LOC")),
        (["I-PER", "I-LOC", "I-LOC", "I-LOC"], ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")),
        (["B-PER", "B-LOC", "I-LOC", "I-LOC"], ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")),
    ],
)
def test_every_scheme_is_read_as_the_same_entities(tags, labels):
    table = Table({"tokens": [["a", "b", "c", "d"]], "tags": [tags]}, "train.jsonl")
    task = task_of().fit(table)
    assert task.labels[: len(labels)] == labels
    assert task.examples(table).labels[0] == [Span(0, 1, "PER"), Span(2, 7, "LOC")]
    # A model that writes them otherwise learns the same.
    other = task.for_model(task_of(labels=LABELS))
    assert other.labels == LABELS
    assert other.examples(table).labels[0] == [Span(0, 1, "PER"), Span(2, 7, "LOC")]


def test_parts_of_speech_are_labels_of_single_words():
    table = Table({"tokens": [["a", "b", "c"]], "tags": [["NOUN", "NOUN", "VERB"]]}, "t.jsonl")
    task = task_of(metrics="token_accuracy").fit(table)
    assert task.labels == ("O", "NOUN", "VERB")
    assert [span.end - span.start for span in task.examples(table).labels[0]] == [1, 1, 1]


def test_the_labels_are_in_the_order_and_the_spelling_of_a_model(tiny_tokenizer_dir):
    model = ByToken(tiny_tokenizer_dir, {"old": "I-per"}, labels=("I-per", "O", "B-LOC", "B-per"))
    model.says[:, 1] = 2  # "O"
    task = task_of().fit(WORDS).for_model(model.task)
    assert task.labels == ("I-per", "O", "B-LOC", "B-per")
    examples = task.examples(WORDS)
    assert examples.labels[1] == [Span(0, 3, "per")]
    scores = task.score(model.outputs(examples.rows), examples.labels)
    # "old" alone of "old man" was found, as what strict mode does not count.
    assert (scores["f1"], scores["precision"], scores["strict_f1"]) == (0, 0, 0)
    assert scores["token_accuracy"] == pytest.approx(3 / 6)


def test_a_model_that_knows_other_entities_is_refused():
    task = task_of().fit(WORDS)
    with pytest.raises(InputError, match="they have no PER"):
        task.for_model(task_of(labels=("O", "B-LOC", "I-LOC")))
    unnamed = task_from_config({"architectures": ["BertForTokenClassification"], "num_labels": 3})
    with pytest.raises(UnnamedOutputs, match="nothing says which"):
        task.for_model(unnamed)
    given = task_of(labels=("O", "B-PER", "I-PER")).for_model(unnamed)
    assert given.labels == ("O", "B-PER", "I-PER")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"tokens": [["a"], ["b", "c"]], "tags": [["O"], ["O"]]}, "row 2: has 2 words and 1 tags"),
        ({"tokens": [["a"]], "tags": [["B-X"]], "x": [1]}, None),
        ({"tokens": [["a", "b"]], "tags": [["O", "I-X"]]}, None),  # IOB1
        ({"tokens": [["a", "b"], ["c"]], "tags": [["O", "I-X"], ["B-X"]]}, "row 1: 'I-X' after 'O"),
        ({"tokens": [["a"]], "tags": [[3]]}, "tag 1 is 3, no name; name them by `labels`"),
        ({"tokens": [["a"]], "tags": ["O"]}, "expected a list of tags"),
        ({"tokens": [["a", 1]], "tags": [["O", "O"]]}, "expected text, or a list of words"),
        ({"tokens": [[]], "tags": [[]]}, "is empty"),
        ({"tokens": [["a"]], "tags": [["O"]]}, "no row has an entity"),
        ({"text": ["abc"], "entities": [[{"start": 0, "end": 9, "label": "X"}]]}, "no text from 0"),
        ({"text": ["abc"], "entities": [[{"start": 0, "label": "X"}]]}, 'expected {"start": 0'),
        ({"text": ["abc"], "entities": ["X"]}, "expected a list of entities"),
        ({"text": ["abc"]}, "no column 'tags'"),
        (
            {
                "text": ["abcd"],
                "entities": [
                    [{"start": 0, "end": 2, "label": "X"}, {"start": 1, "end": 3, "label": "X"}]
                ],
            },
            "overlap",
        ),
    ],
)
def test_malformed_rows_are_refused_by_name(columns, message):
    table = Table(columns, "rows.jsonl")
    if message is None:
        task_of().fit(table).examples(table)
        return
    with pytest.raises(InputError, match=r"rows\.jsonl") as error:
        task_of().fit(table).examples(table)
    assert message in str(error.value)


def test_a_malformed_tag_is_refused_with_its_line(tmp_path):
    (tmp_path / "train.txt").write_text("a O\n\nb B-X\nc I-X\nd I-Y\n", encoding="utf-8")
    task = task_of()
    with pytest.raises(InputError, match=r"train\.txt: line 5: 'I-Y' after 'I-X'.*scheme: iob1"):
        task.fit(read(tmp_path, "train", task.layout))
    task = task_of(scheme="iob1")
    table = read(tmp_path, "train", task.layout)
    assert task.fit(table).labels == ("O", "B-X", "I-X", "B-Y", "I-Y")


def test_numbers_are_the_labels_that_the_recipe_names_in_order():
    table = Table({"tokens": [["a", "b"]], "ner_tags": [[2, 1]]}, "rows.parquet")
    task = task_of(labels=["O", "B-X", "B-Y"]).fit(table)
    assert task.examples(table).labels[0] == [Span(0, 1, "Y"), Span(2, 3, "X")]
    # They stay so, whatever the order of a model's outputs.
    other = task.for_model(task_of(labels=["B-Y", "B-X", "O"]))
    assert other.examples(table).labels[0] == [Span(0, 1, "Y"), Span(2, 3, "X")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": ["a", "b"]}, "expected one column"),
        ({"scheme": "xyz"}, "no scheme 'xyz'; known: bio"),
        ({"columns": ["0", "1"]}, "columns: expected two numbers"),
        ({"metrics": "accuracy"}, "no metric 'accuracy' for token-classification; it has: f1"),
        ({"scheme": ["bio"]}, "scheme: expected text"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        task_of(**options)


def test_labels_of_several_schemes_are_refused():
    with pytest.raises(InputError, match="labels: some tags begin"):
        task_of(labels=["O", "B-PER", "MISC"]).fit(WORDS)


def test_stock_transformers_reads_the_config(tmp_path):
    from transformers import BertConfig

    task = task_of().fit(WORDS)
    BertConfig(**task.model_config()).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert config["id2label"] == {"0": "O", "1": "B-PER", "2": "I-PER"}
    assert task_from_config(config) == task


def rows_of(tags, tokens=None):
    tokens = tokens or [[f"w{place}" for place in range(len(each))] for each in tags]
    return Table({"tokens": tokens, "tags": tags}, "rows.jsonl")


def test_words_in_no_entity_need_a_label():
    rows = rows_of([["B-PER", "I-PER"], ["B-PER", "O"]])
    task = task_of(labels=["B-PER", "I-PER"])
    with pytest.raises(
        InputError, match=r"row 2: has words in no entity, and the labels .* lack 'O'"
    ):
        task.examples(rows)
    assert len(task.examples(rows_of([["B-PER", "I-PER"]]))) == 1
    parts_of_speech = rows_of([["DET", "NOUN"]])
    assert len(task_of().fit(parts_of_speech).examples(parts_of_speech)) == 1


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["B", "I", "O"], "tags such as 'B' lack the type"),
        (["B-", "O"], "tags such as 'B-' lack the type"),
        (
            ["b-org", "i-org", "o"],
            "tags such as 'b-org' lack the type of the entity, or have a small",
        ),
        (["B-\ud800", "O"], "a label is not valid Unicode"),
    ],
)
def test_tags_that_are_half_of_a_scheme(tags, message):
    with pytest.raises(InputError, match=message):
        task_of().fit(rows_of([tags]))


def test_blanks_around_a_tag_are_no_part_of_it():
    assert task_of().fit(rows_of([[" B-PER", "O "]])).labels == ("O", "B-PER", "I-PER")


def test_an_entity_without_a_word():
    with pytest.raises(InputError, match="row 1: an entity 'PER' has no word"):
        task_of().fit(rows_of([["B-PER", "O"]], [["", "x"]]))


def test_options_that_can_not_apply_are_refused():
    with pytest.raises(InputError, match="`columns` is for files of a word a line"):
        task_of(columns=[2, -1], labels=list(LABELS)).examples(rows_of([["O"]]))
    entities = Table({"text": ["a b"], "entities": [[]]}, "rows.jsonl")
    with pytest.raises(InputError, match="`scheme` is for tags, not for entities"):
        task_of(scheme="bilou", labels=list(LABELS)).examples(entities)


def test_a_type_without_b_is_written_in_iob1():
    """As older models' labels are: B stands only where two entities meet."""
    assert task_of(labels=["O", "I-PER", "I-LOC", "B-LOC"]).tagging == "iob1"
    assert task_of(labels=list(LABELS)).tagging == "bio"
