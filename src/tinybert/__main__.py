"""`python -m tinybert`, which is what `torchrun -m tinybert` needs."""

import sys

from tinybert.cli import main

if __name__ == "__main__":
    sys.exit(main())
