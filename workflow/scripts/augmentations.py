"""Draw the operations of data augmentation on one structure's voxels."""

from pathlib import Path

from porevox.augmentations import augmentations
from porevox.job import job

with job(snakemake.log[0], f"augmentations of {snakemake.wildcards.study}"):
    augmentations(
        Path(snakemake.input.dataset[0]).parent,
        Path(snakemake.output.png).with_suffix(""),
        structure=snakemake.params.structure,
        view=snakemake.params.view,
        **snakemake.params.augmentation,
    )
