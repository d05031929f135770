"""Draw the training histories of a study's networks."""

from pathlib import Path

from porevox.histories import histories
from porevox.job import job
from porevox.layout import runs_by_model

with job(snakemake.log[0], f"training histories of {snakemake.wildcards.study}"):
    histories(
        runs_by_model(snakemake.input.runs),
        Path(snakemake.output.png).with_suffix(""),
        snakemake.params.unit,
    )
