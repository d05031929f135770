"""Stage dataset: voxels, labels and descriptors -> one table of indices, and a split."""


rule dataset:
    input:
        manifest=lambda wc: layout.structures_dir(config["studies"][wc.study]["dataset"]) / "manifest.csv",
        rejected=lambda wc: layout.structures_dir(config["studies"][wc.study]["dataset"]) / "rejected.csv",
        tables=lambda wc: [ancient(path) for path, _ in study_tables(wc)],
        index=lambda wc: study_shards(wc, "index.csv"),
        ledger=lambda wc: study_shards(wc, "ledger.csv"),
        record=lambda wc: study_shards(wc, "shard.json"),
        lists=lambda wc: [ancient(path) for path in keys.split_lists(config, wc.study)],
    output:
        table="results/{study}/split{split}/dataset/table.csv",
        drops=report(
            "results/{study}/split{split}/dataset/drops.csv",
            caption="../report/drops.rst",
            category="{study}",
            labels={"what": "6 structures not used, and why"},
        ),
        summary="results/{study}/split{split}/dataset/summary.json",
        dataset="results/{study}/split{split}/dataset/dataset.json",
    log:
        "results/logs/dataset/{study}/split{split}.log",
    benchmark:
        "results/benchmarks/dataset/{study}/split{split}.tsv"
    conda:
        "../../envs/scores.yaml"
    resources:
        mem_mb=memory("dataset"),
        runtime=minutes("dataset"),
    params:
        study=lambda wc: specs.dataset_spec(config, wc.study, int(wc.split)),
        # code, and files by their content, not by their date
        key=lambda wc: specs.dataset_key(config, wc.study, int(wc.split)),
    script:
        "../scripts/dataset.py"
