"""Write the interactive parity plots of a study."""

from porevox.job import job
from porevox.parity_page import parity_page

figure = snakemake.params.figure
with job(snakemake.log[0], f"parity page of {snakemake.wildcards.study}"):
    parity_page(
        snakemake.input.table,
        snakemake.output.page,
        figure["label"],
        figure["unit"],
        controls=figure["controls"],
    )
