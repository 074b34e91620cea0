"""Random damage, seeded: to bytes, to text, to values of JSON and YAML."""

import json
import random
from collections.abc import Callable
from typing import Any

Dice = random.Random

ODD_TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "1e3",
    "²",
    "٣",
    "é",
    "e\u0301",
    "ﬁ",
    "İ",
    "\x00",
    "\n",
    "a\nb",
    "\x1b[31m",
    "\ud800",
    "\u2028",
    "\U0001f600",
    "../x",
    "/etc/passwd",
    "..\\x",
    "a" * 5000,
    "9" * 5000,
    "nan",
    "None",
    "{}",
    "[UNK]",
    "##s",
)
ODD_NUMBERS = (0, 1, -1, -5, 2, 7, 255, 2**31, 2**63, 10**12, 10**400, 0.5, -0.0, 1e308, 1e-320)
ODD_VALUES = (None, True, False, [], {}, [None], [[]], {"a": 1}, float("nan"), float("inf"))


def odd_value(dice: Dice) -> Any:
    """A value that is seldom meant."""
    return dice.choice([*ODD_TEXTS, *ODD_NUMBERS, *ODD_VALUES, nested(dice)])


def nested(dice: Dice) -> Any:
    """Lists or mappings within one another, at most as deep as Python's own JSON writes them."""
    value: Any = 1
    for _ in range(dice.choice([3, 50, 300])):
        value = [value] if dice.random() < 0.5 else {"a": value}
    return value


def mutate_value(dice: Dice, value: Any, odd: Callable[[Dice], Any] = odd_value) -> Any:
    """A copy of a JSON-like value in which one to three places are changed."""
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        value = _changed(dice, value, odd)
    return value


def _changed(dice: Dice, value: Any, odd: Callable[[Dice], Any]) -> Any:
    # Down to a random place: at each level on, or changed here.
    if isinstance(value, dict) and value:
        key = dice.choice(list(value))
        if dice.random() < 0.75:
            return {**value, key: _changed(dice, value[key], odd)}
        return _changed_mapping(dice, value, key, odd)
    if isinstance(value, list) and value:
        at = dice.randrange(len(value))
        if dice.random() < 0.75:
            return [*value[:at], _changed(dice, value[at], odd), *value[at + 1 :]]
        return dice.choice(
            [
                [*value[:at], *value[at + 1 :]],
                [*value, value[at]],
                value[::-1],
                [*value, odd(dice)],
                [],
            ]
        )
    if isinstance(value, bool):
        return dice.choice([not value, odd(dice)])
    if isinstance(value, int | float) and dice.random() < 0.6:
        return dice.choice(
            [
                value + 1,
                value - 1,
                -value,
                value * 2,
                str(value),
                value / 2 if abs(value) < 1e300 else 0.5,
            ]
        )
    if isinstance(value, str) and value and dice.random() < 0.5:
        at = dice.randrange(len(value))
        return dice.choice(
            [
                value[:at] + value[at + 1 :],
                value[:at] + dice.choice(ODD_TEXTS) + value[at:],
                value.upper(),
                value * 2,
            ]
        )
    return odd(dice)


def _changed_mapping(
    dice: Dice, value: dict[Any, Any], key: Any, odd: Callable[[Dice], Any]
) -> dict[Any, Any]:
    other = dice.choice(list(value))
    rest = {name: inner for name, inner in value.items() if name != key}
    return dice.choice(
        [
            rest,
            {**value, key: odd(dice)},
            {**value, key: value[other], other: value[key]},
            {**rest, dice.choice(ODD_TEXTS): value[key]},
            {**value, f"{key}x": odd(dice)},
        ]
    )


def json_bytes(dice: Dice, value: Any) -> bytes:
    """A value as the bytes of a JSON file, now and then with damage that only bytes can have."""
    text = json.dumps(value, ensure_ascii=dice.random() < 0.5)
    if dice.random() < 0.85:
        return text.encode("utf-8", "surrogatepass")
    return mutate_bytes(dice, text.encode("utf-8", "surrogatepass"))


ODD_BYTES = (
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r",
    b"\r\n",
    b'"',
    b"\t",
    b",",
    b"\\",
    b"\x80" * 40,
    b"\xc3",
    b"\xed\xa0\x80",
    b"{",
    b"[" * 20000,
    b'{"a":' * 2000,
    b"9" * 5000,
    b"NaN",
    b"-Infinity",
    b"null",
    b"\n\n",
    b"a" * 200_000,
)


def mutate_bytes(dice: Dice, content: bytes) -> bytes:
    """A copy of a file in which one to four places are damaged."""
    if dice.random() < 0.05:
        return dice.choice(
            [b"", content.decode("latin-1").encode("utf-16"), b"\xef\xbb\xbf" + content]
        )
    for _ in range(dice.choice([1, 1, 2, 4])):
        content = _damaged(dice, content)
    return content


def _damaged(dice: Dice, content: bytes) -> bytes:
    at = dice.randrange(len(content) + 1)
    end = min(len(content), at + dice.choice([1, 2, 8, 100, 1000]))
    part = content[at:end]
    return dice.choice(
        [
            lambda: content[:at],
            lambda: content[:at] + content[end:],
            lambda: content[:at] + part * dice.choice([2, 3, 100]) + content[end:],
            lambda: content[:at] + dice.choice(ODD_BYTES) + content[at:],
            lambda: content[:at] + bytes(len(part)) + content[end:],
            lambda: content[:at] + dice.randbytes(len(part)) + content[end:],
            lambda: (
                content[:at]
                + bytes(byte ^ (1 << dice.randrange(8)) for byte in part[:1])
                + content[at + 1 :]
            ),
            lambda: content[:at] + part[::-1] + content[end:],
        ]
    )()


ODD_YAML = (
    "2020-13-45",
    "2020-01-01",
    "!!timestamp x",
    "!!int x",
    "!!float x",
    "!!bool x",
    "!!binary $",
    "!!set {a, b}",
    "!!omap [a: 1]",
    "!!pairs [a]",
    "!!python/object:os.system x",
    "!x y",
    "0b",
    "0b_",
    "0x_",
    "0_",
    "0o8",
    "1:99:99",
    "9" * 5000,
    "1e999",
    "1" + "0" * 400,
    "1e400",
    ".nan",
    "-.inf",
    "~",
    "yes",
    "*a",
    "&a [*a]",
    "&a {<<: *a}",
    "{<<: 1}",
    "{<<: [1]}",
    "{a: 1, a: 2}",
    "{1: 2}",
    "{[1]: 2}",
    "{? : }",
    "[",
    "]",
    "{",
    '"',
    "'",
    '"\\U00110000"',
    '"\\ud800"',
    '"\\x00"',
    '"\\n"',
    "|\n  a",
    "@",
    "`",
    "%YAML 9.9",
    "---",
    "...",
    "\t",
    "# x",
    "- - - - x",
    "? x",
    "[" * 3000,
    "{a: " * 3000,
    "- " * 3000,
    "a" * 100_000,
    "é\u2028",
    "\x07",
)


def alias_bomb(dice: Dice) -> str:
    """Few bytes that stand for 10^9 values, as a list, a mapping or merged keys."""
    form = dice.choice(["[{}]", "{{x: [{}]}}", "{{<<: [{}]}}"])
    lines = ["a0: &a0 {x: 1}"]
    for level in range(1, 10):
        lines.append(f"a{level}: &a{level} " + form.format(", ".join([f"*a{level - 1}"] * 10)))
    return "\n".join(lines) + "\n"


def mutate_yaml(dice: Dice, text: str) -> str:
    """A copy of a YAML text in which one to three places are changed."""
    if dice.random() < 0.05:
        return dice.choice([text + alias_bomb(dice), alias_bomb(dice) + text, alias_bomb(dice)])
    for _ in range(dice.choice([1, 1, 2, 3])):
        text = _changed_yaml(dice, text)
    return text


def _changed_yaml(dice: Dice, text: str) -> str:
    lines = text.split("\n")
    at, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    key, colon, _ = lines[at].partition(":")
    odd = dice.choice(ODD_YAML)
    choice = dice.randrange(7)
    if choice == 0:
        del lines[at]
    elif choice == 1:
        lines.insert(at, lines[other])
    elif choice == 2:
        lines[at] = " " * dice.randrange(5) + lines[at]
    elif choice == 3:
        lines[at] = f"{key}: {odd}" if colon else odd
    elif choice == 4:
        lines.insert(at, odd)
    elif choice == 5:
        lines[at], lines[other] = lines[other], lines[at]
    else:
        place = dice.randrange(len(lines[at]) + 1)
        lines[at] = lines[at][:place] + odd + lines[at][place:]
    return "\n".join(lines)
