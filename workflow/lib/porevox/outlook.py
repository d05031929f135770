"""What a run will download, need on disk and take, said before its first byte.

Imports nothing heavy: it is asked while a run is planned. Rates are those of resources/rates.yaml.
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from porevox import keys, layout, specs, starts
from porevox.errors import PorevoxError
from porevox.hand_fetched import lies_at
from porevox.learning.recipe import Recipe
from porevox.split import count

RATES = "resources/rates.yaml"
HOUR_MS = 3.6e6
GB = 1e9
#: Grid that the rates were measured on.
MEASURED_POINTS = 25**3
#: What each size is counted in on disk.
BYTES_PER_VOXEL = 4


@dataclass
class Outlook:
    """Estimates for some studies; what is there already is not counted again.

    ``downloads`` maps a file to its size in bytes or None, ``guesses`` some of these to what the number of
    structures lets one expect; ``disk_bytes`` is what will be written as far as that is known or expected,
    ``unsized`` names what is neither; ``jobs`` counts jobs and ``core_hours`` sums times by
    what they do; ``gpu_hours`` are those of RetNet on a GPU instead, ``gpu_measured`` whether that rate
    was measured; ``unrated`` names what no rate is known of.
    """

    studies: list[str]
    downloads: dict[str, int | None]
    guesses: dict[str, float]
    disk_bytes: float
    unsized: list[str]
    jobs: dict[str, int]
    core_hours: dict[str, float]
    gpu_hours: float
    gpu_measured: bool
    unrated: list[str]


def outlook(config: dict, studies: Sequence[str]) -> Outlook:
    """Estimate what studies will need.

    Parameters
    ----------
    config : dict
        A completed configuration.
    studies : sequence of str
        Their names.

    Returns
    -------
    Outlook
    """
    rates = read_rates()
    found = Outlook(
        list(studies), {}, {}, 0.0, [], {}, {}, 0.0, rates["retnet_gpu_ms"]["value"] is not None, []
    )
    datasets = list(dict.fromkeys(config["studies"][name]["dataset"] for name in studies))
    _add_downloads(found, config, datasets, rates)
    for name in datasets:
        _add_packs(found, config, name)
    folders = {
        channel["folder"]: (name, channel) for name in studies for channel in specs.channels(config, name)
    }
    for folder, (name, channel) in folders.items():
        _add_voxels(found, config, name, folder, channel, rates)
    for name in studies:
        _add_trainings(found, config, name, rates)
    return found


def read_rates() -> dict:
    """Return the content of resources/rates.yaml."""
    return yaml.safe_load(layout.shipped(Path(RATES)).read_text(encoding="utf-8"))


def _add(table: dict, what: str, amount: float) -> None:
    table[what] = table.get(what, 0) + amount


def _add_downloads(found: Outlook, config: dict, datasets: Iterable[str], rates: dict) -> None:
    for name in datasets:
        entry = config["datasets"][name]
        for file in layout.dataset_files(entry):
            path = layout.source_path(file)
            if "urls" not in file or lies_at(config, file).exists() or str(path) in found.downloads:
                continue
            found.downloads[str(path)] = file["size_bytes"]
            guess = None if file["size_bytes"] else _expected_bytes(entry, file, rates)
            if guess:
                found.guesses[str(path)] = guess
    sizes = {path: size or found.guesses.get(path, 0) for path, size in found.downloads.items()}
    found.disk_bytes += sum(max(size - _arrived_bytes(path), 0) for path, size in sizes.items())
    unknown = [path for path, size in found.downloads.items() if size is None and path not in found.guesses]
    found.unsized += [Path(path).name for path in unknown]
    if found.downloads:
        found.jobs["downloads"] = len(found.downloads)


def _arrived_bytes(path: str) -> int:
    """What an earlier transfer that broke off has left on the disk, to be gone on with."""
    part = Path(f"{path}.part")
    return part.stat().st_size if part.is_file() else 0


def _expected_bytes(entry: dict, file: dict, rates: dict) -> float | None:
    """Size that the number of structures lets one expect: of voxels in single precision at most."""
    n = entry["n_structures"]
    if n is None:
        return None
    if file is entry["structures"]:
        return n * rates["cif_archive_bytes"]["value"]
    if entry["voxels"] is not None and file is entry["voxels"]["file"]:
        return n * entry["voxels"]["grid"]["n"] ** 3 * BYTES_PER_VOXEL
    return None


def _add_packs(found: Outlook, config: dict, dataset: str) -> None:
    """CIFs are packed anew, about as tightly as they came."""
    if (layout.structures_dir(dataset) / "shards.json").exists():
        return
    _add(found.jobs, "manifests", 1)
    file = config["datasets"][dataset]["structures"]
    if file is None:
        return
    path = lies_at(config, file)
    if path.is_file():
        found.disk_bytes += path.stat().st_size
    elif "urls" in file:
        size = file["size_bytes"] or found.guesses.get(str(path), 0)
        # a sample of the structures is a like share of the archive
        n = config["datasets"][dataset]["n_structures"]
        found.disk_bytes += size * (_n_structures(config, dataset) / n if n else 1)


def _n_structures(config: dict, dataset: str) -> int:
    """Number of structures of a dataset; 0 where nobody has said or counted it."""
    entry = config["datasets"][dataset]
    known = entry["n_structures"] if entry["voxels"] is not None else keys.n_structures(config, dataset)
    return known or 0


def _add_voxels(found: Outlook, config: dict, study: str, folder: str, channel: dict, rates: dict) -> None:
    """Voxels of one channel, as far as there are no shards yet."""
    spec = config["studies"][study]
    entry, n = config["datasets"][spec["dataset"]], _n_structures(config, spec["dataset"])
    if entry["voxels"] is not None:
        shards, rate, what = len(entry["voxels"]["parts"]), rates["published_ms"]["value"], "published voxels"
    else:
        kind = _kind(config, spec["grid"], channel["name"])
        shards = layout.n_shards(n or None, entry["shard_size"]) or 1
        rate, what = rates["voxels_ms"][kind]["value"], "voxels"
    done = min(len(list(Path(folder).glob("shard*/shard.json"))), shards)
    left = n * (shards - done) / shards
    points = config["grids"][spec["grid"]]["n"] ** 3
    found.disk_bytes += left * points * BYTES_PER_VOXEL
    if n == 0:
        found.unsized.append(f"voxels of {spec['dataset']}")
    if left:
        _add(found.jobs, "voxel shards", shards - done)
        if rate is None:
            found.unrated.append(what)
        else:
            _add(found.core_hours, what, left * rate * points / MEASURED_POINTS / HOUR_MS)


def _kind(config: dict, grid: str, channel: str) -> str:
    return next(c["kind"] for c in config["grids"][grid]["channels"] if c["name"] == channel)


def split_sizes(config: dict, study: str) -> tuple[int, int, int]:
    """Return about how many structures train, validate and test.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study.

    Returns
    -------
    tuple of int
        Before anything is dropped; 0 where nothing is known.
    """
    spec = config["studies"][study]
    split, n = spec["split"], _n_structures(config, spec["dataset"])
    largest = max((size for size in spec["sizes"] if isinstance(size, int)), default=0)
    if split["kind"] == "files":
        return largest, 0, 0
    validation = count(split["validation"], n)
    if split["kind"] == "parts":
        # how the source is divided is not known beforehand; the largest size is mostly all of one part
        return largest, validation, max(n - largest - validation, 0)
    test = n // split["folds"] if split["folds"] > 1 else count(split["test"], n)
    return max(n - test - validation, 0), validation, test


def _add_trainings(found: Outlook, config: dict, study: str, rates: dict) -> None:
    """Trainings of a study that have not ended, and what is made of all of them."""
    spec = config["studies"][study]
    n_train, n_validation, n_test = split_sizes(config, study)
    points = config["grids"][spec["grid"]]["n"] ** 3 / MEASURED_POINTS
    folds, predicted = spec["split"]["folds"], n_validation + n_test
    left = 0
    for model, size, seed, split in _runs(spec, folds):
        folder = layout.study_dir(study, split) / model / f"n{layout.size_token(size)}" / f"seed{seed}"
        if (folder / "run.json").exists():
            continue
        left += 1
        found.disk_bytes += predicted * rates["prediction_bytes"]["value"]
        size = int(size) if isinstance(size, int) else n_train * int(size.removesuffix("%")) // 100
        _add_training(found, config, model, size, (n_validation, predicted), points, rates)
    if left:
        _add(found.jobs, "trainings", left)
        # one split, the scores and figures of each model, and those of all together
        _add(found.jobs, "scores and figures", folds + 2 * len(spec["models"]) + 6)
        draws = n_test * spec["bootstrap"]["resamples"] * left * rates["bootstrap_ns"]["value"]
        # once for the scores, once for the comparisons
        _add(found.core_hours, "scores", 2 * draws * 1e-6 / HOUR_MS)


def _runs(spec: dict, folds: int) -> list[tuple]:
    return [
        (model, size, seed, split)
        for model in spec["models"]
        for size in spec["sizes"]
        for seed in spec["seeds"]
        for split in range(folds)
    ]


def _add_training(found, config, model, size, rows, points, rates) -> None:
    """One training; `rows` are those validated in every epoch, and those predicted in the end."""
    options = config["models"][model]
    if options["type"] == "retnet":
        recipe = Recipe.from_options(starts.training_options(config, model, 0))
        share = rates["forward_share"]["value"]
        passes = recipe.epochs * (size + share * rows[0]) + share * rows[1] * recipe.test_time_augmentation
        gpu = rates["retnet_gpu_ms"]
        _add(found.core_hours, "RetNet", passes * points * rates["retnet_cpu_ms"]["value"] / HOUR_MS)
        found.gpu_hours += passes * points * (gpu["value"] or gpu["upper_bound"]) / HOUR_MS
        found.disk_bytes += rates["retnet_bytes"]["value"]
    elif options["type"] == "random_forest":
        trees = options["n_estimators"] / 100
        _add(found.core_hours, "forests", size * trees * rates["forest_ms"]["value"] / HOUR_MS)
        found.disk_bytes += size * trees * rates["forest_bytes"]["value"]
    elif options["type"] != "mean" and options["type"] not in found.unrated:
        found.unrated.append(options["type"])


def free_bytes() -> int:
    """Return the free space where results are written."""
    folder = layout.RESULTS if layout.RESULTS.exists() else Path()
    return shutil.disk_usage(folder).free


def check_disk(config: dict, studies: Sequence[str]) -> None:
    """Refuse to start what does not fit on the disk.

    Parameters
    ----------
    config : dict
        A completed configuration.
    studies : sequence of str
        Their names.

    Raises
    ------
    PorevoxError
        Names what is needed, as far as it is known, and what is free.
    """
    needed, free = outlook(config, studies).disk_bytes, free_bytes()
    if needed > free:
        raise PorevoxError(
            f"This run ({', '.join(studies)}) needs at least {size_text(needed)} in "
            f"{layout.RESULTS.resolve()}, where {size_text(free)} are free: free {size_text(needed - free)} "
            "more, or run elsewhere with `--directory`."
        )


def size_text(size: float) -> str:
    """Return a number of bytes in GB or MB."""
    return f"{size / GB:.1f} GB" if size >= 0.1 * GB else f"{size / 1e6:.0f} MB"
