"""Train one model on one training subset."""

from pathlib import Path

from porevox.baselines import train_baseline
from porevox.job import job

wildcards = snakemake.wildcards
with job(snakemake.log[0], f"{wildcards.model} n={wildcards.size} seed={wildcards.seed}"):
    out_dir = Path(snakemake.output.model).parent
    train_baseline(
        Path(snakemake.input.dataset[0]).parent,
        out_dir,
        size=snakemake.params.size,
        seed=int(wildcards.seed),
        options=dict(snakemake.params.options),
        model_name=wildcards.model,
        threads=snakemake.threads,
    )
