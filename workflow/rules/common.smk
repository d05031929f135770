"""What the rules share: the checked configuration, what wildcards may be, and digests of code."""

import functools
import itertools
import json
import math
import os
import re
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

sys.path.insert(0, str(Path(workflow.basedir) / "workflow/lib"))

from porevox import channel_settings, comparisons, insight, keys, layout, plan, screening, specs, starts
from porevox import cluster, cluster_checks, cluster_requests, failures, headlines, job_needs
from porevox import outlook, outlook_text, thesis, voxel_source
from porevox import config as settings
from porevox.errors import PorevoxError
from porevox.learning import devices

plan.hand_on_library()
if os.environ.get("NO_COLOR"):
    # https://no-color.org, which the engine does not know
    for handler in logger.handlers:
        handler.nocolor = True

try:
    config = plan.load(config)
    if workflow.is_main_process:
        plan.check(config)
    else:
        # a job must not count the files of a large folder again
        keys.trust_earlier_looks()
except PorevoxError as error:
    # not an exception: the user is told what to mend, not where it was noticed
    sys.exit(f"\nporevox: {error}")
if workflow.storage_settings.default_storage_provider is not None:
    sys.exit(
        "\nporevox: All jobs must see one folder, but --default-storage-provider gives each its own copies: leave "
        "it out, and mount a shared volume instead (docs/engines.md)."
    )

GPUS = plan.n_gpus()
GPU_SLOTS = GPUS * config["gpu_jobs_per_device"]
# `--cores 32` alone would start 32 trainings on one GPU; a limit given by the user wins
if workflow.is_main_process and workflow.global_resources.get("gpu") is None:
    workflow.global_resources["gpu"] = max(GPU_SLOTS, 1)
# trainings that run at once share this machine's cores; on a cluster each has its own
CORES = workflow.resource_settings.cores if workflow.is_main_process else None
TRAINING_THREADS = devices.training_threads(8, CORES, GPU_SLOTS)

MODELS = config["models"]


wildcard_constraints:
    dataset="|".join(map(re.escape, config["datasets"])),
    file="[^/]+",
    grid="|".join(map(re.escape, config["grids"])),
    study="|".join(map(re.escape, config["studies"])),
    model="|".join(map(re.escape, MODELS)),
    henry="|".join(map(re.escape, config["henry"])) or "(?!)",
    screen="|".join(map(re.escape, config["screens"])) or "(?!)",
    comparison="|".join(map(re.escape, config["voxel_comparisons"])) or "(?!)",
    channel=r"[A-Za-z][A-Za-z0-9-]*",
    key="[0-9a-f]{8}",
    shard=r"\d+",
    split=r"\d+",
    scope=r"split\d+|pooled",
    size=r"\d+|\d+pct",
    seed=r"\d+",


def code(*names):
    """Digest of the named scripts and of every module they import: comments and dates do not count."""
    # only when a job wants it: most rules have no business in a job on a cluster
    return lambda wildcards: keys.code(names)


include: "machine.smk"
include: "inputs.smk"
include: "targets_inputs.smk"
