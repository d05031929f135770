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
        cache=str(keys.CACHE),
    script:
        "../scripts/structures.py"
