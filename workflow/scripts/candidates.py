"""Show the best structures of a screening on a page."""

from pathlib import Path

from porevox.candidates import candidates_page
from porevox.job import job

with job(snakemake.log[0], f"candidates of {snakemake.wildcards.screen}"):
    candidates_page(
        snakemake.params.model,
        snakemake.input.ranked,
        snakemake.input.summary,
        Path(snakemake.input.shards).parent,
        snakemake.params.voxels,
        snakemake.output.page,
        top=snakemake.params.top,
        name=snakemake.wildcards.screen,
    )
