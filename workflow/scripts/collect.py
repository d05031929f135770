"""Put the scores of all models of a study into one table."""

from porevox.evaluate import collect_metrics
from porevox.job import job

with job(snakemake.log[0], f"scores of {snakemake.wildcards.study}"):
    collect_metrics(snakemake.input.metrics, snakemake.output.metrics)
