"""A Slurm cluster as its own commands describe it: partitions, nodes, accounts, jobs in the queue.

Commands are run with lists of arguments, never by a shell, and only read.
"""

import getpass
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from porevox.errors import PorevoxError

#: Longest that a busy controller may take to answer, s.
_PATIENCE_S = 60
#: States of jobs that are over, or will never write anything again.
_OVER = re.compile("COMPLETED|CANCELLED|FAILED|TIMEOUT|OUT_OF_MEMORY|NODE_FAIL|DEADLINE|BOOT_FAIL|REVOKED")


@dataclass(frozen=True)
class Node:
    """What one node has.

    Attributes
    ----------
    name : str
    cpus : int
    memory_MB : int
    gpus : tuple of (str, int)
        Type (may be empty) and number.
    """

    name: str
    cpus: int
    memory_MB: int
    gpus: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Partition:
    """A part of the cluster that jobs are sent to.

    Attributes
    ----------
    name : str
    max_min : int or None
        Longest time limit of a job in minutes; None without one.
    default : bool
        Whether jobs that name none go there.
    up : bool
        Whether it starts jobs at all.
    nodes : tuple of Node
    """

    name: str
    max_min: int | None
    default: bool
    up: bool
    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True)
class QueuedJob:
    """A job that waits or runs.

    Attributes
    ----------
    number : str
    folder : str
        Where it was submitted.
    comment : str
        Says which job of a workflow it is.
    """

    number: str
    folder: str
    comment: str


def ask(*command: str) -> str:
    """Run one of Slurm's commands that only reads.

    Parameters
    ----------
    *command : str
        Name and arguments.

    Returns
    -------
    str
        What it printed.

    Raises
    ------
    PorevoxError
        When it is missing, fails, or does not answer in time.
    """
    if shutil.which(command[0]) is None:
        raise PorevoxError(
            f"Slurm's {command[0]} is not on the PATH: run this on a host of your cluster from which jobs "
            "can be submitted, and load its Slurm module if it has one."
        )
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, errors="replace")
    except subprocess.TimeoutExpired:
        raise PorevoxError(
            f"Slurm's controller has not answered `{command[0]}` within {_PATIENCE_S} s: try again later."
        ) from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        said = "; ".join(re.sub(r"^\w+: (error: )?", "", line) for line in lines[:2])
        raise PorevoxError(f"Slurm's `{command[0]}` does not answer ({said}): is its controller running?")
    return done.stdout


def fields(line: str) -> dict[str, str]:
    """Return the ``Key=value`` pairs of a line of scontrol; a value may hold spaces.

    Parameters
    ----------
    line : str

    Returns
    -------
    dict
    """
    pairs = re.findall(r"(?:^|\s)([A-Za-z][\w:/]*)=(.*?)(?=\s+[A-Za-z][\w:/]*=|\s*$)", line)
    return dict(pairs)


def minutes(text: str) -> int | None:
    """Return a time as Slurm prints it, ``[days-]hours:minutes:seconds``, in minutes.

    Parameters
    ----------
    text : str

    Returns
    -------
    int or None
        None for UNLIMITED and the like.
    """
    found = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text)
    if found is None:
        return None
    days, hours, mins, _ = (int(part or 0) for part in found.groups())
    return (days * 24 + hours) * 60 + mins


def gpus(gres: str) -> tuple[tuple[str, int], ...]:
    """Return the GPUs among generic resources, as ``gpu:a100:4(S:0-1),gpu:2080ti:2`` of a node or a job.

    Parameters
    ----------
    gres : str

    Returns
    -------
    tuple of (str, int)
        Type and number; the type may be empty.
    """
    found = []
    for named in re.findall(r"(?:^|,)gpu((?::[\w.-]+){0,2})(?=[(,]|$)", gres):
        # a type may begin with a digit (2080ti, 1g.5gb), or be a number (3090) if another one follows
        parts = named.split(":")[1:]
        number = parts.pop() if parts and parts[-1].isdecimal() else "1"
        found.append(("".join(parts), int(number)))
    return tuple(found)


def partitions() -> dict[str, Partition]:
    """Return the partitions of the cluster and their nodes.

    Returns
    -------
    dict
        By name.

    Raises
    ------
    PorevoxError
        As for :func:`ask`.
    """
    members: dict[str, list[Node]] = {}
    for line in ask("scontrol", "--oneliner", "show", "node").splitlines():
        said = fields(line)
        if "NodeName" not in said:
            continue
        memory = int(said.get("RealMemory") or 0)
        node = Node(said["NodeName"], int(said.get("CPUTot") or 0), memory, gpus(said.get("Gres", "")))
        for name in said.get("Partitions", "").split(","):
            members.setdefault(name, []).append(node)
    found = {}
    for line in ask("scontrol", "--oneliner", "show", "partition").splitlines():
        said = fields(line)
        if "PartitionName" not in said:
            continue
        name = said["PartitionName"]
        default, up = said.get("Default") == "YES", said.get("State", "UP") in ("UP", "DRAIN")
        found[name] = Partition(
            name, minutes(said.get("MaxTime", "")), default, up, tuple(members.get(name, ()))
        )
    return found


def account_limits() -> tuple[dict[str, int | None], bool]:
    """Return the accounts that the user may charge, and whether a job must name a valid one.

    Returns
    -------
    accounts : dict of str
        Account -> most jobs of the user in its queue, if limited. Empty where there are no accounts.
    enforced : bool

    Raises
    ------
    PorevoxError
        As for :func:`ask`.
    """
    config = dict(
        [part.strip() for part in line.split("=", 1)]
        for line in ask("scontrol", "show", "config").splitlines()
        if "=" in line
    )
    enforced = "associations" in config.get("AccountingStorageEnforce", "").lower()
    if "slurmdbd" not in config.get("AccountingStorageType", ""):
        return {}, False
    words = ["show", "associations", f"user={getpass.getuser()}", "format=account,maxsubmitjobs"]
    rows = [line.split("|") for line in ask("sacctmgr", "--noheader", "--parsable2", *words).splitlines()]
    return {row[0]: int(row[1]) if row[1].isdigit() else None for row in rows if len(row) > 1}, enforced


def comment(rule: str, wildcards: list[str]) -> str:
    """Return how a job is called in the queue: its rule, and the values of its wildcards."""
    values = "_".join(wildcards).replace("/", "_")
    return f"rule_{rule}_wildcards_{values}" if values else f"rule_{rule}"


def try_submission(partition: str | None, account: str | None, profile: str) -> None:
    """Ask sbatch whether it would take a job, without submitting one: clusters have rules of their own.

    Parameters
    ----------
    partition, account : str or None
        As a profile gives them.
    profile : str
        Where they stand, for the message.

    Raises
    ------
    PorevoxError
        When it would refuse any job of this user; that nodes are busy or away is no reason.
    """
    names = {"--partition": partition, "--account": account}
    words = [f"{option}={name}" for option, name in names.items() if name is not None]
    try:
        ask("sbatch", "--test-only", "--time=10", *words, "--wrap=true")
    except PorevoxError as error:
        said = re.sub(r".*?\((.*)\).*", r"\1", str(error))
        if re.search(r"account|association|qos|polic|permi|denied|specify|must", said, re.IGNORECASE):
            raise PorevoxError(
                f"Slurm would not take a job ({said.strip()}): set `slurm_account` or `slurm_partition` in "
                f"{profile} to what your cluster wants."
            ) from error


def queued_jobs(folder: Path) -> list[QueuedJob]:
    """Return the user's jobs that wait or run and were submitted in a folder.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    list of QueuedJob

    Raises
    ------
    PorevoxError
        As for :func:`ask`.
    """
    shown = ask("squeue", "--noheader", f"--user={getpass.getuser()}", "--format=%i|%T|%Z|%k")
    found = []
    for line in shown.splitlines():
        number, state, where, comment = (line.split("|", 3) + [""] * 3)[:4]
        if not _OVER.search(state) and where == str(folder):
            found.append(QueuedJob(number, where, comment))
    return found
