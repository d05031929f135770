"""Train one model on one training subset."""

from pathlib import Path

from porevox.job import job
from porevox.training import train_retnet

wildcards = snakemake.wildcards
with job(snakemake.log[0], f"{wildcards.model} n={wildcards.size} seed={wildcards.seed}") as progress:
    out_dir = Path(snakemake.output.model).parent
    run = out_dir.relative_to("results")
    # not among the params: to watch a training is no reason to repeat it
    watched = snakemake.config["models"][wildcards.model]["tensorboard"]
    train_retnet(
        Path(snakemake.input.dataset[0]).parent,
        out_dir,
        # outside the declared outputs: those of a failed job are deleted
        checkpoint_dir=Path("results/checkpoints") / run,
        size=snakemake.params.size,
        seed=int(wildcards.seed),
        options=dict(snakemake.params.options),
        model_name=wildcards.model,
        threads=snakemake.threads,
        progress=progress,
        event_dir=Path("results/tensorboard") / run if watched else None,
        jobs_per_gpu=snakemake.config["gpu_jobs_per_device"],
    )
