"""Turn the spread of one model's seeds, at one size, into error bars."""

from pathlib import Path

from porevox.job import job
from porevox.uncertainty import calibrate

with job(snakemake.log[0], f"uncertainty of {snakemake.wildcards.model}"):
    folders = [Path(path).parent for path in snakemake.input.runs]
    calibrate(folders, snakemake.output[0], snakemake.params.unit)
