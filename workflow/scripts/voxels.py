"""Compute the energy voxels of one shard."""

from pathlib import Path

from porevox.job import job
from porevox.structures import pack_name
from porevox.voxels import voxelise_shard

with job(
    snakemake.log[0], f"voxels of {snakemake.wildcards.dataset}/{snakemake.wildcards.shard}"
) as progress:
    voxelise_shard(
        Path(snakemake.input.shards).with_name(pack_name(int(snakemake.wildcards.shard))),
        Path(snakemake.output.energies).parent,
        grid=dict(snakemake.params.grid),
        channel=dict(snakemake.params.channel),
        reading=dict(snakemake.params.reading),
        # an empty list where the channel has no use for one
        forcefield=Path(snakemake.input.forcefield) if snakemake.input.forcefield else None,
        memory_limit_MB=snakemake.params.memory_MB,
        workers=snakemake.threads,
        progress=progress,
    )
