import importlib.metadata
import json

import pytest

import tinybert.base.install
from tinybert.base.errors import missing_extra

ORIGIN = tinybert.base.install._origin  # before conftest takes its place


@pytest.fixture
def installed(monkeypatch):
    """Pretends that pip installed the package from somewhere."""

    def pretend(noted):
        class Distribution:
            def read_text(self, name):
                return noted if noted is None or isinstance(noted, str) else json.dumps(noted)

        monkeypatch.setattr(tinybert.base.install, "_origin", ORIGIN)
        monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Distribution())

    return pretend


COMMIT = {"vcs": "git", "commit_id": "abc", "requested_revision": "main"}


@pytest.mark.parametrize(
    ("noted", "command"),
    [
        (None, "pip install 'tinybert[train]'"),
        ("not JSON", "pip install 'tinybert[train]'"),
        ("[]", "pip install 'tinybert[train]'"),
        (
            {"url": "file:///home/me/tinybert", "dir_info": {}},
            "pip install 'tinybert[train] @ file:///home/me/tinybert'",
        ),
        (
            {"url": "file:///home/a%20b/tinybert", "dir_info": {"editable": True}},
            "pip install -e '/home/a b/tinybert[train]'",
        ),
        (
            {"url": "file:///tmp/tinybert-0.1.0-py3-none-any.whl", "archive_info": {}},
            "pip install 'tinybert[train] @ file:///tmp/tinybert-0.1.0-py3-none-any.whl'",
        ),
        (
            {"url": "https://host/tinybert", "vcs_info": COMMIT},
            "pip install 'tinybert[train] @ git+https://host/tinybert@abc'",
        ),
    ],
)
def test_the_command_is_that_of_where_it_came_from(installed, noted, command):
    installed(noted)
    assert str(missing_extra("torch", "train", "to train")) == (
        f"torch is needed to train and is not installed; run: {command}"
    )


def test_a_checkout_that_is_not_installed(installed, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    installed(None)
    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    assert tinybert.base.install.install_command("train") == "pip install 'tinybert[train]'"
