"""Draw how much the descriptor models of a study depend on each of their inputs."""

from pathlib import Path

from porevox.importance import importance
from porevox.job import job
from porevox.layout import runs_by_model

figure = snakemake.params.figure
with job(snakemake.log[0], f"importance of the inputs in {snakemake.wildcards.study}"):
    importance(
        Path(snakemake.input.dataset[0]).parent,
        runs_by_model(snakemake.input.runs),
        Path(snakemake.output.png).with_suffix(""),
        models=figure["models"],
        controls=figure["controls"],
    )
