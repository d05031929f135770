"""Judge and draw the error bars of a study's ensembles."""

from pathlib import Path

from porevox.calibration import calibration
from porevox.job import job
from porevox.layout import runs_by_model

with job(snakemake.log[0], f"calibration in {snakemake.wildcards.study}"):
    parameters = {Path(path).parts[-3]: path for path in snakemake.input.parameters}
    runs = runs_by_model(snakemake.input.runs)
    calibration(
        {model: (path, runs[model]) for model, path in parameters.items()},
        snakemake.output.table,
        Path(snakemake.output.png).with_suffix(""),
        snakemake.params.figure["unit"],
    )
