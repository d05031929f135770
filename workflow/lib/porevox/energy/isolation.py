"""Run work in other processes so that one item that kills its process, or never ends, costs only itself."""

import faulthandler
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

from threadpoolctl import threadpool_limits

_log = logging.getLogger(__name__)
#: Chunks under way per worker: enough that none waits, few enough that memory stays small.
_CHUNKS_PER_WORKER = 3
#: How often a worker looks whether the process that started it still lives, s.
_ORPHAN_CHECK_S = 2.0
#: How long after its limit an item that cannot be interrupted keeps its process, s.
_GRACE_S = 10.0
#: Where the traceback of such a process goes: its standard error.
_STDERR = 2


class TimeLimit(BaseException):
    """An item took longer than it may.

    No ``Exception``: the nets that turn unforeseen errors into rejections must not catch it.
    """


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Limit the wall-clock time of a block.

    When the time is up, :class:`TimeLimit` is raised in the block. Compiled code that does not
    return to the interpreter cannot be interrupted so: when it has kept the processor a few
    seconds longer, the system ends the process. Not to be nested, since both timers are one per
    process.

    Parameters
    ----------
    seconds : float or None
        Above zero; None for no limit.

    Raises
    ------
    TimeLimit
        The time is up. Only in the main thread and where the system has alarms; elsewhere there is
        no limit.
    """
    if seconds is None:
        yield
        return
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    active = True

    def interrupt(*_):
        if active:
            raise TimeLimit(f"took longer than {seconds:g} s")

    previous = signal.signal(signal.SIGALRM, interrupt)
    # What this signal does by itself is to end the process; that needs no interpreter.
    signal.setitimer(signal.ITIMER_PROF, seconds + _GRACE_S)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            yield
        finally:
            active = False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGALRM, previous)


def map_isolated(
    work: Callable[[Any], Any],
    items: Iterable[Any],
    crashed: Callable[[Any], Any],
    workers: int,
    chunk_size: int = 8,
    limit_s: float | None = None,
    timed_out: Callable[[Any], Any] | None = None,
) -> Generator[Any, None, None]:
    """Map over items in processes of their own, in order, surviving the death of any of them.

    When a worker dies, every chunk that was under way is done again item by item in a process
    with nothing else to do; an item whose process dies again is the culprit. An item that takes
    too long is interrupted, or its process ends and it is found in the same way.

    Parameters
    ----------
    work : callable
        Called with one item; it must be picklable, and so must what it returns.
    items : iterable
        Consumed as results are asked for, never all at once.
    crashed : callable
        Called here with an item whose process died; what it returns stands for the result.
    workers : int
        Processes.
    chunk_size : int
        Items sent to a worker at a time.
    limit_s : float, optional
        Wall-clock time an item may take, s; by default any. See :func:`time_limit`.
    timed_out : callable, optional
        Called, here or in a worker, with an item that took longer; what it returns stands for
        the result. It must be picklable, and is needed with `limit_s`.

    Yields
    ------
    object
        One result per item, in the order of the items.

    Raises
    ------
    Exception
        Whatever `work` raises: only a dying process and time are handled here.
    """
    if limit_s is not None:
        assert timed_out is not None  # comes with a limit
        work = partial(_within, work, limit_s, timed_out)
    items = iter(items)
    under_way: deque = deque()
    pool = _pool(workers)
    try:
        while True:
            while len(under_way) < _CHUNKS_PER_WORKER * workers:
                chunk = list(islice(items, chunk_size))
                if not chunk:
                    break
                try:
                    future = pool.submit(_run_chunk, work, chunk)
                except BrokenProcessPool:  # it broke since the last result was looked at
                    pool = _replaced(pool, workers)
                    future = pool.submit(_run_chunk, work, chunk)
                under_way.append((chunk, future, pool))
            if not under_way:
                break
            chunk, future, its_pool = under_way.popleft()
            try:
                results = future.result()
            except BrokenProcessPool:
                if its_pool is pool:
                    pool = _replaced(pool, workers)
                results = _one_by_one(work, chunk, crashed, limit_s, timed_out)
            yield from results
    except BaseException:
        _hang_up(pool)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _hang_up(pool: ProcessPoolExecutor) -> None:
    """Let the thread that reads results see the end of them once no worker is left.

    A worker that is killed while it sends a result leaves that thread waiting for the rest, for
    ever: this process holds the sending end of the pipe, too.
    """
    writer = getattr(getattr(pool, "_result_queue", None), "_writer", None)
    if writer is not None and not writer.closed:
        writer.close()


def _within(work: Callable, limit_s: float, timed_out: Callable, item: Any) -> Any:
    try:
        with time_limit(limit_s):
            return work(item)
    except TimeLimit:
        return timed_out(item)


def _run_chunk(work: Callable[[Any], Any], chunk: list) -> list:
    return [work(item) for item in chunk]


def _one_by_one(
    work: Callable, chunk: list, crashed: Callable, limit_s: float | None, timed_out: Callable | None
) -> Iterator[Any]:
    pool = _pool(1)
    try:
        for item in chunk:
            start = time.monotonic()
            try:
                yield pool.submit(work, item).result()
            except BrokenProcessPool:
                pool = _replaced(pool, 1)
                # The system counts a process's time in ticks and may end it before the grace is over; no
                # item in time is still at work after its limit.
                late = limit_s is not None and time.monotonic() - start >= limit_s
                yield timed_out(item) if late and timed_out is not None else crashed(item)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pool(workers: int) -> ProcessPoolExecutor:
    # A forked worker starts at once, with every module loaded and every kernel compiled.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare, initargs=(os.getpid(),))


def _replaced(pool: ProcessPoolExecutor, workers: int) -> ProcessPoolExecutor:
    _log.warning("a worker process died; what it was doing is done again item by item")
    pool.shutdown(wait=True, cancel_futures=True)
    return _pool(workers)


def _prepare(parent: int) -> None:
    """Set up a worker: it tells where it was stuck when its time is up, and outlives no parent."""
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGPROF, file=_STDERR, chain=True)
    # Linear algebra keeps to one core: the other workers are busy on theirs.
    threadpool_limits(1)
    _leave_no_orphan(parent)


def _leave_no_orphan(parent: int) -> None:
    """End this worker when its parent is gone: a killed job cannot tell its workers to stop."""

    def watch():
        while os.getppid() == parent:
            time.sleep(_ORPHAN_CHECK_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
