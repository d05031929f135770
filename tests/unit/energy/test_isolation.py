"""Mapping in other processes, some of which die."""

import os
import signal
import subprocess
import sys
import time

import pytest

from porevox.energy.isolation import map_isolated


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
