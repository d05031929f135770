"""Stage bundle: the trained seeds of one model -> a folder that can be handed over."""


rule bundle:
    input:
        dataset=dataset_files,
        # large, and vouched for by dataset.json
        energies=lambda wc: baseline_energies(wc, [wc.model]),
        weights=lambda wc: runs_of(wc, wc.model, "model.safetensors", wc.size),
        cards=lambda wc: runs_of(wc, wc.model, "model.json", wc.size),
        predictions=lambda wc: runs_of(wc, wc.model, "predictions.csv", wc.size),
        runs=lambda wc: runs_of(wc, wc.model, "run.json", wc.size),
        metrics="results/{study}/split{split}/{model}/metrics.csv",
        manifest=bundle_manifest,
        forcefields=bundle_forcefields,
    output:
        folder=directory("results/{study}/split{split}/{model}/n{size}/bundle"),
    log:
        "results/logs/bundle/{study}/split{split}/{model}/n{size}.log",
    benchmark:
        "results/benchmarks/bundle/{study}/split{split}/{model}/n{size}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 4
    resources:
        mem_mb=memory("bundle"),
        runtime=minutes("bundle"),
    params:
        forcefields=lambda wc: bundle_tables(wc.study),
        about=bundle_about,
        code=code("bundle"),
    script:
        "../scripts/bundle.py"
