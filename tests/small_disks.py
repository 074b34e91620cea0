"""Runs a recipe on disks that are too small, then with room; `test_full_disk` starts it as root.

    unshare --mount python small_disks.py DISK RECIPE SHARE...

DISK is where the disks are mounted, seen by this process alone; a SHARE is of what a run needs.
Prints a JSON list: the undisturbed run, then for each share how both runs ended.
"""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOM = 256 * 1024  # KiB
TIMES = ("seconds", "machine")


def mount(disk, kilobytes, *options):
    size = ",".join([f"size={kilobytes}k", *options])
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", disk], check=True)


def used(disk):
    found = os.statvfs(disk)
    return (found.f_blocks - found.f_bfree) * found.f_frsize // 1024


def run(disk, recipe):
    """`tinybert compress` in a fork, which has all imports paid: its exit code and stderr."""
    with tempfile.TemporaryFile(dir=recipe.parent) as said:
        process = os.fork()
        if not process:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(said.fileno(), 2)
            from tinybert.cli.main import main

            os._exit(main(["compress", str(recipe), "--out", str(disk / "out")]))
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        said.seek(0)
        return {"code": code, "stderr": said.read().decode()}


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def content(out):
    """Hashes of all in a finished OUT but its steps; of report.json what no clock tells."""
    found = {}
    for file in sorted(out.rglob("*")):
        name = file.relative_to(out).as_posix()
        told = ("report.html", "README.md", "manifest.json")  # the first two repeat the report
        if file.is_file() and not name.startswith((".", "steps/")) and name not in told:
            content = file.read_bytes()
            if name == "report.json":
                content = json.dumps(without_times(json.loads(content))).encode()
            found[name] = hashlib.sha256(content).hexdigest()
    return found


def main():
    disk, recipe = Path(sys.argv[1]), Path(sys.argv[2])
    place = Path(__file__).with_name("conftest.py")
    spec = importlib.util.spec_from_file_location("conftest", place)
    conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conftest)
    import tinybert.formats.onnx.convert
    import tinybert.run.artifacts
    import tinybert.run.compress

    tinybert.run.artifacts.bench = conftest.bench_by_facts
    os.environ["TINYBERT_CACHE"] = str(disk / "cache")
    mount(disk, ROOM)
    results = [{**run(disk, recipe), "content": content(disk / "out")}]
    needed = used(disk)
    subprocess.run(["umount", disk], check=True)
    for share in map(float, sys.argv[3:]):
        mount(disk, max(4, int(share * needed)))
        full = run(disk, recipe)
        mount(disk, ROOM, "remount")
        again = run(disk, recipe)
        results.append({"share": share, "full": full, "again": again})
        results[-1]["content"] = content(disk / "out")
        subprocess.run(["umount", disk], check=True)
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main()
