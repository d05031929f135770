"""run.json: with what, on what and how long a model was trained."""

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

from porevox import __version__

#: Packages whose versions can change a result.
_PACKAGES = ("numpy", "pandas", "scikit-learn", "torch", "safetensors")


def versions() -> dict[str, str]:
    """Versions of Python, porevox and the packages a result depends on.

    Returns
    -------
    dict of str
        A package that is not installed is left out.
    """
    found = {"python": platform.python_version(), "porevox": __version__}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _cpu_name():
    """Processor name; /proc/cpuinfo knows it where platform.processor() is empty."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def hardware(threads: int, gpu: str | None = None) -> dict:
    """The machine a run had.

    Parameters
    ----------
    threads : int
        Threads the run was allowed.
    gpu : str, optional
        Name of the graphics card it used.

    Returns
    -------
    dict
        cpu, cores, threads, memory_MB (of the machine), platform, gpu.
    """
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "threads": threads,
        "memory_MB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20),
        "platform": platform.platform(),
        "gpu": gpu,
    }


def peak_memory_MB() -> float:
    """Largest resident memory of this process so far.

    Returns
    -------
    float
        In MB (2**20 bytes); memory-mapped voxel pages that were in memory count.
    """
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kilobytes, macOS bytes.
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def run_record(
    *,
    model: str,
    kind: str,
    size: int | str,
    n_train: int,
    n_used: int,
    seed: int,
    wall_time_s: float,
    device: str,
    **rest,
) -> dict:
    """Content of run.json.

    Parameters
    ----------
    model : str
        Name of the model in the study.
    kind : str
        Type of the model, such as retnet or random_forest.
    size : int or str
        As asked for in the study.
    n_train, n_used : int
        Structures the size names, and those of them that could be trained on.
    seed : int
    wall_time_s : float
        Seconds, over all sittings of an interrupted run.
    device : str
    **rest
        Further entries: hardware, n_test, n_validation, dataset_digest, options ...

    Returns
    -------
    dict
    """
    return {
        "model": model,
        "type": kind,
        "size": size,
        "n_train": n_train,
        "n_used": n_used,
        "n_dropped": n_train - n_used,
        "seed": seed,
        "wall_time_s": round(wall_time_s, 3),
        "peak_memory_MB": peak_memory_MB(),
        "device": device,
        "versions": versions(),
        **rest,
    }
