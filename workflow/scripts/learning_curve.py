"""Draw the learning curves of a study."""

from pathlib import Path

from porevox.job import job
from porevox.learning_curve import learning_curve

figure = snakemake.params.figure
with job(snakemake.log[0], f"learning curve of {snakemake.wildcards.study}"):
    learning_curve(
        dict(zip(figure["models"], snakemake.input.metrics, strict=True)),
        snakemake.input.crossing,
        Path(snakemake.output.png).with_suffix(""),
        figure["label"],
        controls=figure["controls"],
        confidence=figure["confidence"],
    )
