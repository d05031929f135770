"""Draw the parity plots of a study."""

from pathlib import Path

from porevox.job import job
from porevox.layout import runs_by_model
from porevox.parity import parity

figure = snakemake.params.figure
with job(snakemake.log[0], f"parity plots of {snakemake.wildcards.study}"):
    parity(
        runs_by_model(snakemake.input.runs),
        Path(snakemake.output.png).with_suffix(""),
        figure["label"],
        figure["unit"],
        controls=figure["controls"],
        **snakemake.params.bootstrap,
    )
