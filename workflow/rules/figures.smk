"""Stage figures: tidy tables -> PDF, SVG and PNG, and the CSV behind each."""


localrules:
    learning_curve,
    parity,
    parity_page,
    calibration,


rule learning_curve:
    input:
        metrics=lambda wc: model_metrics(wc),
        crossing="results/{study}/{scope}/crossing.json",
    output:
        multiext("results/{study}/{scope}/figures/learning_curve", ".pdf", ".svg", ".csv"),
        png=report(
            "results/{study}/{scope}/figures/learning_curve.png",
            caption="../report/learning_curve.rst",
            category="{study}",
            labels={"what": "2 learning curve"},
        ),
    log:
        "results/logs/figures/{study}/{scope}/learning_curve.log",
    benchmark:
        "results/benchmarks/figures/{study}/{scope}/learning_curve.tsv"
    conda:
        "../../envs/scores.yaml"
    params:
        figure=figure_spec,
        code=code("learning_curve"),
    script:
        "../scripts/learning_curve.py"


rule parity:
    input:
        predictions=lambda wc: all_runs(wc, "predictions.csv"),
        runs=lambda wc: all_runs(wc, "run.json"),
    output:
        multiext("results/{study}/{scope}/figures/parity", ".pdf", ".svg", ".csv", "_bootstrap.csv"),
        png=report(
            "results/{study}/{scope}/figures/parity.png",
            caption="../report/parity.rst",
            category="{study}",
            labels={"what": "3 parity plots"},
        ),
    log:
        "results/logs/figures/{study}/{scope}/parity.log",
    benchmark:
        "results/benchmarks/figures/{study}/{scope}/parity.tsv"
    conda:
        "../../envs/scores.yaml"
    params:
        figure=figure_spec,
        bootstrap=study_bootstrap,
        code=code("parity"),
    script:
        "../scripts/parity.py"


rule parity_page:
    input:
        table="results/{study}/{scope}/figures/parity.csv",
    output:
        page=report(
            "results/{study}/{scope}/figures/parity.html",
            caption="../report/parity_page.rst",
            category="{study}",
            labels={"what": "3 parity plots, point by point"},
        ),
    log:
        "results/logs/figures/{study}/{scope}/parity_page.log",
    conda:
        "../../envs/scores.yaml"
    params:
        figure=figure_spec,
        code=code("parity_page"),
    script:
        "../scripts/parity_page.py"


rule calibration:
    input:
        parameters=lambda wc: ensemble_parameters(wc),
        predictions=lambda wc: ensemble_runs(wc, "predictions.csv"),
        runs=lambda wc: ensemble_runs(wc, "run.json"),
    output:
        multiext("results/{study}/{scope}/figures/calibration", ".pdf", ".svg", ".csv"),
        table="results/{study}/{scope}/calibration.csv",
        png=report(
            "results/{study}/{scope}/figures/calibration.png",
            caption="../report/calibration.rst",
            category="{study}",
            labels={"what": "calibration of ensembles"},
        ),
    log:
        "results/logs/figures/{study}/{scope}/calibration.log",
    conda:
        "../../envs/scores.yaml"
    params:
        figure=figure_spec,
        code=code("calibration"),
    script:
        "../scripts/calibration.py"
