"""`python -m tinybert`, which is what `torchrun -m tinybert` needs."""

import os
import sys

if __name__ == "__main__":
    # `-m` puts the current folder first on the path, where a downloaded model's `numpy.py` may
    # lie. Python itself may have looked there by now, which `python -P -m` prevents.
    if not getattr(sys.flags, "safe_path", False) and sys.path[:1] == [os.getcwd()]:
        del sys.path[0]
    from tinybert.cli.main import main

    sys.exit(main())
