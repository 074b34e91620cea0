"""What may become of a damaged input."""

import re
from pathlib import Path

LONGEST_MESSAGE = 600

RESULT, COMPARED, REFUSED = "result", "result, as Transformers'", "refused"
"""What is well."""

TEXTS = ["a good film", "dull", "the plot is very long, but the acting isn't: it is great!", "é 中"]
"""What models are asked."""


class WrongAnswer(Exception):
    """The program answered, and something else than it should."""


def judged(message: str, work: Path) -> dict[str, str]:
    """Whether a refusal is one line, short, and says what it is about."""
    names = [str(work), "--set ", "recipe: ", "threads", *(path.name for path in work.iterdir())]
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", message):
        return {"outcome": "more than a line", "detail": message[:2000]}
    if len(message) > LONGEST_MESSAGE:
        return {"outcome": "long message", "detail": message[:2000]}
    if not any(name in message for name in names):
        return {"outcome": "nameless message", "detail": message}
    return {"outcome": REFUSED, "detail": message}
