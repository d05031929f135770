"""What jobs ask of a cluster, and whether any of its nodes could ever give it."""

import difflib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from porevox.cluster import Partition, gpus
from porevox.errors import PorevoxError

#: Where the names of a cluster stand; said in every message.
PROFILE = "profiles/slurm/config.yaml"
#: What a job may ask Slurm for, by the names that a profile has for it.
KNOWN = (
    *("slurm_partition", "slurm_account", "slurm_extra", "slurm_cluster", "cluster", "clusters"),
    *("mem_mb", "mem_mb_per_cpu", "mem", "mem_mib", "runtime", "disk_mb", "disk", "disk_mib", "tmpdir"),
    *("gpu", "gpus", "gpu_model", "gres", "cpus_per_task", "cpus_per_gpu", "tasks", "tasks_per_gpu"),
    *("tasks_per_node", "nodes", "constraint", "qos", "mpi", "nvidia_gpu"),
)


@dataclass(frozen=True)
class Request:
    """What the jobs of a rule ask for.

    Attributes
    ----------
    rule : str
    partition : str or None
        None: the cluster's default.
    account : str or None
    gpus : int
    gpu_type : str
        Empty for any.
    threads : int
    memory_MB : int
    runtime_min : int
    """

    rule: str
    partition: str | None
    account: str | None = None
    gpus: int = 0
    gpu_type: str = ""
    threads: int = 1
    memory_MB: int = 0
    runtime_min: int = 0


def most(partition: str | None, partitions: Mapping[str, Partition]) -> tuple[float, float]:
    """Return the most that a job may ask for in a partition.

    Parameters
    ----------
    partition : str or None
        None: the cluster's default.
    partitions : mapping

    Returns
    -------
    memory_MB, runtime_min : float
        Infinite where there is no limit, or no such partition.
    """
    found = [p for p in partitions.values() if p.name == partition or (partition is None and p.default)]
    memory = [node.memory_MB for p in found for node in p.nodes]
    times = [p.max_min for p in found if p.max_min is not None]
    return max(memory, default=math.inf), max(times, default=math.inf)


def request(rule: str, threads: int, resources: Mapping) -> Request:
    """Return what a job asks for, by the names of its resources.

    Parameters
    ----------
    rule : str
    threads : int
    resources : mapping
        ``slurm_partition``, ``gpu``, ``gres``, ``mem_mb`` ... as far as given.

    Returns
    -------
    Request
    """
    number, kind = _whole(resources.get("gpu")), str(resources.get("gpu_model") or "")
    for its_kind, its_number in gpus(str(resources.get("gres") or "")):
        number, kind = number or its_number, kind or its_kind
    memory_MB, runtime_min = _whole(resources.get("mem_mb")), _whole(resources.get("runtime"))
    named = ("slurm_partition", "slurm_account")
    partition, account = (str(resources.get(key) or "") or None for key in named)
    return Request(rule, partition, account, number or int(bool(kind)), kind, threads, memory_MB, runtime_min)


def _whole(value) -> int:
    """A number, or 0 for what is not one (yet)."""
    return int(value) if isinstance(value, int | float) else 0


def check_names(resources: Mapping[str, Collection[str]], rules: Collection[str]) -> None:
    """Check the names in a profile: a mistyped one would be ignored in silence.

    Parameters
    ----------
    resources : mapping
        Rule -> names of the resources set for it; the key "" stands for all rules.
    rules : collection of str
        Rules that there are.

    Raises
    ------
    PorevoxError
        Names what is not known, and what may have been meant.
    """
    for rule, names in resources.items():
        if rule and rule not in rules:
            close = difflib.get_close_matches(rule, rules, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"rules are {', '.join(sorted(rules))}."
            raise PorevoxError(f"The profile sets resources of the rule `{rule}`, which is not there: {hint}")
        for name in names:
            close = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.8)
            if name not in KNOWN and close:
                where = f"of the rule `{rule}`" if rule else "of all rules"
                raise PorevoxError(
                    f"The profile sets `{name}` {where}, which means nothing to Slurm: did you mean "
                    f"`{close[0]}`?"
                )


def check_request(wanted: Request, partitions: Mapping[str, Partition]) -> None:
    """Check that some node of a partition could ever run a job.

    Parameters
    ----------
    wanted : Request
    partitions : mapping
        See :func:`porevox.cluster.partitions`.

    Raises
    ------
    PorevoxError
        Names the rule, what cannot be had, and the remedy.
    """
    where = partition_of(wanted, partitions)
    if not where.up:
        raise PorevoxError(
            f"The partition `{where.name}` for the rule `{wanted.rule}` is switched off: name another one in "
            f"{PROFILE}, or ask those who run the cluster."
        )
    fitting = [node for node in where.nodes if _has_gpus(node.gpus, wanted)]
    if wanted.gpus and not fitting:
        kind = f" of type {wanted.gpu_type}" if wanted.gpu_type else ""
        number = f"{wanted.gpus} GPUs" if wanted.gpus > 1 else "a GPU"
        having = [p.name for p in partitions.values() if any(_has_gpus(n.gpus, wanted) for n in p.nodes)]
        remedy = (
            f"use the partition {' or '.join(having)}" if having else "leave its `gpu` out, to train on cores"
        )
        raise PorevoxError(
            f"The rule `{wanted.rule}` asks for {number}{kind}, which no node of the partition "
            f"`{where.name}` has: {remedy} (`set-resources` in {PROFILE})."
        )
    for what, asked, most in (
        ("cores", wanted.threads, max((node.cpus for node in fitting), default=0)),
        ("MB of memory", wanted.memory_MB, max((node.memory_MB for node in fitting), default=0)),
        ("minutes", wanted.runtime_min, where.max_min),
    ):
        if most is not None and asked > most and where.nodes:
            key = {"cores": "set-threads", "minutes": "runtime"}.get(what, "mem_mb")
            raise PorevoxError(
                f"The rule `{wanted.rule}` asks for {asked} {what}, but the partition `{where.name}` gives "
                f"{most} at most: name another partition, or a smaller `{key}`, for it in {PROFILE}."
            )


def _has_gpus(gpus: tuple[tuple[str, int], ...], wanted: Request) -> bool:
    number = sum(count for kind, count in gpus if wanted.gpu_type in ("", kind))
    return number >= wanted.gpus


def partition_of(wanted: Request, partitions: Mapping[str, Partition]) -> Partition:
    """Return the partition that a job is sent to.

    Parameters
    ----------
    wanted : Request
    partitions : mapping
        See :func:`porevox.cluster.partitions`.

    Returns
    -------
    Partition

    Raises
    ------
    PorevoxError
        When there is none of that name, or no default.
    """
    if wanted.partition is None:
        default = next((partition for partition in partitions.values() if partition.default), None)
        if default is None:
            raise PorevoxError(
                f"This cluster has no default partition: set `slurm_partition` in {PROFILE} to one of "
                f"{', '.join(sorted(partitions))}."
            )
        return default
    if wanted.partition not in partitions:
        close = difflib.get_close_matches(wanted.partition, partitions, n=1)
        hint = (
            f"did you mean `{close[0]}`?"
            if close
            else f"there are {', '.join(sorted(partitions)) or 'none'}."
        )
        raise PorevoxError(
            f"The partition `{wanted.partition}` for the rule `{wanted.rule}` is not on this cluster "
            f"(`slurm_partition` in {PROFILE}): {hint}"
        )
    return partitions[wanted.partition]


def check_account(account: str | None, accounts: Mapping[str, int | None], enforced: bool, jobs: int) -> None:
    """Check the account that jobs are charged to.

    Parameters
    ----------
    account : str or None
        As the profile gives it.
    accounts, enforced
        See :func:`porevox.cluster.account_limits`.
    jobs : int
        That would be in the queue at a time.

    Raises
    ------
    PorevoxError
        Where the cluster wants another one, or fewer jobs.
    """
    if account is not None and accounts and account.lower() not in accounts:
        raise PorevoxError(
            f"`slurm_account` in {PROFILE} is {account}, which is not yours on this cluster: yours are "
            f"{', '.join(accounts)}."
        )
    if enforced and not accounts:
        raise PorevoxError(
            "This cluster runs jobs only for users with an account, and you have none: ask those who run it."
        )
    used = account.lower() if account else next(iter(accounts), None) if len(accounts) == 1 else None
    limit = None if used is None else accounts.get(used)
    if enforced and limit is not None and jobs > limit:
        raise PorevoxError(
            f"Slurm takes at most {limit} jobs of the account {used} at a time, and up to {jobs} would be in "
            f"the queue: set `jobs` in {PROFILE} to {limit}, or less if you have others there."
        )
