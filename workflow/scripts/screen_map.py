"""Draw where the structures of a screening lie among those a model was trained on."""

from pathlib import Path

from porevox.job import job
from porevox.screen_map import screen_map

with job(snakemake.log[0], f"map of {snakemake.wildcards.screen}"):
    screen_map(
        snakemake.params.model,
        snakemake.input.ranked,
        Path(snakemake.output.png).with_suffix(""),
    )
