"""Stage thesis: the figures of the thesis under their numbers, and its published numbers against this run's."""


localrules:
    thesis_figure,
    plan,


rule thesis_figure:
    input:
        lambda wc: [thesis.figure_source(config, wc.figure, kind) for kind in thesis.KINDS],
    output:
        multiext("results/thesis/figures/fig_{figure}", ".pdf", ".svg", ".png", ".csv"),
    log:
        "results/logs/thesis/fig_{figure}.log",
    wildcard_constraints:
        figure="|".join(map(re.escape, thesis.FIGURES)),
    conda:
        "../../envs/cpu.yaml"
    params:
        code=code("thesis_figure"),
    script:
        "../scripts/thesis_figure.py"


rule against_thesis:
    input:
        published=str(layout.shipped(Path(thesis.PUBLISHED))),
        metrics=lambda wc: [path for tables in thesis.metrics(config).values() for path in tables.values()],
        predictions=lambda wc: thesis.run_files(config, "predictions.csv"),
        runs=lambda wc: thesis.run_files(config, "run.json"),
        epochs=lambda wc: plan.epoch_tables(config, config["thesis"]["mofs"]),
        augmentation=lambda wc: thesis.augmentation_table(config),
        figures=expand("results/thesis/figures/fig_{figure}.png", figure=thesis.FIGURES),
    output:
        multiext("results/thesis/thesis", ".csv", ".md", ".pdf", ".svg", ".png"),
        page=report(
            "results/thesis/thesis.html",
            caption="../report/against_thesis.rst",
            category="thesis",
            labels={"what": "the thesis against this run"},
        ),
    log:
        "results/logs/thesis/against_thesis.log",
    benchmark:
        "results/benchmarks/thesis/against_thesis.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=memory("against_thesis"),
        runtime=minutes("against_thesis"),
    params:
        metrics=lambda wc: thesis.metrics(config),
        runs=lambda wc: thesis.run_folders(config),
        bootstrap=lambda wc: config["studies"][config["thesis"]["mofs"]]["bootstrap"],
        code=code("against_thesis"),
    script:
        "../scripts/against_thesis.py"


rule plan:
    log:
        "results/logs/plan.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        outlooks=lambda wc: [outlook_text.text(config, studies) for studies in planned_studies()],
    script:
        "../scripts/plan.py"
