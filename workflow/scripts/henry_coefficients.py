"""Compute one table of Henry coefficients."""

from pathlib import Path

from porevox.henry import henry_table
from porevox.job import job

with job(snakemake.log[0], f"Henry coefficients {snakemake.wildcards.henry}"):
    henry_table(
        [Path(path).parent for path in snakemake.input.record],
        Path(snakemake.input.rejected),
        snakemake.params.spec,
        Path(snakemake.output.table).parent,
    )
