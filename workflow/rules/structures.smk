"""Stage structures: a folder or an archive of CIFs -> manifest and one small archive per shard."""


def structures_source(wildcards):
    return layout.source_path(wildcards.dataset, config["datasets"][wildcards.dataset]["structures"])


def structures_key(dataset):
    return plan.structures_key(config, dataset, code("structures"))


def shards_of(dataset):
    """Numbers of a dataset's shards.

    Known from the manifest, or from the number of structures that the dataset's entry declares.
    Only when the source has changed since the manifest was made does the workflow wait for a new
    one and then look again: that is what the checkpoint is for.
    """
    shards = plan.known_shards(config, dataset, structures_key(dataset))
    if shards is None:
        checkpoints.structures.get(dataset=dataset)
        summary = layout.structures_dir(dataset) / "shards.json"
        shards = range(json.loads(summary.read_text())["n_shards"])
    return shards


checkpoint structures:
    input:
        # by content, not by date: the source's digest is a parameter
        source=lambda wc: ancient(structures_source(wc)),
    output:
        # kept between runs: a structure stays in its shard for ever
        manifest=update("results/structures/{dataset}/manifest.csv"),
        rejected="results/structures/{dataset}/rejected.csv",
        shards=update("results/structures/{dataset}/shards.json"),
        key="results/structures/{dataset}/key.txt",
    log:
        "results/logs/structures/{dataset}.log",
    benchmark:
        "results/benchmarks/structures/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime="2h",
    params:
        key=lambda wc: structures_key(wc.dataset),
        n_shards=lambda wc: layout.n_shards(
            config["datasets"][wc.dataset]["n_structures"], config["datasets"][wc.dataset]["shard_size"]
        ),
        shard_size=lambda wc: config["datasets"][wc.dataset]["shard_size"],
    script:
        "../scripts/structures.py"
