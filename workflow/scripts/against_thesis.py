"""Put every published number of the thesis beside the one computed here."""

from pathlib import Path

from porevox.against_thesis import against_thesis
from porevox.job import job
from porevox.thesis import FIGURES

with job(snakemake.log[0], "the thesis against this run"):
    against_thesis(
        snakemake.input.published,
        snakemake.params.metrics,
        snakemake.params.runs,
        next(iter(snakemake.input.epochs), None),
        snakemake.input.augmentation,
        dict(zip(FIGURES, snakemake.input.figures, strict=True)),
        Path(snakemake.output.page).with_suffix(""),
        **snakemake.params.bootstrap,
    )
