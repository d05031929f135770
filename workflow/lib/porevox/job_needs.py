"""Which data a job works on, and so what it asks of a machine: the stages of a configuration.

Imports nothing heavy: on a cluster every job asks these questions again.
"""

import json
import math
from collections.abc import Callable

from porevox import config as settings
from porevox import keys, layout, needs, screening, starts, thesis
from porevox.learning.recipe import Recipe
from porevox.needs import Need

#: That a single structure may need before it is rejected, MB; see the stage voxels.
STRUCTURE_MB = 1000
#: Cores for which the time of a training is estimated.
_TRAINING_THREADS = 8
#: Structures of a dataset whose number nobody knows before it has been downloaded.
UNKNOWN_STRUCTURES = 50_000


def of(stage: str, config: dict, wildcards, gpu: bool = False) -> Need:
    """Return what a job asks for.

    Parameters
    ----------
    stage : str
        A name of :data:`STAGES`.
    config : dict
        A completed configuration.
    wildcards
        Its attributes say which job: ``dataset``, ``grid``, ``channel``, ``study``, ``model``, ``size``,
        ``henry``, ``comparison``, ``screen``, as far as the stage has them.
    gpu : bool
        Whether trainings run on GPUs.

    Returns
    -------
    Need
    """
    if stage == "train_retnet":
        return _train_retnet(config, wildcards, gpu)
    return STAGES[stage](config, wildcards)


def n_structures(config: dict, dataset: str) -> int:
    """Return how many structures a dataset has, as far as that is known.

    Parameters
    ----------
    config : dict
        A completed configuration.
    dataset : str
        Name of the dataset.

    Returns
    -------
    int
        As declared, or counted in a local source or by the stage `structures`; else
        :data:`UNKNOWN_STRUCTURES`. Of a sample, its own.
    """
    entry = config["datasets"][dataset]
    if entry["n_structures"] is None and not entry.get("structures"):
        return _packed(dataset)
    return keys.n_structures(config, dataset) or _packed(dataset)


def _packed(dataset: str) -> int:
    try:
        known = json.loads((layout.structures_dir(dataset) / "shards.json").read_text(encoding="utf-8"))
        return sum(shard["n"] for shard in known["shards"].values())
    except (OSError, ValueError, KeyError, TypeError):
        return UNKNOWN_STRUCTURES


def _structures(config: dict, wildcards) -> Need:
    # a sample is drawn from all of them
    declared = config["datasets"][wildcards.dataset]["n_structures"]
    return needs.structures(declared or n_structures(config, wildcards.dataset))


def _voxels(config: dict, wildcards) -> Need:
    grid = config["grids"][wildcards.grid]
    channel = next(entry for entry in grid["channels"] if entry["name"] == wildcards.channel)
    return needs.voxels(_of_a_shard(config, wildcards.dataset), grid, channel, STRUCTURE_MB)


def _of_a_shard(config: dict, dataset: str) -> int:
    """Structures of one shard of a dataset, at most."""
    n_all = n_structures(config, dataset)
    return min(n_all, layout.shard_size(n_all, config["datasets"][dataset]["shard_size"]))


def _all_of(config: dict, wildcards) -> int:
    """Structures of the study's dataset."""
    return n_structures(config, config["studies"][wildcards.study]["dataset"])


def _grid_of(config: dict, wildcards) -> dict:
    return config["grids"][config["studies"][wildcards.study]["grid"]]


def _tested(config: dict, wildcards) -> int:
    """Structures that are scored, at most."""
    return _test_size(config, wildcards.study)


def _test_size(config: dict, study: str) -> int:
    entry = config["studies"][study]
    split, n_all = entry["split"], n_structures(config, entry["dataset"])
    test = split.get("test")
    if split["folds"] > 1:
        return n_all
    if not isinstance(test, int | float) or split["kind"] not in ("random", "group"):
        # what is trained on is not scored
        largest = max((size for size in entry["sizes"] if isinstance(size, int)), default=0)
        return max(n_all - largest, math.ceil(n_all / 10))
    return math.ceil(test * n_all) if test < 1 else int(test)


def _dataset(config: dict, wildcards) -> Need:
    return needs.dataset(_all_of(config, wildcards))


def _train_retnet(config: dict, wildcards, gpu: bool) -> Need:
    grid, n_all = _grid_of(config, wildcards), _all_of(config, wildcards)
    size = needs.training_size(wildcards.size, n_all)
    recipe = Recipe.from_options(starts.training_options(config, wildcards.model, int(wildcards.split)))
    return needs.training(size, n_all, grid, len(grid["channels"]), recipe, _TRAINING_THREADS, gpu)


def _train_baseline(config: dict, wildcards) -> Need:
    n_all, model = _all_of(config, wildcards), config["models"][wildcards.model]
    size = needs.training_size(wildcards.size, n_all)
    return needs.baseline(model["type"], size, n_all if settings.needs_voxels(model) else size)


def _scores(config: dict, wildcards) -> Need:
    study = config["studies"][wildcards.study]
    runs = len(study["sizes"]) * len(study["seeds"]) * study["split"]["folds"]
    return needs.bootstrap(runs, _tested(config, wildcards), study["bootstrap"]["resamples"])


def _published(config: dict, wildcards) -> Need:
    parts = len(config["datasets"][wildcards.dataset]["voxels"]["parts"])
    return needs.table(math.ceil(n_structures(config, wildcards.dataset) / parts))


def _voxel_comparison(config: dict, wildcards) -> Need:
    return needs.table(n_structures(config, config["voxel_comparisons"][wildcards.comparison]["published"]))


def _importance(config: dict, wildcards) -> Need:
    return needs.table(4 * _all_of(config, wildcards))


def _prediction(config: dict, wildcards) -> Need:
    grid = _grid_of(config, wildcards)
    return needs.prediction(_tested(config, wildcards), grid, len(grid["channels"]))


def _henry(config: dict, wildcards) -> Need:
    return needs.table(n_structures(config, config["henry"][wildcards.henry]["dataset"]))


def _bundle(config: dict, wildcards) -> Need:
    study, n_all = config["studies"][wildcards.study], _all_of(config, wildcards)
    size = needs.training_size(wildcards.size, n_all)
    model = config["models"][wildcards.model]["type"], len(study["seeds"]), size
    # its training structures and those of the test set
    return _asked(size + _tested(config, wildcards), _grid_of(config, wildcards), model)


def _asked(n: int, grid: dict, model: tuple[str, int, int], threads: int = 4) -> Need:
    """Of asking a model (type, seeds, training structures) about n structures."""
    kind, members, n_train = model
    # a network costs the most of all types
    need = needs.prediction(n, grid, len(grid["channels"]), threads, members, n_train)
    if kind != "random_forest":
        return need
    # all seeds are in memory at once, each as large as when it was fitted
    forests_MB = members * needs.baseline(kind, n_train, n_train).memory_MB
    return Need(need.memory_MB + forests_MB, need.runtime_min, need.threads)


def _screen_model(config: dict, screen: dict) -> tuple[str, int, int]:
    """Type, seeds and training structures of the model of a screening, from its record or its study."""
    record, ref = screen["record"], screen["ref"]
    if record is not None:
        return record["type"], len(record["seeds"]), int(record["n_train"])
    study = config["studies"][ref["study"]]
    size = needs.training_size(layout.size_token(ref["size"]), n_structures(config, study["dataset"]))
    return config["models"][ref["model"]]["type"], len(study["seeds"]), size


def _screen_shard(config: dict, wildcards) -> Need:
    name = screening.dataset_name(wildcards.screen)
    model = _screen_model(config, config["screens"][wildcards.screen])
    return _asked(_of_a_shard(config, name), config["grids"][name], model, threads=2)


def _screened(config: dict, wildcards) -> Need:
    """Of a table of all new structures, beside that of the training structures."""
    _, _, n_train = _screen_model(config, config["screens"][wildcards.screen])
    return needs.table(n_structures(config, screening.dataset_name(wildcards.screen)) + n_train)


def _against_thesis(config: dict, wildcards) -> Need:
    needed = []
    for part, models in thesis.run_folders(config).items():
        study = config["studies"][config["thesis"][part]]
        n_test = _test_size(config, config["thesis"][part])
        runs = sum(map(len, models.values()))
        needed.append(needs.bootstrap(runs, n_test, study["bootstrap"]["resamples"]))
    # one part at a time, twice, but R2 only: a sixtieth of the time of all scores
    return max(needed, key=lambda need: (need.memory_MB, need.runtime_min))


#: Stages whose jobs go to a cluster; the others are short enough for the host that submits.
STAGES: dict[str, Callable[..., Need]] = {
    "structures": _structures,
    "voxels": _voxels,
    "dataset": _dataset,
    "train_retnet": _train_retnet,
    "train_baseline": _train_baseline,
    "evaluate": _scores,
    "compare": _scores,
    "published": _published,
    "voxel_comparison": _voxel_comparison,
    "importance": _importance,
    "fingerprints": _prediction,
    "henry_coefficients": _henry,
    "bundle": _bundle,
    "screen_shard": _screen_shard,
    "ranking": _screened,
    "screen_map": _screened,
    "candidates": _screened,
    "against_thesis": _against_thesis,
}
