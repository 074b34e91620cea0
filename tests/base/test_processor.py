import pytest

from tinybert.base.processor import sums_saturate


@pytest.mark.parametrize(
    ("machine", "flags", "saturate"),
    [
        ("x86_64", "flags\t\t: fpu sse4_2 avx2", True),
        ("x86_64", "flags\t\t: fpu avx2 avx512f avx512_vnni", False),
        ("x86_64", "flags\t\t: fpu avx2 avx_vnni", False),
        ("aarch64", "Features\t: fp asimd", False),
        ("x86_64", "", False),
    ],
)
def test_by_what_the_system_tells(machine, flags, saturate, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{flags}\n")
    monkeypatch.setattr("tinybert.base.processor._CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert sums_saturate() is saturate


def test_a_system_that_tells_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tinybert.base.processor._CPUINFO", tmp_path / "absent")
    assert not sums_saturate()
