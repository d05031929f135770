"""Draw one structure on its way through a trained network."""

from pathlib import Path

from porevox.forward_pass import forward_pass
from porevox.job import job

with job(snakemake.log[0], f"forward pass of {snakemake.wildcards.study}"):
    forward_pass(
        Path(snakemake.input.dataset[0]).parent,
        Path(snakemake.input.model).parent,
        Path(snakemake.output.png).with_suffix(""),
        structure=snakemake.params.structure,
        threads=snakemake.threads,
    )
