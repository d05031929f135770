"""Pack the structures of a dataset into shards."""

from pathlib import Path

from porevox.job import job
from porevox.structures import build_packs

with job(snakemake.log[0], f"structures of {snakemake.wildcards.dataset}") as progress:
    manifest = Path(snakemake.output.manifest)
    build_packs(
        Path(snakemake.input.source),
        manifest.parent,
        previous_manifest=manifest if manifest.exists() else None,
        n_shards=snakemake.params.n_shards,
        shard_size=snakemake.params.shard_size,
        hash_cache=Path(snakemake.params.cache),
        progress=progress,
        folder=snakemake.params.folder,
        sample=snakemake.params.sample,
    )
    Path(snakemake.output.key).write_text(snakemake.params.key + "\n")
