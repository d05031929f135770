"""Run work in other processes so that one item that kills its process costs only itself."""

import logging
import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any

_log = logging.getLogger(__name__)
#: Chunks under way per worker: enough that none waits, few enough that memory stays small.
_CHUNKS_PER_WORKER = 3
#: How often a worker looks whether the process that started it still lives, s.
_ORPHAN_CHECK_S = 2.0


def map_isolated(
    work: Callable[[Any], Any],
    items: Iterable[Any],
    crashed: Callable[[Any], Any],
    workers: int,
    chunk_size: int = 8,
) -> Iterator[Any]:
    """Map over items in processes of their own, in order, surviving the death of any of them.

    When a worker dies, every chunk that was under way is done again item by item in a process
    with nothing else to do; an item whose process dies again is the culprit.

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

    Yields
    ------
    object
        One result per item, in the order of the items.

    Raises
    ------
    Exception
        Whatever `work` raises: only a dying process is handled here.
    """
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
                results = _one_by_one(work, chunk, crashed)
            yield from results
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _run_chunk(work: Callable[[Any], Any], chunk: list) -> list:
    return [work(item) for item in chunk]


def _one_by_one(work: Callable, chunk: list, crashed: Callable) -> Iterator[Any]:
    pool = _pool(1)
    try:
        for item in chunk:
            try:
                yield pool.submit(work, item).result()
            except BrokenProcessPool:
                pool = _replaced(pool, 1)
                yield crashed(item)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pool(workers: int) -> ProcessPoolExecutor:
    # A forked worker starts at once, with every module loaded and every kernel compiled.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    return ProcessPoolExecutor(
        workers, mp_context=context, initializer=_leave_no_orphan, initargs=(os.getpid(),)
    )


def _replaced(pool: ProcessPoolExecutor, workers: int) -> ProcessPoolExecutor:
    _log.warning("a worker process died; what it was doing is done again item by item")
    pool.shutdown(wait=True, cancel_futures=True)
    return _pool(workers)


def _leave_no_orphan(parent: int) -> None:
    """End this worker when its parent is gone: a killed job cannot tell its workers to stop."""

    def watch():
        while os.getppid() == parent:
            time.sleep(_ORPHAN_CHECK_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
