"""`tinybert evaluate`."""

import json

from tinybert.cli.main import main


def test_the_task_is_the_models_own_unless_it_is_named(tiny_artifact_dir, tmp_path, capsys):
    data = tmp_path / "eval.tsv"
    data.write_text("sentence\tlabel\ngood\tpositive\na bad film\tnegative\n", encoding="utf-8")
    command = ["evaluate", str(tiny_artifact_dir), "--data", str(data), "--json"]
    assert main(command) == 0
    own = json.loads(capsys.readouterr().out)
    assert main([*command, "--task", "text-classification"]) == 0
    assert json.loads(capsys.readouterr().out) == own
    assert own["rows"] == 2
