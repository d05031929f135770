"""Compare pairs of models of a study."""

from porevox.compare import compare
from porevox.job import job
from porevox.layout import runs_by_model

with job(snakemake.log[0], f"comparison in {snakemake.wildcards.study}"):
    compare(
        runs_by_model(snakemake.input.runs),
        snakemake.params.pairs,
        out_csv=snakemake.output.table,
        out_json=snakemake.output.crossing,
        **snakemake.params.bootstrap,
    )
