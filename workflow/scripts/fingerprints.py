"""Draw the fingerprints that a network has learned."""

from pathlib import Path

from porevox.fingerprints import fingerprints
from porevox.job import job

with job(snakemake.log[0], f"fingerprints of {snakemake.wildcards.study}"):
    fingerprints(
        Path(snakemake.input.dataset[0]).parent,
        Path(snakemake.input.model).parent,
        Path(snakemake.output.heat).with_suffix(""),
        Path(snakemake.output.map).with_suffix(""),
        threads=snakemake.threads,
    )
