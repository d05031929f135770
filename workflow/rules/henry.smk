"""Stage henry: voxels -> Henry coefficients and heats of adsorption, without any learning."""


rule henry_coefficients:
    input:
        rejected=lambda wc: layout.structures_dir(config["henry"][wc.henry]["dataset"]) / "rejected.csv",
        index=lambda wc: henry_shards(wc, "index.csv"),
        ledger=lambda wc: henry_shards(wc, "ledger.csv"),
        record=lambda wc: henry_shards(wc, "shard.json"),
        # large, and vouched for by shard.json
        energies=lambda wc: [ancient(path) for path in henry_shards(wc, "energies.npy")],
    output:
        table=report(
            "results/henry/{henry}/henry.csv",
            caption="../report/henry.rst",
            category="Henry coefficients",
            labels={"what": "{henry}"},
        ),
        rejected="results/henry/{henry}/rejected.csv",
        summary="results/henry/{henry}/summary.json",
    log:
        "results/logs/henry/{henry}.log",
    benchmark:
        "results/benchmarks/henry/{henry}.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=memory("henry_coefficients"),
        runtime=minutes("henry_coefficients"),
    params:
        spec=lambda wc: specs.henry_spec(config, wc.henry),
        code=code("henry_coefficients"),
    script:
        "../scripts/henry_coefficients.py"
