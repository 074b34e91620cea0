"""Files of questions as SQuAD has them."""

import json

import pytest

from tinybert.base.errors import InputError
from tinybert.data import read
from tinybert.data.layout import SQUAD_LAYOUT

ROME = {"text": "Rome", "answer_start": 3}


def write(path, *questions, context="In Rome."):
    root = {"version": "x", "data": [{"title": "t", "paragraphs": [{"context": context}]}]}
    root["data"][0]["paragraphs"][0]["qas"] = list(questions)
    path.write_text(json.dumps(root), encoding="utf-8")
    return path


def question(**fields):
    return {"id": "7", "question": "Where?", "answers": [ROME], **fields}


def test_a_file_of_either_version(tmp_path):
    none = question(answers=[], is_impossible=True, plausible_answers=[ROME])
    path = write(tmp_path / "dev.json", question(), question(is_impossible=False), none)
    table = read(path)
    assert table.columns == {
        "id": ["7"] * 3,
        "question": ["Where?"] * 3,
        "context": ["In Rome."] * 3,
        "answers": [[ROME], [ROME], []],
    }
    assert table.where(2) == f"{path}: question 3"


def test_questions_without_answers(tmp_path):
    path = write(tmp_path / "test.json", {"id": "1", "question": "Where?"})
    assert [*read(path).columns] == ["id", "question", "context"]


NAMES = [("train.json", "dev.json"), ("train-v2.0.json", "dev-v2.0.json")]


@pytest.mark.parametrize("names", NAMES)
def test_a_folder(tmp_path, names):
    for name in names:
        write(tmp_path / name, question(id=name))
    found = [read(tmp_path, split, SQUAD_LAYOUT) for split in ("train", "eval")]
    assert [each.columns["id"][0] for each in found] == [*names]


def test_a_folder_of_both_versions_says_which(tmp_path):
    for name in ("train-v1.1.json", "train-v2.0.json"):
        write(tmp_path / name, question())
    with pytest.raises(InputError, match=r"has train-v1\.1\.json and train-v2\.0\.json; name"):
        read(tmp_path, "train", SQUAD_LAYOUT)
    write(tmp_path / "train.json", question(id="own"))
    assert read(tmp_path, "train", SQUAD_LAYOUT).columns["id"] == ["own"]
    with pytest.raises(InputError, match=r"SQuAD layout has train\.json and dev\.json"):
        read(tmp_path, "eval", SQUAD_LAYOUT)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "line 1: not JSON"),
        ('{"a": 1}\n{"a": 2}\n', r"line 2: not JSON: Extra data.*named \.jsonl"),
        ("[]", "has no 'data'"),
        ('{"data": {}}', "'data' is {}, no list"),
        ('{"data": [1]}', r"data\[0\]: is 1, no object"),
        ('{"data": [{}]}', r"data\[0\]: has no 'paragraphs'"),
        ('{"data": [{"paragraphs": [{"qas": []}]}]}', r"data\[0\]\.paragraphs\[0\]: has no 'cont"),
        ('{"data": [{"paragraphs": [{"context": "x"}]}]}', "has no 'qas'"),
        (
            '{"data": [{"paragraphs": [{"context": "x", "qas": [{"id": 1}]}]}]}',
            r"data\[0\]\.paragraphs\[0\]\.qas\[0\]: has no 'question'",
        ),
        ('{"data": []}', "has no question"),
        ('{"data": [], "data": []}', "key 'data' is there more than once"),
        ('{"data": ' + "[" * 100_000, "not usable JSON"),
        (b"\xff\xfe{", "UTF-8"),
        (b'{"data": "\0"}', "line 1: binary content"),
        ("", "is empty"),
    ],
)
def test_bad_files_are_refused(tmp_path, content, message):
    path = tmp_path / "train.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message) as raised:
        read(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_impossible_has_no_answer(tmp_path):
    path = write(tmp_path / "train.json", question(is_impossible=True))
    with pytest.raises(InputError, match=r"qas\[0\]: is_impossible, and has answers"):
        read(path)
