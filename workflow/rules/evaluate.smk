"""Stage evaluate: predictions -> scores with confidence intervals, differences, crossing."""


localrules:
    collect,
    uncertainty,
    epochs,


rule evaluate:
    input:
        predictions=lambda wc: runs_of(wc, wc.model, "predictions.csv"),
        runs=lambda wc: runs_of(wc, wc.model, "run.json"),
    output:
        metrics="results/{study}/{scope}/{model}/metrics.csv",
    log:
        "results/logs/evaluate/{study}/{scope}/{model}.log",
    benchmark:
        "results/benchmarks/evaluate/{study}/{scope}/{model}.tsv"
    conda:
        "../../envs/scores.yaml"
    resources:
        mem_mb=memory("evaluate"),
        runtime=minutes("evaluate"),
    params:
        bootstrap=study_bootstrap,
        code=code("evaluate"),
    script:
        "../scripts/evaluate.py"


rule collect:
    input:
        metrics=lambda wc: model_metrics(wc),
    output:
        metrics=report(
            "results/{study}/{scope}/metrics.csv",
            caption="../report/metrics.rst",
            category="{study}",
            labels={"what": "4 table of all scores"},
        ),
    log:
        "results/logs/collect/{study}/{scope}.log",
    conda:
        "../../envs/scores.yaml"
    params:
        code=code("collect"),
    script:
        "../scripts/collect.py"


rule compare:
    input:
        predictions=lambda wc: compared_runs(wc, "predictions.csv"),
        runs=lambda wc: compared_runs(wc, "run.json"),
    output:
        table=report(
            "results/{study}/{scope}/comparison.csv",
            caption="../report/comparison.rst",
            category="{study}",
            labels={"what": "5 differences between models"},
        ),
        crossing="results/{study}/{scope}/crossing.json",
    log:
        "results/logs/compare/{study}/{scope}.log",
    benchmark:
        "results/benchmarks/compare/{study}/{scope}.tsv"
    conda:
        "../../envs/scores.yaml"
    resources:
        mem_mb=memory("compare"),
        runtime=minutes("compare"),
    params:
        bootstrap=study_bootstrap,
        pairs=lambda wc: config["studies"][wc.study]["compare"],
        code=code("compare"),
    script:
        "../scripts/compare.py"


rule uncertainty:
    input:
        predictions=lambda wc: runs_of(wc, wc.model, "predictions.csv", wc.size),
        runs=lambda wc: runs_of(wc, wc.model, "run.json", wc.size),
    output:
        "results/{study}/{scope}/{model}/n{size}/uncertainty.json",
    log:
        "results/logs/uncertainty/{study}/{scope}/{model}/n{size}.log",
    benchmark:
        "results/benchmarks/uncertainty/{study}/{scope}/{model}/n{size}.tsv"
    conda:
        "../../envs/scores.yaml"
    params:
        unit=lambda wc: figure_spec(wc)["unit"],
        code=code("uncertainty"),
    script:
        "../scripts/uncertainty.py"


rule epochs:
    input:
        histories=lambda wc: epoch_runs(wc, "history.csv"),
        runs=lambda wc: epoch_runs(wc, "run.json"),
    output:
        table=report(
            "results/{study}/split{split}/epochs.csv",
            caption="../report/epochs.rst",
            category="{study}",
            labels={"what": "validation scores after 10, 20 and 50 epochs"},
        ),
    log:
        "results/logs/epochs/{study}/split{split}.log",
    conda:
        "../../envs/scores.yaml"
    params:
        code=code("epochs"),
    script:
        "../scripts/epochs.py"
