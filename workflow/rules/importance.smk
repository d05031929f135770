"""Stage importance: trained descriptor models -> how much they depend on each of their inputs."""


rule importance:
    input:
        dataset=dataset_files,
        runs=lambda wc: descriptor_runs(wc, "run.json"),
        predictions=lambda wc: descriptor_runs(wc, "predictions.csv"),
        models=lambda wc: descriptor_runs(wc, "model.safetensors"),
        cards=lambda wc: descriptor_runs(wc, "model.json"),
        energies=lambda wc: baseline_energies(wc, descriptor_models(wc.study)),
    output:
        multiext("results/{study}/split{split}/figures/importance", ".pdf", ".svg", ".csv"),
        png=report(
            "results/{study}/split{split}/figures/importance.png",
            caption="../report/importance.rst",
            category="{study}",
            labels={"what": "importance of the descriptors"},
        ),
    log:
        "results/logs/importance/{study}/split{split}.log",
    benchmark:
        "results/benchmarks/importance/{study}/split{split}.tsv"
    conda:
        "../../envs/scores.yaml"
    resources:
        mem_mb=memory("importance"),
        runtime=minutes("importance"),
    params:
        figure=figure_spec,
        code=code("importance"),
    script:
        "../scripts/importance.py"
