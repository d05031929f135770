"""Put the predictions of all shards of a screening in order."""

from pathlib import Path

from porevox.job import job
from porevox.ranking import rank_shards

with job(snakemake.log[0], f"ranking of {snakemake.wildcards.screen}"):
    rank_shards(
        snakemake.params.model,
        snakemake.input.tables,
        snakemake.input.rejected,
        snakemake.input.manifest,
        snakemake.params.level,
        Path(snakemake.output.ranked).parent,
    )
