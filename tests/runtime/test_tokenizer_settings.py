"""The runtime gives the tokens that Transformers gives, also where the two files disagree."""

import itertools
import json
import shutil

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer, RobertaTokenizer

from tinybert.base.errors import InputError
from tinybert.modeling.load import load_tokenizer
from tinybert.modeling.torch_model import load_torch
from tinybert.run.export import export
from tinybert.runtime.config import read_config
from tinybert.runtime.text import TextEncoder

TEXTS = [
    "The FILM was Good",
    "Zürich, naïve café, ÀÉÎ",
    "e\u0301te\u0301 A\u030angstro\u0308m",  # accents as marks of their own
    "我喜欢film和 dog",
    "İstanbul ǅ ß ﬁne \uff26\uff35\uff2c\uff2c",
    "a\u00a0film\tand\u200bdog\u0000\ufffd\x07",
    "👍🏽 great 🇨🇭 (really?!) don't",
    "ελληνικά РУССКИЙ हिन्दी ไทย 한국어 日本語",
    "",
    "   ",
    "[MASK] and [SEP] in it",
    "x" * 120,
]


def write(folder, **settings):
    """Changes tokenizer_config.json; None takes a key out."""
    path = folder / "tokenizer_config.json"
    kept = json.loads(path.read_text()) | settings
    path.write_text(json.dumps({key: value for key, value in kept.items() if value is not None}))


def assert_same(folder):
    theirs = AutoTokenizer.from_pretrained(folder)
    ours = TextEncoder.from_folder(folder, read_config(folder))
    pairs = [(text, TEXTS[0]) for text in TEXTS[1:]]
    for text, encoding in zip([*TEXTS, *pairs], ours.encode([*TEXTS, *pairs]), strict=True):
        parts = [text] if isinstance(text, str) else [*text]
        expected = theirs(*parts, truncation=True, return_token_type_ids=True)
        assert encoding.ids == expected["input_ids"], text
        assert encoding.type_ids == expected["token_type_ids"], text


@pytest.fixture
def folder(tiny_bert_dir, tmp_path):
    """A copy whose vocabulary has pieces that only cased or accented words need."""
    copy = shutil.copytree(tiny_bert_dir, tmp_path / "model")
    document = json.loads((copy / "tokenizer.json").read_text())
    vocabulary = document["model"]["vocab"]
    more = ["FILM", "The", "Good", "Z", "##ü", "##u", "ü", "é", "我", "喜", "##喜", "和", "##和"]
    for piece in [*more, *map(chr, range(65, 91)), *(f"##{chr(at)}" for at in range(65, 91))]:
        vocabulary.setdefault(piece, len(vocabulary))
    model = load_torch(copy).module
    model.resize_token_embeddings(len(vocabulary))
    model.save_pretrained(copy)
    (copy / "tokenizer.json").write_text(json.dumps(document))
    return copy


@pytest.mark.parametrize("class_name", ["BertTokenizer", "DistilBertTokenizerFast", None])
def test_every_combination(folder, class_name):
    write(folder, tokenizer_class=class_name)
    for lower, strip, chinese in itertools.product(
        [None, True, False], [None, True, False], [None, True, False]
    ):
        write(folder, do_lower_case=lower, strip_accents=strip, tokenize_chinese_chars=chinese)
        assert_same(folder)


@pytest.mark.parametrize(
    "class_name", ["ElectraTokenizer", "MPNetTokenizer", "MobileBertTokenizer", "ConvBertTokenizer"]
)
def test_other_classes_of_the_family(folder, class_name):
    write(folder, tokenizer_class=class_name, do_lower_case=False, mask_token="[MASK]")
    write(folder, bos_token="[CLS]", eos_token="[SEP]", cls_token="[CLS]", sep_token="[SEP]")
    assert_same(folder)


@pytest.mark.parametrize("class_name", ["PreTrainedTokenizerFast", "TokenizersBackend"])
def test_classes_that_take_the_file_as_it_is(folder, class_name):
    write(folder, tokenizer_class=class_name, do_lower_case=False, strip_accents=False)
    assert_same(folder)
    assert TextEncoder.from_folder(folder, {}).encode(["FILM"])[0].tokens[1] == "film"


def test_what_tokenizer_json_alone_has_is_not_used_where_transformers_does_not(folder):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.normalizer = normalizers.Replace("film", "dog")
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B")
    tokenizer.model.max_input_chars_per_word = 200
    tokenizer.save(str(folder / "tokenizer.json"))
    assert_same(folder)


def test_without_a_tokenizer_config(folder):
    document = json.loads((folder / "tokenizer.json").read_text())
    document["normalizer"]["lowercase"] = False
    (folder / "tokenizer.json").write_text(json.dumps(document))
    (folder / "tokenizer_config.json").unlink()
    assert_same(folder)


def test_what_is_exported_agrees_with_what_was_loaded(folder, tmp_path):
    """Transformers builds its tokenizer anew, and saves that."""
    write(folder, do_lower_case=False, strip_accents=False)
    out = tmp_path / "out"
    export(load_torch(folder).module, load_tokenizer(folder), out)
    assert_same(out)
    ours = TextEncoder.from_folder(out, read_config(out)).encode(TEXTS)
    theirs = AutoTokenizer.from_pretrained(folder)
    assert [encoding.ids for encoding in ours] == [
        theirs(text, truncation=True)["input_ids"] for text in TEXTS
    ]


@pytest.fixture
def roberta(tmp_path):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    vocabulary = {piece: index for index, piece in enumerate([*specials, *alphabet, "Ġf", "fi"])}
    tokenizer = RobertaTokenizer(vocab=vocabulary, merges=[("Ġ", "f"), ("f", "i")])
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "roberta"}))
    return tmp_path


@pytest.mark.parametrize("blank", [None, True, False])
@pytest.mark.parametrize("class_name", ["RobertaTokenizer", "PreTrainedTokenizerFast", None])
def test_a_blank_before_the_first_word(roberta, blank, class_name):
    for stored in (True, False):
        tokenizer = Tokenizer.from_file(str(roberta / "tokenizer.json"))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=stored)
        tokenizer.save(str(roberta / "tokenizer.json"))
        write(roberta, add_prefix_space=blank, tokenizer_class=class_name)
        assert_same(roberta)


def test_a_file_of_another_kind_is_refused(roberta):
    write(roberta, tokenizer_class="BertTokenizer")
    with pytest.raises(InputError, match=r"tokenizer_config\.json: .* is a WordPiece, .* is a BPE"):
        TextEncoder.from_folder(roberta, read_config(roberta))


@pytest.mark.parametrize(("key", "value"), [("do_lower_case", False), ("keep_accents", True)])
def test_albert_is_refused_where_they_differ(tmp_path, key, value):
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0), ("▁a", -1.0)], unk_id=0))
    steps = [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    settings = {"tokenizer_class": "AlbertTokenizer"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    assert TextEncoder.from_folder(tmp_path, {})
    write(tmp_path, **{key: value})
    with pytest.raises(InputError, match=f"{key} is {value}, and tokenizer.json does otherwise"):
        TextEncoder.from_folder(tmp_path, {})


def test_tokens_that_one_file_alone_adds_are_refused(folder):
    added = {"300": {"content": "[NEW]", "special": False}}
    write(folder, added_tokens_decoder=added)
    with pytest.raises(InputError, match=r"adds the token '\[NEW\]' as 300"):
        TextEncoder.from_folder(folder, read_config(folder))
