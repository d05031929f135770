"""What the rules share: the checked configuration, digests of code and data, and names of files."""

import itertools
import json
import re
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "workflow/lib"))

from porevox import channel_settings, headlines, insight, keys, layout, plan, specs, starts
from porevox import config as settings
from porevox.errors import PorevoxError

try:
    config = plan.load(config)
    if workflow.is_main_process:
        plan.check(config)
except PorevoxError as error:
    # not an exception: the user is told what to mend, not where it was noticed
    sys.exit(f"\nporevox: {error}")

GPUS = plan.n_gpus()
# `--cores 32` alone would start 32 trainings on one GPU; a limit given by the user wins
if workflow.is_main_process and workflow.global_resources.get("gpu") is None:
    workflow.global_resources["gpu"] = max(GPUS, 1)

MODELS = config["models"]


wildcard_constraints:
    dataset="|".join(map(re.escape, config["datasets"])),
    grid="|".join(map(re.escape, config["grids"])),
    study="|".join(map(re.escape, config["studies"])),
    model="|".join(map(re.escape, MODELS)),
    henry="|".join(map(re.escape, config["henry"])) or "(?!)",
    channel=r"[A-Za-z][A-Za-z0-9-]*",
    key="[0-9a-f]{8}",
    shard=r"\d+",
    split=r"\d+",
    scope=r"split\d+|pooled",
    size=r"\d+|\d+pct",
    seed=r"\d+",


def code(*names):
    """Digest of the named scripts and of every module they import: comments and dates do not count."""
    return keys.code(names)


def models_of(study):
    return config["studies"][study]["models"]


def model_names(network):
    """Pattern of all models that are neural networks, or of the baselines."""
    names = [name for name, model in MODELS.items() if (model["type"] == "retnet") == network]
    return "|".join(map(re.escape, names)) or "(?!)"


def splits_of(wildcards):
    """Folders of the splits whose predictions are scored together: one, or all folds of a study."""
    scope = wildcards.get("scope") or f"split{wildcards.split}"
    if scope != "pooled":
        return [layout.RESULTS / wildcards.study / scope]
    folds = config["studies"][wildcards.study]["split"]["folds"]
    return [layout.study_dir(wildcards.study, split) for split in range(folds)]


def runs_of(wildcards, model, file, size=None):
    """One file of every run (split, size and seed) of a model in a study, or of one size."""
    study = config["studies"][wildcards.study]
    sizes = map(layout.size_token, study["sizes"]) if size is None else [size]
    runs = itertools.product(splits_of(wildcards), sizes, study["seeds"])
    return [str(folder / model / f"n{size}" / f"seed{seed}" / file) for folder, size, seed in runs]


def compared_runs(wildcards, file):
    """One file of every run of the models that are compared, as far as the study has them."""
    compared = {name for pair in config["studies"][wildcards.study]["compare"] for name in pair.values()}
    names = [name for name in models_of(wildcards.study) if name in compared]
    return [path for name in names for path in runs_of(wildcards, name, file)]


def all_runs(wildcards, file):
    """One file of every run of every model of a study."""
    return [path for name in models_of(wildcards.study) for path in runs_of(wildcards, name, file)]


def epoch_runs(wildcards, file):
    """One file of every run of the networks of a study, at the largest size."""
    size = layout.size_token(layout.largest_size(config["studies"][wildcards.study]["sizes"]))
    names = [name for name in models_of(wildcards.study) if MODELS[name]["type"] == "retnet"]
    return [path for name in names for path in runs_of(wildcards, name, file, size)]


def ensemble_parameters(wildcards):
    """How sure each model of several seeds is, at the largest size."""
    study = config["studies"][wildcards.study]
    folder = layout.RESULTS / wildcards.study / wildcards.scope
    size = layout.size_token(layout.largest_size(study["sizes"]))
    names = plan.ensembles(config, wildcards.study)
    return [folder / name / f"n{size}" / "uncertainty.json" for name in names]


def ensemble_runs(wildcards, file):
    """One file of every run of these models at that size."""
    size = layout.size_token(layout.largest_size(config["studies"][wildcards.study]["sizes"]))
    names = plan.ensembles(config, wildcards.study)
    return [path for name in names for path in runs_of(wildcards, name, file, size)]


def model_metrics(wildcards):
    folder = layout.RESULTS / wildcards.study / wildcards.scope
    return [folder / name / "metrics.csv" for name in models_of(wildcards.study)]


def study_targets(study):
    """Everything that a study ends in."""
    return plan.targets(config, study) + insight.targets(config, study)


def download_spec(wildcards):
    """The entry of a download, found by the path that its urls and checksum give."""
    entry = config["datasets"][wildcards.dataset]
    files = [entry["structures"], *(table["file"] for table in entry["tables"])]
    wanted = layout.RESULTS / "sources" / wildcards.dataset / wildcards.key / wildcards.file
    for spec in files:
        if "urls" in spec and layout.source_path(wildcards.dataset, spec) == wanted:
            return spec
    raise WorkflowError(f"No file of dataset {wildcards.dataset} is downloaded to {wanted}.")


def structures_source(wildcards):
    return layout.source_path(wildcards.dataset, config["datasets"][wildcards.dataset]["structures"])


def structures_key(dataset):
    return keys.structures_key(config, dataset, code("structures"))


def shards_of(dataset):
    """Numbers of a dataset's shards.

    Known from the manifest, or from the number of structures that the dataset's entry declares.
    Only when the source has changed since the manifest was made does the workflow wait for a new
    one and then look again: that is what the checkpoint is for.
    """
    shards = keys.known_shards(config, dataset, structures_key(dataset))
    if shards is None:
        checkpoints.structures.get(dataset=dataset)
        summary = layout.structures_dir(dataset) / "shards.json"
        shards = range(json.loads(summary.read_text())["n_shards"])
    return shards


def channel_spec(wildcards):
    grid = config["grids"][wildcards.grid]
    return next(channel for channel in grid["channels"] if channel["name"] == wildcards.channel)


def forcefield_of(wildcards):
    """The force-field table of a channel, if it has one."""
    path = channel_settings.forcefield_path(channel_spec(wildcards))
    return [] if path is None else ancient(path)


def study_shards(wildcards, file):
    """One file of every shard of every channel that the study reads."""
    channels = specs.channels(config, wildcards.study)
    shards = shards_of(config["studies"][wildcards.study]["dataset"]) if channels else []
    return [f"{channel['folder']}/shard{shard}/{file}" for channel in channels for shard in shards]


def baseline_energies(wildcards, models):
    """Voxels, if one of these baselines looks at them: large, and vouched for by dataset.json."""
    if not any(settings.needs_voxels(MODELS[name]) for name in models):
        return []
    return [ancient(path) for path in study_shards(wildcards, "energies.npy")]


def henry_shards(wildcards, file):
    """One file of every shard of the channel that a table of Henry coefficients reads."""
    spec = specs.henry_spec(config, wildcards.henry)
    return [f"{spec['channel']['folder']}/shard{shard}/{file}" for shard in shards_of(spec["dataset"])]


def study_tables(wildcards):
    return keys.table_paths(config, config["studies"][wildcards.study]["dataset"])


def dataset_files(wildcards):
    folder = layout.study_dir(wildcards.study, wildcards.split) / "dataset"
    return [folder / "dataset.json", folder / "table.csv"]


def descriptor_models(study):
    return [name for name in models_of(study) if settings.needs_descriptors(MODELS[name])]


def descriptor_runs(wildcards, file):
    """One file of every run of the models that look at descriptors."""
    names = descriptor_models(wildcards.study)
    return [path for name in names for path in runs_of(wildcards, name, file)]


def shown_run(wildcards, file):
    """A file of the run that is looked into."""
    return insight.shown_run(config, wildcards.study, int(wildcards.split)) / file


def histories_of(wildcards, file):
    """One file of every run of a study's RetNets."""
    return [folder / file for folder in insight.history_runs(config, wildcards.study, int(wildcards.split))]


def drawn_energies(wildcards):
    """Voxels of the study: large, and vouched for by dataset.json."""
    return [ancient(path) for path in study_shards(wildcards, "energies.npy")]


def drawn_structure(wildcards):
    return config["studies"][wildcards.study]["structure"]


def study_bootstrap(wildcards):
    return config["studies"][wildcards.study]["bootstrap"]


def figure_spec(wildcards):
    """What the figures of a study say besides its numbers."""
    target = specs.dataset_spec(config, wildcards.study, 0)["target"]
    names = models_of(wildcards.study)
    return {
        "label": target["label"] or target["column"],
        "unit": target["unit"],
        "models": names,
        "controls": [name for name in names if MODELS[name]["type"] == "mean"],
        "confidence": study_bootstrap(wildcards)["confidence"],
    }


def before_start():
    """Say what would otherwise hang in silence."""
    executor = getattr(workflow, "executor_plugin", None)
    if executor is not None and executor.name == "slurm" and shutil.which("sbatch") is None:
        raise WorkflowError("Slurm's sbatch is not on the PATH: run this where jobs can be submitted.")


def summary():
    """What a person wants to know when all is done."""
    lines = [headlines.of_study(config, name) for name in config["run"]]
    lines += map(headlines.of_henry, config["henry"])
    return "\n".join(filter(None, lines))
