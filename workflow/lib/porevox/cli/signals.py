"""Ctrl-C and polite kills: workers end at once, and the command cleans up after itself."""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: The alarm only repeats one of the others.
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
#: How soon a signal that came at a bad time is seen to, s.
_SOON_S = 0.05


class _State:
    """Of the command that is running: its process, the signal it got, and whether to wait."""

    unraisable: Callable[[Any], Any] = staticmethod(sys.unraisablehook)
    process = 0
    received = 0
    waiting = 0


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Turn signals that ask for an end into KeyboardInterrupt, after ending all workers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _State.process, _State.received, _State.waiting = os.getpid(), 0, 0
    former = {number: signal.signal(number, _stop) for number in _STOPPING}
    _State.unraisable, sys.unraisablehook = sys.unraisablehook, _heed_lost
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if _State.received:
            gc.collect()  # what was torn apart ends here, where its complaints are not heard
        sys.unraisablehook = _State.unraisable
        _State.process = 0
        for number, handler in former.items():
            signal.signal(number, handler)


def _stop(number: int, _frame) -> None:
    if os.getpid() != _State.process:
        os._exit(128 + number)  # a forked worker: the parent cleans up
    if number != signal.SIGALRM:
        _State.received = number
    if not _State.waiting:
        for worker in multiprocessing.active_children():
            worker.kill()
        raise KeyboardInterrupt


def _heed_lost(lost) -> None:
    """See to an exception that the interpreter could not raise, as in a finalizer."""
    if not _State.received:
        _State.unraisable(lost)
    elif issubclass(lost.exc_type, KeyboardInterrupt):
        signal.setitimer(signal.ITIMER_REAL, _SOON_S)
    # Else an object that the signal tore apart half-made: of no interest any more.


def asked_to_stop() -> bool:
    """Return whether a signal has asked the running command to stop.

    Returns
    -------
    bool
    """
    return _State.received != 0


def exit_status() -> int:
    """Return the exit status of a command that was stopped, 128 plus the signal's number.

    Returns
    -------
    int
    """
    return 128 + (_State.received or signal.SIGINT)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let signals wait for the end of a few steps that belong together.

    Raises
    ------
    KeyboardInterrupt
        One came already.
    """
    if _State.received:
        raise KeyboardInterrupt
    _State.waiting += 1
    try:
        yield
    finally:
        _State.waiting -= 1


# While a process is forked, the interpreter runs functions that must not be torn apart, and loses
# the exceptions that are raised in them.
def _before_fork() -> None:
    _State.waiting += 1


def _after_fork() -> None:
    _State.waiting -= 1
    if _State.received and _State.process == os.getpid():
        signal.setitimer(signal.ITIMER_REAL, _SOON_S)


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork)
