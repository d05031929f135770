"""Download one file of a dataset."""

from pathlib import Path

from porevox.job import job
from porevox.retrieve import retrieve

with job(snakemake.log[0], f"download {snakemake.wildcards.file}") as progress:
    retrieve(
        snakemake.params.urls,
        Path(snakemake.output[0]),
        sha256=snakemake.params.sha256,
        size=snakemake.params.size_bytes,
        lock=Path(snakemake.params.lock),
        progress=progress,
    )
