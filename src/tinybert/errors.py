"""The one exception that means: the input is wrong, not the program."""


class InputError(ValueError):
    """What the user gave us can't be used.

    Its text is the whole message: it names the file, row, field or option, and
    says what to do about it. The command line prints it alone and exits with 2.

    Example:
        >>> raise InputError("data.tsv: no column 'sentence'; it has: text, label")
        Traceback (most recent call last):
        ...
        tinybert.errors.InputError: data.tsv: no column 'sentence'; it has: text, label
    """


def missing_extra(package: str, extra: str, purpose: str) -> InputError:
    """The error for an optional package that is not installed.

    Example:
        >>> print(missing_extra("torch", "train", "to train"))
        torch is needed to train and is not installed; run: pip install 'tinybert[train]'
    """
    return InputError(
        f"{package} is needed {purpose} and is not installed; run: pip install 'tinybert[{extra}]'"
    )


class WorkerKilled(RuntimeError):
    """A process of ours was ended from outside, most often because memory ran out."""
