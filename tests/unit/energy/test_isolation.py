"""Mapping in other processes, some of which die or never end."""

import faulthandler
import itertools
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from porevox.energy import isolation
from porevox.energy.isolation import TimeLimit, map_isolated, time_limit


def square_or_die(item):
    """Squares; 3 ends its process at once, 5 is killed as the kernel kills for memory."""
    if item == 3:
        os._exit(1)
    if item == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return item * item


def slow_first(item):
    """The first items take longest, so that results come in the wrong order."""
    time.sleep(0.05 if item < 3 else 0.0)
    return item


def own_process(item):
    return os.getpid()


def stumble(item):
    raise KeyError(item)


def slow(item):
    """Squares; 3 sleeps, 5 computes without end, and neither lets an error through."""
    try:
        if item == 3:
            time.sleep(60)
        while item == 5:
            pass
    except Exception:
        return "swallowed"
    return item * item


def uninterruptible(item):
    """Squares; 3 never returns from compiled code and holds the interpreter's lock, 5 dies."""
    if item == 3:
        sum(itertools.repeat(0))
    return square_or_die(item) if item == 5 else item * item


def late(item):
    return f"late on {item}"


def died(item):
    return f"died on {item}"


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("chunk_size", [1, 4])
def test_results_come_in_order(workers, chunk_size):
    assert list(map_isolated(slow_first, range(20), died, workers, chunk_size)) == list(range(20))


def test_where_processes_cannot_be_forked_they_are_spawned(monkeypatch):
    monkeypatch.setattr("multiprocessing.get_all_start_methods", lambda: ["spawn"])
    assert list(map_isolated(abs, [-1, 2, -3], died, 2, 1)) == [1, 2, 3]


@pytest.mark.parametrize("items", [[], [7]])
def test_fewer_items_than_workers(items):
    assert list(map_isolated(slow_first, items, died, 3)) == items


def blas_threads(_):
    np.linalg.inv(np.eye(2))
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_workers_leave_each_other_their_cores():
    with threadpool_limits(2):
        assert 2 in blas_threads(None)
        (threads,) = map_isolated(blas_threads, [0], None, workers=1)
    assert set(threads) == {1}


def test_two_workers_are_other_processes():
    processes = set(map_isolated(own_process, range(40), died, 2, 1))
    assert os.getpid() not in processes
    assert 1 <= len(processes) <= 2


@pytest.mark.parametrize("chunk_size", [1, 4, 100])
def test_only_the_culprits_are_lost(chunk_size):
    expected = [died(item) if item in (3, 5) else item * item for item in range(30)]
    assert list(map_isolated(square_or_die, range(30), died, 2, chunk_size)) == expected


def test_items_that_all_die():
    assert list(map_isolated(square_or_die, [3, 3, 5, 3], died, 2, 1)) == [
        died(item) for item in (3, 3, 5, 3)
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_is_no_crash(workers):
    with pytest.raises(KeyError):
        list(map_isolated(stumble, range(5), died, workers))


def test_items_are_taken_as_results_are_asked_for():
    taken = []

    def items():
        for item in range(1000):
            taken.append(item)
            yield item

    results = map_isolated(slow_first, items(), died, 2, chunk_size=2)
    next(results)
    # 3 chunks of 2 under way for each of 2 workers.
    assert len(taken) <= 12
    results.close()


ORPHANS = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from porevox.energy import isolation
isolation._ORPHAN_CHECK_S = 0.1

def hang(item):
    os.write(1, f"{os.getpid()}\\n".encode())  # one write: two processes share the pipe
    time.sleep(60)

list(isolation.map_isolated(hang, range(2), None, 2, 1))
"""


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc to look at processes")
def test_workers_of_a_killed_parent_end(root, tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(ORPHANS)
    command = [sys.executable, str(script), str(root / "workflow" / "lib")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        workers = [int(parent.stdout.readline()) for _ in range(2)]
        assert all(alive(worker) for worker in workers)
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + 60.0
        while any(alive(worker) for worker in workers) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(alive(worker) for worker in workers)


# Time


@pytest.mark.parametrize("chunk_size", [1, 4])
def test_only_the_items_that_take_too_long_are_lost(chunk_size):
    start = time.monotonic()
    results = list(map_isolated(slow, range(10), died, 2, chunk_size, limit_s=0.3, timed_out=late))
    assert results == [late(item) if item in (3, 5) else item * item for item in range(10)]
    # Interrupted, not killed: nothing was done twice.
    assert time.monotonic() - start < 5.0


@pytest.mark.parametrize("chunk_size", [1, 4])
def test_what_cannot_be_interrupted_is_killed_and_found(chunk_size, monkeypatch, capfd):
    monkeypatch.setattr(isolation, "_GRACE_S", 1.0)
    items = [0, 1, 2, 3, 4, 5, 6, 7]
    results = list(map_isolated(uninterruptible, items, died, 2, chunk_size, limit_s=1.0, timed_out=late))
    assert results == [0, 1, 4, late(3), 16, died(5), 36, 49]
    # Where it was stuck is in the log.
    assert "in uninterruptible" in capfd.readouterr().err


def test_items_in_time_are_not_disturbed():
    results = map_isolated(slow_first, range(20), died, 2, 4, limit_s=30.0, timed_out=late)
    assert list(results) == list(range(20))


def test_an_exception_comes_through_a_time_limit():
    with pytest.raises(KeyError):
        list(map_isolated(stumble, range(5), died, 1, limit_s=30.0, timed_out=late))


def test_a_block_is_interrupted_and_leaves_no_timer():
    before = signal.getsignal(signal.SIGALRM)
    start = time.monotonic()
    with pytest.raises(TimeLimit, match="longer than 0.05 s"), time_limit(0.05):
        time.sleep(20.0)
    assert time.monotonic() - start < 10.0
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_block_in_time_leaves_no_timer(monkeypatch):
    monkeypatch.setattr(isolation, "_GRACE_S", 0.0)
    for _ in range(100):
        with time_limit(0.2):
            pass
    # Were one of them left, this process would end here.
    time.sleep(0.5)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_no_limit_sets_no_timer(monkeypatch):
    monkeypatch.setattr(faulthandler, "dump_traceback_later", None)
    with time_limit(None):
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_other_threads_have_only_the_hard_limit():
    seen = []

    def block():
        with time_limit(0.05):
            time.sleep(0.2)
        seen.append("done")

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert seen == ["done"]
