"""Stage voxels: one job per shard of structures -> energies, index, ledger of the rejected."""


rule voxels:
    input:
        # the shard's own digest is a parameter: other shards' structures do not count
        shards=lambda wc: ancient(layout.structures_dir(wc.dataset) / "shards.json"),
        forcefield=lambda wc: forcefield_of(wc),
    output:
        energies="results/voxels/{dataset}/{grid}/{channel}/{key}/shard{shard}/energies.npy",
        index="results/voxels/{dataset}/{grid}/{channel}/{key}/shard{shard}/index.csv",
        ledger="results/voxels/{dataset}/{grid}/{channel}/{key}/shard{shard}/ledger.csv",
        record="results/voxels/{dataset}/{grid}/{channel}/{key}/shard{shard}/shard.json",
    log:
        "results/logs/voxels/{dataset}/{grid}/{channel}/{key}/shard{shard}.log",
    benchmark:
        "results/benchmarks/voxels/{dataset}/{grid}/{channel}/{key}/shard{shard}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 4
    resources:
        mem_mb=memory("voxels"),
        runtime=minutes("voxels"),
    params:
        structures=lambda wc: keys.shard_digest(wc.dataset, int(wc.shard)),
        code=code("voxels"),
        grid=lambda wc: layout.geometry(config["grids"][wc.grid]),
        channel=lambda wc: channel_settings.settings(channel_spec(wc)),
        reading=lambda wc: config["datasets"][wc.dataset]["reading"],
        # that one structure may need: what is rejected must not depend on the machine
        memory_MB=1000,
    script:
        "../scripts/voxels.py"
