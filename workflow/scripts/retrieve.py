"""Download one file of a dataset, or take it from the folder of those fetched by hand."""

from pathlib import Path

from porevox.downloaded_tables import warn_of_columns
from porevox.job import job
from porevox.layout import find_download
from porevox.retrieve import retrieve

with job(snakemake.log[0], f"download {snakemake.wildcards.file}", unit="B") as progress:
    target = Path(snakemake.output[0])
    file = find_download(snakemake.config, target)
    retrieve(
        file["urls"],
        target,
        sha256=file["sha256"],
        size=file["size_bytes"],
        lock=Path(snakemake.params.lock),
        progress=progress,
        sources_dir=snakemake.config["sources_dir"],
    )
    warn_of_columns(snakemake.config, target)
