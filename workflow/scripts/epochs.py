"""Compare numbers of epochs on the validation set."""

from porevox.epochs import epoch_table
from porevox.job import job
from porevox.layout import runs_by_model

with job(snakemake.log[0], f"epochs of {snakemake.wildcards.study}"):
    epoch_table(runs_by_model(snakemake.input.runs), snakemake.output.table)
