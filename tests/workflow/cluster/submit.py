"""A batch system of one machine: run the given job script in the background, print the job's number.

What became of the job stands in ``<folder>/<number>``; ``status.py`` reads it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

folder, script = Path(sys.argv[1]), Path(sys.argv[-1])
folder.mkdir(parents=True, exist_ok=True)
number = Path(tempfile.mkdtemp(prefix="job-", dir=folder))
(number / "state").write_text("running")
# the script lies in the submitter's temporary folder, as on a cluster it would be copied on submission
(number / "script.sh").write_text(script.read_text())
run = 'sh "$0/script.sh" > "$0/log" 2>&1 && s=success || s=failed; echo $s > "$0/new"; mv "$0/new" "$0/state"'
with open("/dev/null") as nothing:
    subprocess.Popen(
        ["sh", "-c", run, str(number)],
        stdin=nothing,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
print(number.name)
