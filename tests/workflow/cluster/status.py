"""Print running, success or failed for a job of ``submit.py``."""

import sys
from pathlib import Path

print((Path(sys.argv[1]) / sys.argv[2] / "state").read_text().strip())
