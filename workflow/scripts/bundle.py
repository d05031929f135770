"""Make a folder of a trained model that can be handed over."""

from pathlib import Path

from porevox.bundle import make_bundle
from porevox.job import job

wildcards = snakemake.wildcards
with job(snakemake.log[0], f"folder of {wildcards.model} n={wildcards.size}"):
    make_bundle(
        [Path(path).parent for path in snakemake.input.runs],
        Path(snakemake.input.dataset[0]).parent,
        snakemake.input.metrics,
        snakemake.input.manifest,
        dict(snakemake.params.forcefields),
        dict(snakemake.params.about),
        snakemake.output.folder,
        threads=snakemake.threads,
    )
