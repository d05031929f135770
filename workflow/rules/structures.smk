"""Stage structures: a folder or an archive of CIFs -> manifest and one small archive per shard."""


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
    wildcard_constraints:
        dataset=dataset_names("structures"),
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=memory("structures"),
        runtime=minutes("structures"),
    params:
        key=lambda wc: structures_key(wc.dataset),
        n_shards=lambda wc: layout.n_shards(
            keys.n_structures(config, wc.dataset), config["datasets"][wc.dataset]["shard_size"]
        ),
        shard_size=lambda wc: keys.shard_size(config, wc.dataset),
        folder=lambda wc: config["datasets"][wc.dataset]["structures"]["folder"],
        sample=lambda wc: config["datasets"][wc.dataset]["sample"],
        cache=str(keys.CACHE),
    script:
        "../scripts/structures.py"
