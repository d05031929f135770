"""What a script shows: one sentence for the user, everything else in the log."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
sys.path.insert(0, {lib!r})
from porevox.errors import PorevoxError
from porevox.job import job
with job({log!r}, "the work") as progress:
    {body}
"""


@pytest.fixture
def run(tmp_path, root):
    def run_body(body):
        script = SCRIPT.format(lib=str(root / "workflow/lib"), log=str(tmp_path / "logs/x.log"), body=body)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        return done, (tmp_path / "logs/x.log").read_text()

    return run_body


def test_user_errors_are_one_sentence_without_a_traceback(run):
    done, log = run("raise PorevoxError('The table x.csv is empty; fill it.')")
    assert done.returncode == 1
    assert "porevox: The table x.csv is empty; fill it." in done.stderr
    assert "Traceback" not in done.stderr and "x.csv is empty" in log


def test_a_full_disk_is_one_sentence(run):
    done, log = run("open('/dev/full', 'w').write('x' * 100000)")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr and "run the same command again" in done.stderr


def test_our_own_bugs_stay_loud(run):
    done, log = run("1 / 0")
    assert done.returncode != 0 and "ZeroDivisionError" in done.stderr and "ZeroDivisionError" in log


def test_progress_goes_to_the_log_when_nobody_watches(run):
    done, log = run("[progress(k, 100) for k in range(101)]")
    assert done.returncode == 0 and done.stderr == ""
    assert log.count("the work: ") == 11 and "the work: 50 of 100" in log and "done: the work" in log


def test_the_log_tells_of_this_try_and_the_history_of_all(run, tmp_path):
    run("progress(1, 1)")
    _, log = run("progress(1, 1)")
    assert log.count("start: the work") == 1
    assert (tmp_path / "logs/x.history.log").read_text().count("start: the work") == 2


def test_bytes_are_told_in_megabytes(run, tmp_path, root):
    _, log = run("progress(2, 4)")
    assert "the work: 2 of 4" in log
    body = "pass\nwith job(%r, 'x.tgz', unit='B') as progress: progress(1_250_000, 5_000_000_000)"
    _, log = run(body % str(tmp_path / "logs/x.log"))
    assert "x.tgz: 1.2 MB of 5000.0 MB" in log
