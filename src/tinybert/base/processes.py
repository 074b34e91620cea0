"""Processes of ours: another Python that finds the same packages, and none in the current folder.

`python -m` and `python -c` look there first, so that a downloaded model's `numpy.py` would run.
"""

import sys
from pathlib import Path

import tinybert

# Before anything is imported but `sys`, which is built in. The only empty entry is the current
# folder's: those of PYTHONPATH are made absolute. `-P` and `-I` are no way out: Python 3.10 does
# not know the one, and the other forgets PYTHONPATH and the user's own packages. This package is
# taken from its file: the folder that it was found in may be one to take nothing else from.
_PROGRAM = """
import sys
sys.path[:] = [folder for folder in sys.path if folder]
from importlib import import_module, util
spec = util.spec_from_file_location("tinybert", sys.argv[2])
sys.modules["tinybert"] = util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["tinybert"])
import_module(sys.argv[1]).main()
"""


def python_command(module: str) -> list[str]:
    """The command that runs the `main` of one of our modules in a process of its own.

    Example:
        >>> python_command("tinybert.measure.worker")[-2]
        'tinybert.measure.worker'
    """
    return [sys.executable, "-c", _PROGRAM, module, str(Path(tinybert.__file__).resolve())]
