"""Stage figures: tidy tables -> PDF, SVG and PNG, and the CSV behind each."""


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
            labels={"what": "learning curve"},
        ),
    log:
        "results/logs/figures/{study}/{scope}/learning_curve.log",
    conda:
        "../../envs/cpu.yaml"
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
            labels={"what": "parity plots"},
        ),
    log:
        "results/logs/figures/{study}/{scope}/parity.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        figure=figure_spec,
        bootstrap=study_bootstrap,
        code=code("parity"),
    script:
        "../scripts/parity.py"


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
        "../../envs/cpu.yaml"
    params:
        figure=figure_spec,
        code=code("calibration"),
    script:
        "../scripts/calibration.py"
