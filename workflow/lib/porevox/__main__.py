"""``python -m porevox``, the same as the command ``porevox``."""

import sys

from porevox.cli import main

if __name__ == "__main__":
    sys.exit(main())
