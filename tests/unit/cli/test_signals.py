"""Signals: turned into one exception, put back afterwards, and never lost."""

import os
import signal
import subprocess
import sys

import pytest

from porevox.cli import main, signals
from porevox.errors import PorevoxError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_command_and_tells_its_exit_status(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), signals.stopped_by_signals():
        os.kill(os.getpid(), number)
    assert signals.exit_status() == 128 + number
    assert signal.getsignal(number) == before


FORKING = """
import os, signal, sys, time
asked = []
def ask():
    if not asked:
        asked.append(os.kill(os.getpid(), signal.SIGTERM))
os.register_at_fork(after_in_parent=ask)
sys.path.insert(0, sys.argv[1])
from porevox.cli import main, signals
from porevox.errors import PorevoxError
try:
    with signals.stopped_by_signals():
        if os.fork() == 0:
            os._exit(0)
        print("forked", flush=True)
        time.sleep(20)
except KeyboardInterrupt:
    sys.exit(signals.exit_status())
"""


def test_a_signal_that_comes_while_a_process_is_forked_is_not_lost(root):
    arguments = [sys.executable, "-c", FORKING, root / "workflow" / "lib"]
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=15)
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + signal.SIGTERM, "forked\n", "")


def test_steps_that_belong_together_are_not_torn_apart():
    done = []
    with signals.stopped_by_signals():
        with signals.undisturbed():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("after the signal")
        with pytest.raises(KeyboardInterrupt), signals.undisturbed():
            done.append("begun all the same")
    assert done == ["after the signal"]
    with signals.stopped_by_signals(), signals.undisturbed():
        pass  # that was the former command


TORN = """
import os, signal, sys, time
sys.path.insert(0, sys.argv[1])
from porevox.cli import main, signals
from porevox.errors import PorevoxError
class Torn:
    def __init__(self):
        os.kill(os.getpid(), signal.SIGINT)
        self.key = 1
    def __del__(self):
        self.key
class Loses:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
with signals.stopped_by_signals():
    try:
        {deed}
        time.sleep(20)
    except KeyboardInterrupt:
        status = signals.exit_status()
sys.exit(status)
"""


@pytest.mark.parametrize(
    "deed",
    [
        pytest.param("Torn()", id="torn apart while it is made"),
        pytest.param("a = Loses(); a = None", id="raised in a finalizer"),
    ],
)
def test_what_a_signal_tears_apart_neither_shouts_nor_loses_it(root, deed):
    arguments = [sys.executable, "-c", TORN.format(deed=deed), root / "workflow" / "lib"]
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=15)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGINT, "")


def test_other_faults_of_finalizers_are_still_told(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)

    class Faulty:
        def __del__(self):
            raise ValueError("a fault of its own")

    with signals.stopped_by_signals():
        Faulty()
    assert [str(one.exc_value) for one in told] == ["a fault of its own"]


@pytest.mark.parametrize(
    "error", [RuntimeError("cannot join thread"), OSError(5, "torn"), PorevoxError("odd")]
)
def test_errors_on_the_way_out_do_not_hide_that_it_was_stopped(monkeypatch, capsys, error):
    """As when the pool of processes was being started: the end of a thread that never began."""

    def torn(options):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):
                pass
        finally:
            raise error

    monkeypatch.setattr("porevox.cli.voxelize.run", torn)
    assert main(["voxelize", "cifs", "-o", "out.npy"]) == 128 + signal.SIGTERM
    assert capsys.readouterr().err.strip() == "porevox: stopped; no file was written."
