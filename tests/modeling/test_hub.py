import os
import shutil

import pytest

from tinybert.base.errors import InputError
from tinybert.formats.open import open_model
from tinybert.modeling.load import load_tokenizer


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]
)
def test_a_model_with_a_pipe_for_a_file(name, tiny_bert_dir, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_bert_dir, folder)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    for use in (lambda: open_model(folder).require_predictions(), lambda: load_tokenizer(folder)):
        with pytest.raises(InputError, match=rf"{name}: is a pipe; expected a file"):
            use()
