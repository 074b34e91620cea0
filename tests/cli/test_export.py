"""`tinybert export`."""

import json

from tinybert.cli.main import main


def test_it_says_what_the_files_parity_is(tiny_bert_dir, tmp_path, capsys):
    command = ["export", str(tiny_bert_dir), "--to", "onnx", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    path = str(tmp_path / "out" / "onnx" / "model.onnx")
    said = capsys.readouterr()
    assert said.out == f"{path}\n"
    assert f"{path}: its logits differ from PyTorch's by " in said.err
    assert main([*command, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["files"] == {"onnx": path}
    assert 0 <= printed["parity"]["onnx"]["max_abs_diff"] < 1e-4
