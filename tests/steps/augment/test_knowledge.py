"""What is protected never changes, whichever method works on it."""

import random
import re

import pytest

from augment_rows import SENTENCES, configs, passages_of, world_of
from tinybert.base.errors import InputError
from tinybert.steps.augment.knowledge import Knowledge, RuleConfig, read_knowledge
from tinybert.steps.augment.make import make
from tinybert.steps.augment.terms import terms_pattern


def test_terms_are_whole_words_in_any_case():
    found = terms_pattern(["New York", "new york times", "C++", "aspirin", "it"])
    text = "NEW  York, new york Times; aspirins and Aspirin, c++ or c+, it's with it"
    assert found.findall(text) == [
        "NEW  York",
        "new york Times",
        "Aspirin",
        "c++",
        "it",
        "it",
    ]


def test_terms_of_scripts_without_blanks():
    assert terms_pattern(["阿司匹林", "電"]).findall("服用阿司匹林后看電影") == ["阿司匹林", "電"]


def test_many_terms_are_found_as_one_by_one():
    dice = random.Random(0)
    letters = "abc "
    terms = {"".join(dice.choices(letters, k=dice.randint(1, 6))).strip() for _ in range(300)}
    terms = sorted(term for term in terms if term and "  " not in term)
    pattern = terms_pattern(terms)
    for _ in range(300):
        text = "".join(dice.choices(letters, k=20))
        starts = {found.start() for found in pattern.finditer(text)}
        alone = {
            found.start()
            for term in terms
            for found in re.finditer(
                rf"(?<!\w){re.escape(term)}(?!\w)".replace(r"\ ", r"\s+"), text
            )
        }
        assert starts <= alone
        assert not alone or starts


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("method", ["words", "synonyms", "masked-lm", "back-translation"])
def test_a_protected_term_never_changes(
    method, seed, tiny_wordnet, tiny_masked_lm, tiny_translators
):
    """A random term, and a rule: what is found of them is the same, as often, in order."""
    dice = random.Random(seed)
    rule = RuleConfig(pattern=r"\bb\w+ f\w+|g\w+t")
    config = configs(tiny_wordnet, tiny_masked_lm, tiny_translators, method)
    count = 0
    for text in SENTENCES * 2:
        words = text.split()
        at = dice.randrange(len(words) - 1)
        term = " ".join(words[at : at + dice.randint(1, 2)])
        known = Knowledge((term.upper(),), (rule,))
        passages = passages_of(SENTENCES, known)
        patterns = [re.compile(rf"(?<!\w){re.escape(term)}(?!\w)"), re.compile(rule.pattern)]
        for made in make(passages, [(own, 5) for own in config.methods], world_of(known, seed)):
            count += 1
            before, after = passages[made.source].parts[0], made.parts[0]
            for pattern in patterns:
                assert pattern.findall(after) == pattern.findall(before)
    assert count


def test_terms_of_a_file(tmp_path):
    (tmp_path / "terms.txt").write_text("aspirin\n\n New York \n", encoding="utf-8")
    known = read_knowledge([str(tmp_path / "terms.txt"), "film", "aspirin"], [])
    assert known.terms == ("aspirin", "New York", "film")
    (tmp_path / "none.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(InputError, match="is empty"):
        read_knowledge([str(tmp_path / "none.txt")], [])


def test_labels_of_rules():
    rules = [RuleConfig(pattern="refund|money back", label="complaint")]
    rules += [RuleConfig(pattern="(?i)thanks", label="praise"), RuleConfig(pattern=r"\d+ mg")]
    known = Knowledge((), tuple(rules))
    assert known.labels_of(["a refund, please"]) == {"complaint"}
    assert known.labels_of(["Thanks for the refund"]) == {"complaint", "praise"}
    assert known.labels_of(["take", "10 mg"]) == set()
    assert known.fixed("take 10 mg of it") == [(5, 10)]


def test_letters_that_have_no_lower_case_of_their_own():
    assert Knowledge(("İzmir",)).fixed("from İzmir to Ankara") == [(5, 10)]
