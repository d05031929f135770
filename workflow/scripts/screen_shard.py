"""Ask a trained model about one shard of new structures."""

from porevox.job import job
from porevox.screen import screen_shard

wildcards, params = snakemake.wildcards, snakemake.params
with job(snakemake.log[0], f"{wildcards.screen}/{wildcards.shard}"):
    screen_shard(
        params.model,
        {name: f"{folder}/shard{wildcards.shard}" for name, folder in dict(params.folders).items()},
        snakemake.output.table,
        snakemake.output.rejected,
        level=params.level,
        expected=params.expected,
        table=params.table,
        id_column=params.id_column,
        threads=snakemake.threads,
    )
