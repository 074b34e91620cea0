"""The names that an output folder's files have are known before a run."""

from pathlib import PurePosixPath

import pytest

from tinybert.base.files import is_plain_name
from tinybert.formats.registry import USUAL_ARTIFACTS
from tinybert.report.publish import published_names, sure_names


@pytest.mark.parametrize("export", [[], ["onnx"], ["openvino"], ["onnx", "openvino"]])
def test_what_is_sure_may_be_written(export):
    """Each file itself, or the folder that it is in, is kept free of what a run reads."""
    for name in sure_names(export):
        places = {name, *map(str, PurePosixPath(name).parents)}
        assert places & published_names(), name
        assert is_plain_name(name)


def test_each_target_adds_its_own_files():
    onnx, openvino = (sure_names([target]) - sure_names([]) for target in ("onnx", "openvino"))
    assert onnx == {"onnx/model.onnx"}
    assert openvino == {"openvino/model.xml", "openvino/model.bin"}


def test_the_folders_of_all_artifacts_are_among_the_names():
    assert {name.partition("/")[0] for name in USUAL_ARTIFACTS} <= published_names()
