"""Stage voxel_comparison: voxels of our own against published ones, on structures that have both."""


rule voxel_comparison:
    input:
        published=lambda wc: layout.structures_dir(comparison_spec(wc)["published"]) / "manifest.csv",
        index=lambda wc: published_shards(comparison_spec(wc)["published"], "index.csv"),
        record=lambda wc: published_shards(comparison_spec(wc)["published"], "shard.json"),
        # large, and vouched for by shard.json
        energies=lambda wc: list(
            map(ancient, published_shards(comparison_spec(wc)["published"], "energies.npy"))
        ),
        structures=lambda wc: layout.structures_dir(comparison_spec(wc)["structures"]) / "manifest.csv",
        forcefield=lambda wc: ancient(comparisons.forcefield(config, wc.comparison)),
    output:
        multiext("results/voxel_comparisons/{comparison}/voxel_comparison", ".pdf", ".svg", ".csv", ".json"),
        structures=report(
            "results/voxel_comparisons/{comparison}/voxel_comparison_structures.csv",
            caption="../report/voxel_comparison.rst",
            category="Published voxels",
            labels={"what": "{comparison}, structure by structure"},
        ),
        rejected="results/voxel_comparisons/{comparison}/voxel_comparison_rejected.csv",
        png=report(
            "results/voxel_comparisons/{comparison}/voxel_comparison.png",
            caption="../report/voxel_comparison.rst",
            category="Published voxels",
            labels={"what": "{comparison}"},
        ),
    log:
        "results/logs/voxel_comparisons/{comparison}.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=memory("voxel_comparison"),
        runtime=minutes("voxel_comparison"),
    params:
        spec=comparison_spec,
        forcefield=lambda wc: keys.file_digest(comparisons.forcefield(config, wc.comparison)),
        code=code("voxel_comparison"),
    script:
        "../scripts/voxel_comparison.py"
