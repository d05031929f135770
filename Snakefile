from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.basedir}/config.yaml"


report: "workflow/report/workflow.rst"


resource_scopes:
    gpu="local",  # on a cluster every node has GPUs of its own: the local limit does not count there


include: "workflow/rules/common.smk"
include: "workflow/rules/retrieve.smk"
include: "workflow/rules/structures.smk"
include: "workflow/rules/voxels.smk"
include: "workflow/rules/published.smk"
include: "workflow/rules/voxel_comparison.smk"
include: "workflow/rules/henry.smk"
include: "workflow/rules/dataset.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/importance.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/insight.smk"
include: "workflow/rules/bundle.smk"
include: "workflow/rules/screen.smk"
include: "workflow/rules/overview.smk"
include: "workflow/rules/thesis.smk"
include: "workflow/rules/targets.smk"


rule all:
    input:
        [study_targets(name) for name in config["run"]] + [plan.henry_targets(config)],


onstart:
    before_start()


onsuccess:
    print(summary())


onerror:
    print(failures.ends_of_logs(log), cluster_checks.explain(log), sep="\n")
