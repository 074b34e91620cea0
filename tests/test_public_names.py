import importlib
import pkgutil

import pytest

import tinybert


@pytest.mark.parametrize("name", tinybert.__all__)
def test_every_public_name_is_there(name):
    assert getattr(tinybert, name) is not None


def test_completion_shows_every_public_name():
    assert {*tinybert.__all__} <= {*dir(tinybert)}


def test_no_module_hides_a_public_name():
    """Importing a module sets its name on the package: the function there would be gone."""
    modules = {module.name for module in pkgutil.iter_modules(tinybert.__path__)}
    assert not modules & set(tinybert.__all__)


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'shrink'"):
        importlib.import_module("tinybert").shrink  # noqa: B018
