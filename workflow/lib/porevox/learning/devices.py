"""Which GPUs a machine offers, and which of them a training takes when several run at once.

Imports nothing that could use a GPU: how many there are is also asked before a run, and again in
every job on a cluster.
"""

import fcntl
import logging
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path

log = logging.getLogger("porevox")

#: Numbers of devices are those of a job where a batch system gives it some: other jobs of the same
#: machine may call others by the same numbers.
JOB_VARIABLES = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "FLUX_JOB_ID")
#: A number, or the identifier of a whole device or of a part of one (MIG).
_DEVICE = re.compile(r"\d+|(GPU|MIG)-[\w/-]+")


def visible_devices(environ: Mapping[str, str] = os.environ, folder: Path = Path("/dev")) -> list[str]:
    """Return the names of the NVIDIA GPUs that this process may use.

    Parameters
    ----------
    environ : mapping of str
        ``CUDA_VISIBLE_DEVICES``, set by a batch system or a person, decides where it is set; as in
        CUDA, nothing after the first entry that names no device counts.
    folder : pathlib.Path
        Where the system keeps its devices.

    Returns
    -------
    list of str
        In the order in which CUDA numbers them.
    """
    chosen = environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return list(takewhile(_DEVICE.fullmatch, (name.strip() for name in chosen.split(","))))
    # Linux as a guest of Windows has one device for all
    found = list(folder.glob("nvidia[0-9]*")) or list(folder.glob("dxg"))
    return [str(number) for number in range(len(found))]


def device_names(n: int, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return a name for each of the devices that PyTorch counts.

    Parameters
    ----------
    n : int
        Number of devices.
    environ : mapping of str
        As for :func:`visible_devices`.

    Returns
    -------
    list of str
        Of length `n`; plain numbers where ``CUDA_VISIBLE_DEVICES`` does not name so many.
    """
    named = visible_devices(environ) if "CUDA_VISIBLE_DEVICES" in environ else []
    return named[:n] if len(named) >= n else [str(number) for number in range(n)]


def training_threads(wanted: int, cores: int | None, n_slots: int) -> int:
    """Return the threads that each training may have, so that no GPU waits for free cores.

    Parameters
    ----------
    wanted : int
        Threads of a training where there are enough.
    cores : int or None
        Cores of the run; None on a cluster, where every training has its own.
    n_slots : int
        Trainings that the GPUs of this machine allow at once; 0 without any.

    Returns
    -------
    int
        At least 1.
    """
    if not cores or not n_slots:
        return wanted
    return max(1, min(wanted, cores // n_slots))


@contextmanager
def leased_device(
    names: list[str],
    jobs_per_device: int = 1,
    folder: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    pause_s: float = 1.0,
) -> Iterator[int]:
    """Take one of several devices, and wait where all are taken.

    Who holds a device is told by locks of the system on files of this machine, which end with the
    process that holds them, however it ends. They are seen by processes of the same user.

    Parameters
    ----------
    names : list of str
        Of the devices, at least one.
    jobs_per_device : int
        How many may share a device; 1 shares it with nobody, not even with those who would share.
    folder : pathlib.Path, optional
        Of the lock files, on a disk of this machine; made when missing.
    environ : mapping of str
        Says whether the names are those of a batch system's job.
    pause_s : float
        Between two looks at devices that are all taken, s.

    Yields
    ------
    int
        Position of the device in `names`. It is free again on leaving.
    """
    try:
        folder = _private(folder or Path(tempfile.gettempdir()) / f"porevox-gpus-{os.getuid()}")
    except OSError as error:
        log.warning("GPUs cannot be shared out (%s): the first one is used", error)
        yield 0
        return
    job = next((f"{name}-{environ[name]}." for name in JOB_VARIABLES if environ.get(name)), "")
    paths = [folder / re.sub(r"[^\w.-]", "_", f"{job}{name}") for name in names]
    with ExitStack() as stack:
        position = _take_any(paths, jobs_per_device, stack)
        if position is None:
            log.info("all GPUs are taken (%s): waiting for one", ", ".join(names))
        while position is None:
            time.sleep(pause_s)
            position = _take_any(paths, jobs_per_device, stack)
        log.info("took GPU %s", names[position])
        yield position


def _private(folder: Path) -> Path:
    """Make a folder that nobody else can put files, or links, into."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PermissionError(f"{folder} is not a folder of this user alone")
    return folder


def _take_any(paths: list[Path], jobs_per_device: int, stack: ExitStack) -> int | None:
    """Take the emptiest device; its locks end with the stack."""
    for slot in range(jobs_per_device):
        for position, path in enumerate(paths):
            with ExitStack() as locks:
                alone = jobs_per_device == 1
                if _locked(path, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, locks) and (
                    alone or _locked(path.with_name(f"{path.name}.slot{slot}"), fcntl.LOCK_EX, locks)
                ):
                    stack.push(locks.pop_all())
                    return position
    return None


def _locked(path: Path, kind: int, stack: ExitStack) -> bool:
    handle = stack.enter_context(open(path, "a"))
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
