"""Whether a cluster can do what is asked of it: told in one sentence, before a job waits for ever."""

import re
import socket
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from porevox import cluster
from porevox.cluster import Partition, QueuedJob
from porevox.cluster_requests import PROFILE, Request, check_account, check_request, partition_of
from porevox.errors import PorevoxError

#: File systems that belong to one machine. Those in memory are nobody else's for sure.
_IN_MEMORY = {"tmpfs", "ramfs"}
_OWN_DISK = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "overlay", "f2fs", "apfs"}

#: What to do about jobs, by how they ended.
_REMEDIES = {
    "OUT_OF_MEMORY": "used more memory than they asked for: give the rule more (`mem_mb`)",
    "TIMEOUT": "took longer than they asked for: give the rule more time (`runtime`); a training goes on "
    "from its last finished epoch when you run the same command again",
    "CANCELLED": "were cancelled: run the same command again to go on",
    "NODE_FAIL": "were lost with their node: run the same command again to go on",
    "UNSEEN": "failed and left no log: their node may not see this folder; work where all nodes do",
}


def check(wanted: Iterable[Request], comments: Collection[str], folder: Path, jobs: int) -> str | None:
    """Check all that a run asks of Slurm, before anything is submitted.

    Parameters
    ----------
    wanted : iterable of Request
    comments : collection of str
        Of the jobs, as the queue will show them.
    folder : pathlib.Path
        That jobs work in.
    jobs : int
        Most that are to be in the queue at a time.

    Returns
    -------
    str or None
        A warning.

    Raises
    ------
    PorevoxError
        One sentence on the first thing that cannot be had.
    """
    wanted = sorted(set(wanted), key=lambda request: request.rule)
    if not wanted:
        return None
    for tool in ("sbatch", "squeue"):
        # asked for its version, it says whether it is there
        cluster.ask(tool, "--version")
    partitions = cluster.partitions()
    accounts, enforced = cluster.account_limits()
    for each in wanted:
        check_request(each, partitions)
        check_account(each.account, accounts, enforced, min(jobs, len(comments)))
    cluster.try_submission(wanted[0].partition, wanted[0].account, PROFILE)
    check_earlier_jobs(cluster.queued_jobs(folder), comments)
    used = {p.name: p for p in (partition_of(each, partitions) for each in wanted)}
    mounts = Path("/proc/mounts")
    text = mounts.read_text(errors="replace") if mounts.exists() else ""
    return check_folder(folder, text, socket.gethostname().split(".")[0], used)


def check_folder(folder: Path, mounts: str, host: str, partitions: Mapping[str, Partition]) -> str | None:
    """Check that nodes see the folder that jobs work in.

    Parameters
    ----------
    folder : pathlib.Path
        Resolved.
    mounts : str
        Content of /proc/mounts.
    host : str
        Name of this machine, without its domain.
    partitions : mapping
        Those that are used.

    Returns
    -------
    str or None
        A warning, where nodes see the folder only if this machine serves it to them.

    Raises
    ------
    PorevoxError
        Where they surely do not.
    """
    elsewhere = {node.name for partition in partitions.values() for node in partition.nodes} - {host}
    if not elsewhere:
        return None
    kind = _file_system(folder, mounts)
    advice = "work in a folder that all nodes share (mostly your home, or a scratch folder)"
    if kind in _IN_MEMORY or (folder.parts[:2] == ("/", "tmp") and kind in _OWN_DISK):
        raise PorevoxError(
            f"The folder {folder} is on this machine only ({kind}), and jobs run elsewhere: {advice}."
        )
    if kind in _OWN_DISK:
        return (
            f"The folder {folder} is on a disk of this machine ({kind}); unless nodes see it there, {advice}."
        )
    return None


def _file_system(folder: Path, mounts: str) -> str:
    found = ("", "")
    for line in mounts.splitlines():
        _, point, kind, *_ = (*line.split(), "", "", "")
        point = point.replace("\\040", " ")
        if folder.is_relative_to(point or "/") and len(point) >= len(found[0]):
            found = (point, kind)
    return found[1]


def check_earlier_jobs(jobs: list[QueuedJob], comments: Collection[str]) -> None:
    """Check that no job of an earlier run, one that was killed, still works on what this run would make.

    Parameters
    ----------
    jobs : list of QueuedJob
        In the queue, and submitted in the same folder.
    comments : collection of str
        Of the jobs that this run is about to submit.

    Raises
    ------
    PorevoxError
        Names the jobs, and the two ways on.
    """
    same = [job.number for job in jobs if job.comment in comments]
    if same:
        some, more = same[:10], f" and {len(same) - 10} more" if len(same) > 10 else ""
        raise PorevoxError(
            f"Slurm jobs {', '.join(some)}{more} of an earlier run in this folder still wait or run, and "
            "will write what this run needs. Nothing was submitted. Let them finish (`squeue`) or cancel "
            f"them (`scancel {' '.join(some)}`), then run the same command again: what they finish is kept."
        )


def explain(run_logs: Iterable[str | Path]) -> str:
    """Return what to do about the jobs that Slurm refused or ended, one sentence for each kind of end.

    Parameters
    ----------
    run_logs : iterable of path
        Logs of the whole run.

    Returns
    -------
    str
        One line each; empty if there is nothing to say.
    """
    text = "".join(map(_text, run_logs))
    ended: dict[str, list[str]] = {}
    for number, state in dict(
        re.findall(r"SLURM-job '(\w+)' failed, SLURM status is: '(\w+)'", text)
    ).items():
        ended.setdefault(_end_of(number, state, text), []).append(number)
    told = [
        f"Slurm jobs that {_REMEDIES[end]} ({', '.join(n)})." for end, n in ended.items() if end in _REMEDIES
    ]
    refused = re.findall(
        r"sbatch failed\. The error message was '(?:sbatch: )?(?:error: )?(.*?)'?$", text, re.M
    )
    for words in dict.fromkeys(refused):
        remedy = "see the first lines of"
        if re.search("limit", words, re.IGNORECASE):
            remedy = "set `jobs` below the number that your cluster lets you queue, in"
        told.append(f"Slurm did not take a job ({words}): {remedy} {PROFILE}.")
    return "\n".join(told)


def _end_of(number: str, state: str, text: str) -> str:
    """How a job ended; where Slurm only says that it failed, what it printed tells more."""
    if state != "FAILED":
        return state
    log = re.search(rf"[^\s,]+/{number}\.log(?=[\s,])", text)
    if log is None or not Path(log[0]).exists():
        return "UNSEEN" if log else state
    printed = _text(log[0])
    return "OUT_OF_MEMORY" if re.search("exceeded memory limit|oom.?kill", printed, re.IGNORECASE) else state


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
