"""Stage published: voxels that others computed -> the same shards and manifest as those of CIFs."""


localrules:
    published_manifest,


rule published:
    input:
        # by content, not by date: the source's digest is part of the key
        source=lambda wc: ancient(published_source(wc)),
    output:
        energies="results/voxels/{dataset}/published/{key}/shard{shard}/energies.npy",
        index="results/voxels/{dataset}/published/{key}/shard{shard}/index.csv",
        ledger="results/voxels/{dataset}/published/{key}/shard{shard}/ledger.csv",
        names="results/voxels/{dataset}/published/{key}/shard{shard}/names.csv",
        record="results/voxels/{dataset}/published/{key}/shard{shard}/shard.json",
    log:
        "results/logs/published/{dataset}/{key}/shard{shard}.log",
    benchmark:
        "results/benchmarks/published/{dataset}/{key}/shard{shard}.tsv"
    wildcard_constraints:
        dataset=dataset_names("voxels"),
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=memory("published"),
        runtime=minutes("published"),
    params:
        part=lambda wc: config["datasets"][wc.dataset]["voxels"]["parts"][int(wc.shard)],
        holds=lambda wc: config["datasets"][wc.dataset]["voxels"]["holds"],
        temperature_K=lambda wc: config["datasets"][wc.dataset]["voxels"]["temperature_K"],
        n=lambda wc: config["datasets"][wc.dataset]["voxels"]["grid"]["n"],
        code=code("published"),
    script:
        "../scripts/published.py"


rule published_manifest:
    input:
        records=lambda wc: published_shards(wc.dataset, "shard.json"),
        names=lambda wc: published_shards(wc.dataset, "names.csv"),
    output:
        manifest="results/structures/{dataset}/manifest.csv",
        rejected="results/structures/{dataset}/rejected.csv",
        shards="results/structures/{dataset}/shards.json",
        key="results/structures/{dataset}/key.txt",
    log:
        "results/logs/published/{dataset}/manifest.log",
    wildcard_constraints:
        dataset=dataset_names("voxels"),
    conda:
        "../../envs/data.yaml"
    params:
        key=lambda wc: keys.structures_key(config, wc.dataset, keys.code(("published_manifest",))),
    script:
        "../scripts/published_manifest.py"
