"""Compare voxels of our own with published ones."""

from pathlib import Path

from porevox.job import job
from porevox.voxel_comparison import compare_voxels

with job(snakemake.log[0], f"comparison of voxels {snakemake.wildcards.comparison}") as progress:
    compare_voxels(
        (Path(snakemake.input.published), [Path(path).parent for path in snakemake.input.record]),
        Path(snakemake.input.structures).parent,
        Path(snakemake.input.forcefield),
        snakemake.params.spec,
        Path(snakemake.output.png).with_suffix(""),
        progress=progress,
    )
