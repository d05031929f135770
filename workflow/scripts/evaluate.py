"""Score one model, at every size and seed."""

from pathlib import Path

from porevox.evaluate import evaluate_model
from porevox.job import job

with job(snakemake.log[0], f"scores of {snakemake.wildcards.model}"):
    folders = [Path(path).parent for path in snakemake.input.runs]
    evaluate_model(folders, snakemake.output.metrics, **snakemake.params.bootstrap)
