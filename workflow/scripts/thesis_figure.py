"""Copy a study's figure to its place among those of the thesis."""

from porevox.job import job
from porevox.thesis import copy_files

with job(snakemake.log[0], f"figure {snakemake.wildcards.figure} of the thesis"):
    copy_files(snakemake.input, snakemake.output)
