"""What rules read: names of files, found by the wildcards of a job."""


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


def download_name(wildcards):
    """The name of a download that some dataset has under this path."""
    wanted = layout.RESULTS / "sources" / wildcards.key / wildcards.file
    spec = layout.find_download(config, wanted)
    if spec is None:
        raise WorkflowError(f"No dataset has a file that is downloaded to {wanted}.")
    return layout.download_name(spec)


def dataset_names(source):
    """Pattern of all datasets that come as `structures`, or as published `voxels`."""
    names = [name for name, entry in config["datasets"].items() if entry[source] is not None]
    return "|".join(map(re.escape, names)) or "(?!)"


def published_source(wildcards):
    return layout.source_path(config["datasets"][wildcards.dataset]["voxels"]["file"])


def published_shards(dataset, file):
    """One file of every shard of published voxels."""
    entry = config["datasets"][dataset]
    key = voxel_source.source_digest(entry["voxels"], keys.content_key(dataset, entry))
    folder = layout.published_dir(dataset, key)
    return [str(folder / f"shard{shard}" / file) for shard in range(len(entry["voxels"]["parts"]))]


def comparison_spec(wildcards):
    return comparisons.spec(config, wildcards.comparison)


def comparison_targets(wildcards):
    """What all comparisons of voxels end in; looked at only when asked for."""
    try:
        return comparisons.targets(config)
    except PorevoxError as error:
        raise WorkflowError(str(error))


def structures_source(wildcards):
    return layout.source_path(config["datasets"][wildcards.dataset]["structures"])


def structures_key(dataset):
    return keys.structures_key(config, dataset, keys.code(("structures",)))


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


#: Studies that this run needs, as far as planning has come; those of `run` are checked from the start.
ASKED = []


def study_tables(wildcards):
    ask(wildcards.study)
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


def overview_stages(study, entry):
    """Scripts that a study's numbers come from."""
    sources = ["published"] if entry["voxels"] is not None else ["structures", "voxels"]
    networks = {MODELS[name]["type"] == "retnet" for name in models_of(study)}
    trainings = ["train_retnet" if network else "train_baseline" for network in sorted(networks)]
    return [*sources, "dataset", *trainings, "evaluate", "compare"]


def overview_facts(wildcards):
    """What the overview of a study says besides its inputs."""
    figure = figure_spec(wildcards)
    dataset = config["studies"][wildcards.study]["dataset"]
    entry = config["datasets"][dataset]
    files = layout.dataset_files(entry)
    return {
        **{key: figure[key] for key in ("label", "unit", "confidence")},
        "dataset": dataset,
        "entry": {key: entry[key] for key in ("title", "citation", "licence")},
        "files": [
            {"source": file.get("path") or file["urls"][0], "path": str(layout.source_path(file))}
            for file in files
        ],
        "code": {name: keys.code((name,)) for name in overview_stages(wildcards.study, entry)},
        "energy": config["energy"],
    }
