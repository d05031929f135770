"""Turn one part of published voxels into a shard."""

from pathlib import Path

from porevox.job import job
from porevox.published import convert_part

with job(
    snakemake.log[0], f"voxels of {snakemake.wildcards.dataset}/{snakemake.params.part['name']}"
) as progress:
    convert_part(
        Path(snakemake.input.source),
        dict(snakemake.params.part),
        snakemake.params.holds,
        snakemake.params.temperature_K,
        snakemake.params.n,
        Path(snakemake.output.energies).parent,
        progress=progress,
    )
