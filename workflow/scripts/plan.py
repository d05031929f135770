"""Say what a run would download, need and take."""

from porevox.job import job
from porevox.outlook_text import show

with job(snakemake.log[0], "plan"):
    show(snakemake.params.outlooks)
