"""Write the overview of a study."""

from pathlib import Path

from porevox.job import job
from porevox.overview import overview

with job(snakemake.log[0], f"overview of {snakemake.wildcards.study}"):
    overview(
        snakemake.wildcards.study,
        {name: snakemake.input[name] for name in ("metrics", "comparison", "crossing", "curve", "parity")},
        datasets=[Path(path).parent for path in snakemake.input.dataset],
        runs=[Path(path).parent for path in snakemake.input.runs],
        facts=snakemake.params.facts,
        out_page=snakemake.output.page,
        out_front=snakemake.output.front,
    )
