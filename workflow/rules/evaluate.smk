"""Stage evaluate: predictions -> scores with confidence intervals, differences, crossing."""


rule evaluate:
    input:
        predictions=lambda wc: runs_of(wc, wc.model, "predictions.csv"),
        runs=lambda wc: runs_of(wc, wc.model, "run.json"),
    output:
        metrics="results/{study}/split{split}/{model}/metrics.csv",
    log:
        "results/logs/evaluate/{study}/split{split}/{model}.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime="1h",
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
            "results/{study}/split{split}/metrics.csv",
            caption="../report/metrics.rst",
            category="{study}",
            labels={"what": "table of all scores"},
        ),
    log:
        "results/logs/collect/{study}/split{split}.log",
    conda:
        "../../envs/cpu.yaml"
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
            "results/{study}/split{split}/comparison.csv",
            caption="../report/comparison.rst",
            category="{study}",
            labels={"what": "difference of the two models"},
        ),
        crossing="results/{study}/split{split}/crossing.json",
    log:
        "results/logs/compare/{study}/split{split}.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=2000,
        runtime="1h",
    params:
        bootstrap=study_bootstrap,
        models=lambda wc: config["studies"][wc.study]["compare"],
        code=code("compare"),
    script:
        "../scripts/compare.py"
