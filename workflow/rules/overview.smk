"""Stage overview: all that a study came to -> one page for a reader, and its short form for the report's front."""


localrules:
    overview,


rule overview:
    input:
        metrics="results/{study}/{scope}/metrics.csv",
        comparison="results/{study}/{scope}/comparison.csv",
        crossing="results/{study}/{scope}/crossing.json",
        curve="results/{study}/{scope}/figures/learning_curve.svg",
        parity="results/{study}/{scope}/figures/parity.png",
        dataset=lambda wc: [folder / "dataset" / "dataset.json" for folder in splits_of(wc)],
        drops=lambda wc: [folder / "dataset" / "drops.csv" for folder in splits_of(wc)],
        summary=lambda wc: [folder / "dataset" / "summary.json" for folder in splits_of(wc)],
        runs=lambda wc: all_runs(wc, "run.json"),
    output:
        page=report(
            "results/{study}/{scope}/overview.html",
            caption="../report/overview.rst",
            category="{study}",
            labels={"what": "1 overview"},
        ),
        front="results/{study}/{scope}/overview_front.html",
    log:
        "results/logs/overview/{study}/{scope}.log",
    conda:
        "../../envs/scores.yaml"
    params:
        facts=overview_facts,
        code=code("overview"),
    script:
        "../scripts/overview.py"
