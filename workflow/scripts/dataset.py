"""Join voxels, labels and descriptors of one study, and split them."""

from pathlib import Path

from porevox.dataset import assemble
from porevox.job import job

with job(snakemake.log[0], f"dataset of {snakemake.wildcards.study}"):
    study = {**snakemake.params.study, "key": snakemake.params.key}
    assemble(
        Path(snakemake.input.manifest),
        Path(snakemake.input.rejected),
        tables=list(zip(map(Path, snakemake.input.tables), study.pop("tables"), strict=True)),
        voxels=[Path(path).parent for path in snakemake.input.record],
        # checked, but no reason to make the dataset again: hence not a parameter
        sizes=snakemake.config["studies"][snakemake.wildcards.study]["sizes"],
        study=study,
        out_dir=Path(snakemake.output.table).parent,
    )
