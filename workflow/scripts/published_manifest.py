"""List the structures of published voxels."""

from pathlib import Path

from porevox.job import job
from porevox.published_manifest import write_manifest

with job(snakemake.log[0], f"manifest of {snakemake.wildcards.dataset}"):
    write_manifest(
        [Path(path).parent for path in snakemake.input.records], Path(snakemake.output.manifest).parent
    )
    Path(snakemake.output.key).write_text(snakemake.params.key + "\n")
