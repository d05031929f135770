"""Which GPUs there are, and that trainings take different ones: with real processes and real locks."""

import os
import select
import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest

from porevox.learning.devices import device_names, leased_device, training_threads, visible_devices

#: Takes a device, says which one, and holds it until told to go on (or killed).
HOLDER = """
import sys
from pathlib import Path
from porevox.learning.devices import leased_device
folder, names, jobs = Path(sys.argv[1]), sys.argv[2].split(","), int(sys.argv[3])
environ = dict(pair.split("=") for pair in sys.argv[4:])
print("looking", flush=True)
with leased_device(names, jobs, folder, environ, pause_s=0.01) as found:
    print(found, flush=True)
    sys.stdin.readline()
"""


class Holder:
    """A process that holds one of the devices `names`."""

    def __init__(self, root, folder, names="0,1", jobs=1, **environ):
        arguments = [str(folder), names, str(jobs), *(f"{key}={value}" for key, value in environ.items())]
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, *arguments],
            env={**os.environ, "PYTHONPATH": str(root / "workflow" / "lib")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # nothing is read before it is asked for
        )
        self.looks = False

    def device(self) -> int:
        """Wait until it holds a device."""
        self.look()
        return int(self.process.stdout.readline())

    def look(self) -> None:
        """Wait until it looks for a device."""
        if not self.looks:
            assert self.process.stdout.readline() == b"looking\n"
        self.looks = True

    def waits(self) -> bool:
        """Whether it holds none after a while."""
        self.look()
        return not select.select([self.process.stdout], [], [], 0.4)[0]

    def end(self) -> None:
        self.process.communicate(b"\n", timeout=30)


@pytest.fixture
def hold(root, tmp_path):
    """Start holders, all with the same folder of locks."""
    with ExitStack() as stack:

        def start(*arguments, **keywords):
            holder = Holder(root, tmp_path / "locks", *arguments, **keywords)
            stack.callback(holder.process.wait)
            stack.callback(holder.process.kill)
            return holder

        yield start


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("0", ["0"]),
        ("2,3", ["2", "3"]),
        (" 2 , 3 ", ["2", "3"]),
        ("GPU-8932f937-d72c,MIG-GPU-5/1/0", ["GPU-8932f937-d72c", "MIG-GPU-5/1/0"]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("1,-1,0", ["1"]),
    ],
)
def test_what_a_batch_system_gives_is_what_there_is(tmp_path, chosen, names):
    (tmp_path / "nvidia0").touch()
    assert visible_devices({"CUDA_VISIBLE_DEVICES": chosen}, tmp_path) == names


def test_devices_are_counted_without_loading_anything(tmp_path):
    assert visible_devices({}, tmp_path) == []
    for name in ("nvidia0", "nvidia3", "nvidiactl", "nvidia-uvm", "nvidia-modeset"):
        (tmp_path / name).touch()
    # the system's numbers are not CUDA's: the only device of a container may be /dev/nvidia3
    assert visible_devices({}, tmp_path) == ["0", "1"]


def test_linux_as_a_guest_of_windows(tmp_path):
    (tmp_path / "dxg").touch()
    assert visible_devices({}, tmp_path) == ["0"]


def test_names_are_as_many_as_the_devices_that_there_are():
    assert device_names(2, {}) == ["0", "1"]
    assert device_names(2, {"CUDA_VISIBLE_DEVICES": "3,GPU-a"}) == ["3", "GPU-a"]
    assert device_names(2, {"CUDA_VISIBLE_DEVICES": "3,5,7"}) == ["3", "5"]
    assert device_names(2, {"CUDA_VISIBLE_DEVICES": "3"}) == ["0", "1"]


@pytest.mark.parametrize(
    ("cores", "n_slots", "threads"),
    [(64, 4, 8), (16, 4, 4), (2, 4, 1), (None, 4, 8), (64, 0, 8), (8, 1, 8), (6, 1, 6)],
)
def test_no_gpu_waits_for_cores(cores, n_slots, threads):
    assert training_threads(8, cores, n_slots) == threads
    assert not cores or not n_slots or threads * min(n_slots, cores) <= cores


def test_two_processes_take_different_devices_and_a_third_waits_for_one(hold):
    first, second = hold(), hold()
    taken = [first.device(), second.device()]
    assert sorted(taken) == [0, 1]
    third = hold()
    assert third.waits()
    second.end()
    assert third.device() == taken[1]


def test_a_killed_process_holds_nothing(hold):
    first = hold("0")
    first.device()
    waiting = hold("0")
    assert waiting.waits()
    os.kill(first.process.pid, signal.SIGKILL)
    assert waiting.device() == 0


def test_devices_are_shared_evenly_where_that_is_allowed(hold):
    holders = [hold("0,1", 2) for _ in range(4)]
    taken = [holder.device() for holder in holders]
    assert sorted(taken) == [0, 0, 1, 1]
    fifth = hold("0,1", 2)
    assert fifth.waits()
    holders[2].end()
    assert fifth.device() == taken[2]


def test_who_wants_a_device_alone_gets_it_alone(hold):
    sharing = hold("0,1", 2)
    alone = hold("0,1", 1)
    taken = [sharing.device(), alone.device()]
    assert sorted(taken) == [0, 1]
    # there is room beside the one that shares, and none beside the other
    assert hold("0,1", 2).device() == taken[0]


def test_jobs_of_a_batch_system_do_not_wait_for_each_other(hold):
    """What each of them calls 0 may be another device; within one job it is the same."""
    assert hold("0", SLURM_JOB_ID="7").device() == hold("0", SLURM_JOB_ID="8").device() == 0
    assert hold("0", SLURM_JOB_ID="7").waits()
    assert sorted([hold("0,1", SLURM_JOB_ID="9").device(), hold("0,1", SLURM_JOB_ID="9").device()]) == [0, 1]


def test_a_device_is_free_after_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="inside"), leased_device(["0"], 1, tmp_path / "locks"):
        raise RuntimeError("inside")
    with leased_device(["0"], 1, tmp_path / "locks") as position:
        assert position == 0


def test_names_of_any_kind_are_names_of_files(tmp_path):
    with leased_device(["MIG-GPU-5/1/0"], 1, tmp_path / "locks", {"SLURM_JOB_ID": "../7"}):
        assert [path.name for path in (tmp_path / "locks").iterdir()] == ["SLURM_JOB_ID-.._7.MIG-GPU-5_1_0"]


@pytest.mark.parametrize("what", ["file", "link", "open to all"])
def test_a_folder_that_is_not_the_users_alone_is_not_used(tmp_path, caplog, what):
    folder, other = tmp_path / "locks", tmp_path / "other"
    other.mkdir()
    if what == "file":
        folder.touch()
    elif what == "link":
        folder.symlink_to(other)
    else:
        folder.mkdir()
        folder.chmod(0o777)
    for _ in range(2):
        with leased_device(["0", "1"], 1, folder) as position:
            assert position == 0
    assert "GPUs cannot be shared out" in caplog.text
    assert not any(other.iterdir())
