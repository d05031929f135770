"""What the targets beside studies read: the thesis, models to hand over, screenings."""


def check_study(study):
    """Check a study that a target needs: `run` need not name it."""
    if workflow.is_main_process:
        try:
            plan.check_target(config, study)
        except PorevoxError as error:
            sys.exit(f"\nporevox: {error}")


def ask(study):
    """Note a study that is needed, and check it."""
    if study not in ASKED:
        ASKED.append(study)
        check_study(study)


def thesis_targets(wildcards):
    """The figures of the thesis and its page; says first what they will need."""
    try:
        thesis.check(config)
    except PorevoxError as error:
        sys.exit(f"\nporevox: {error}")
    for study in thesis.studies(config):
        ask(study)
    if workflow.is_main_process:
        # in a dry run, too, and before the first byte
        print(outlook_text.text(config, thesis.studies(config)), file=sys.stderr)
    return thesis.targets(config) + plan.epoch_tables(config, config["thesis"]["mofs"])


def thesis_asked():
    """Whether the studies of the thesis are among those that this run needed."""
    return set(thesis.studies(config)) <= set(ASKED)


def planned_studies():
    """Studies of `run`, and those of the target `thesis` if their datasets are there."""
    groups = [config["run"], thesis.studies(config)]
    known = [all(name in config["studies"] for name in group) for group in groups]
    for study in itertools.chain.from_iterable(itertools.compress(groups, known)):
        check_study(study)
    return [group for group, there in zip(groups, known) if there and group]


def bundle_manifest(wildcards):
    """Where the checksums of a study's CIFs stand."""
    return layout.structures_dir(config["studies"][wildcards.study]["dataset"]) / "manifest.csv"


def bundle_forcefields(wildcards):
    """Tables of the force fields of a study's channels."""
    paths = bundle_tables(wildcards.study).values()
    return [ancient(path) for path in dict.fromkeys(paths)]


def bundle_tables(study):
    """The force field of each channel that has one, by the channel's name."""
    channels = config["grids"][config["studies"][study]["grid"]]["channels"]
    found = {channel["name"]: channel_settings.forcefield_path(channel) for channel in channels}
    return {name: str(path) for name, path in found.items() if path is not None}


def bundle_about(wildcards):
    """What a model's folder says of its data, besides what the data say themselves."""
    study = config["studies"][wildcards.study]
    entry = config["datasets"][study["dataset"]]
    about = {"split": int(wildcards.split), "confidence": study["bootstrap"]["confidence"]}
    return about | {key: entry[key] for key in ("title", "citation", "licence")}


def screen_of(wildcards):
    return config["screens"][wildcards.screen]


def screen_model(wildcards):
    """The model's folder, if this run makes it; others are vouched for by their digest."""
    screen = screen_of(wildcards)
    return [] if screen["ref"] is None else screen["folder"]


def screen_channels(wildcards):
    """Folders of the voxels of a screening, by channel."""
    return {channel["name"]: channel["folder"] for channel in screening.channels(config, wildcards.screen)}


def screen_voxels(wildcards, file):
    """One file of every channel of a shard of new structures."""
    folders = screen_channels(wildcards).values()
    return [f"{folder}/shard{wildcards.shard}/{file}" for folder in folders]


def screen_shards(wildcards, file):
    """One file of every shard of new structures that a model has been asked about."""
    shards = shards_of(screening.dataset_name(wildcards.screen))
    return [f"results/screens/{wildcards.screen}/shards/shard{shard}{file}" for shard in shards]


def screen_structures(wildcards, file):
    return layout.structures_dir(screening.dataset_name(wildcards.screen)) / file


def drawn_screen_voxels(wildcards, file):
    """One file of every shard of the first channel of a screening."""
    folder = next(iter(screen_channels(wildcards).values()))
    shards = shards_of(screening.dataset_name(wildcards.screen))
    return [f"{folder}/shard{shard}/{file}" for shard in shards]


def screen_targets(_):
    """Everything that the screenings end in."""
    try:
        return screening.targets(config)
    except PorevoxError as error:
        sys.exit(f"\nporevox: {error}")
