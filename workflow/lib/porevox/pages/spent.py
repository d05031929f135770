"""Time and energy that a study took: measured by the jobs themselves, and an estimate made from that."""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

#: Stages of a study that are counted, with the folders of their measurements below ``benchmarks/``.
STUDY_STAGES = ("dataset", "train", "evaluate", "compare")
#: Folder of voxels that others computed, where those of a grid and channel have theirs.
PUBLISHED = "published"


@dataclass
class Spent:
    """Jobs of one stage and their time in hours; ``unmeasured`` jobs left no record to count."""

    stage: str
    jobs: int = 0
    unmeasured: int = 0
    wall_h: float = 0.0
    core_h: float = 0.0
    gpu_h: float = 0.0


def read_measurement(path: str | Path) -> tuple[float, float] | None:
    """Read what a job measured of itself.

    Parameters
    ----------
    path : path-like
        A TSV with the columns ``s`` (wall time) and ``cpu_time`` (busy core seconds).

    Returns
    -------
    tuple of float or None
        Wall time and core time in hours, summed over the rows; a job too short to be sampled counts
        as one core. None without a readable file.
    """
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
        times = [(float(row["s"]), _number(row.get("cpu_time"), float(row["s"]))) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (sum(wall for wall, _ in times) / 3600, sum(core for _, core in times) / 3600) if times else None


def _number(text: str | None, default: float) -> float:
    try:
        value = float(text or "")
    except ValueError:
        return default
    return value if value > 0 else default


def shared_stages(benchmarks: Path, dataset: str, shards: Iterable[Path]) -> list[Spent]:
    """Count the stages that studies of one dataset share.

    Parameters
    ----------
    benchmarks : Path
        Folder of the measurements.
    dataset : str
        Its name.
    shards : iterable of Path
        Folders of the shards that the study reads, ``results/voxels/...``.

    Returns
    -------
    list of Spent
        Of structures and voxels, or of voxels that were published, as far as there are any jobs.
    """
    structures, voxels, published = Spent("structures"), Spent("voxels"), Spent("published")
    for folder in shards:
        parts = folder.parts[1:]
        given = PUBLISHED in parts
        if given:
            parts = (PUBLISHED, *(part for part in parts[1:] if part != PUBLISHED))
        measured = benchmarks.joinpath(*parts)
        stage = published if given else voxels
        _add(stage, measured.with_name(f"{measured.name}.tsv"), folder / "shard.json")
    if not published.jobs:
        _add(structures, benchmarks / "structures" / f"{dataset}.tsv", None)
    return [stage for stage in (structures, voxels, published) if stage.jobs]


def study_stages(benchmarks: Path, study: str, runs: Iterable[Path]) -> list[Spent]:
    """Count the stages of one study: its trainings one by one, the others by what they left.

    Parameters
    ----------
    benchmarks : Path
        Folder of the measurements.
    study : str
        Its name.
    runs : iterable of Path
        Folders of the trainings, ``results/<study>/split<k>/<model>/n<size>/seed<seed>``.

    Returns
    -------
    list of Spent
        In the order of the stages; the figures are not among them.
    """
    found = []
    for name in STUDY_STAGES:
        stage = Spent(name)
        if name == "train":
            for folder in runs:
                measured = benchmarks.joinpath("train", *folder.parts[1:])
                _add(stage, measured.with_name(f"{measured.name}.tsv"), folder / "run.json")
        else:
            for path in sorted((benchmarks / name / study).rglob("*.tsv")):
                _add(stage, path, None)
        if stage.jobs:
            found.append(stage)
    return found


def _add(stage: Spent, measured: Path, record: Path | None) -> None:
    """Count one job: its measurement, else the wall time that its record names, times its threads."""
    stage.jobs += 1
    said = _read_record(record)
    times = read_measurement(measured)
    hours = said.get("wall_time_s", 0.0) / 3600
    if times is None and hours:
        times = hours, hours * (said.get("hardware") or {}).get("threads", 1)
    if times is None:
        stage.unmeasured += 1
        return
    stage.wall_h += times[0]
    stage.core_h += times[1]
    if str(said.get("device", "")).startswith("cuda"):
        stage.gpu_h += hours


def _read_record(path: Path | None) -> dict:
    try:
        return {} if path is None else json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def energy_kWh(core_h: float, gpu_h: float, core_W: float, gpu_W: float) -> float:
    """Estimate the electrical energy of some computing.

    Parameters
    ----------
    core_h, gpu_h : float
        Busy core-hours and GPU-hours.
    core_W, gpu_W : float
        Power of a busy core (with its share of memory and board) and of a GPU, in watt.

    Returns
    -------
    float
        Kilowatt-hours, without cooling and without what idles beside it.
    """
    return (core_h * core_W + gpu_h * gpu_W) / 1000
