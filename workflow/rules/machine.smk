"""The machine: GPUs, what jobs ask of a cluster, and what is said before and after a run."""


def on_gpu(rule):
    """Whether a rule's jobs get a GPU: by --set-resources or the profile, else if this machine has any."""
    asked = workflow.resource_settings.overwrite_resources.get(rule, {})
    given = asked.get("gpu")
    if given is None:
        return GPUS > 0 or "gpu" in str(asked.get("gres", ""))
    return str(given) not in ("0", "0.0")


def on_slurm():
    """Whether this process submits jobs to Slurm."""
    return workflow.is_main_process and getattr(workflow.executor_plugin, "name", None) == "slurm"


def before_submission():
    """Say what Slurm would refuse, or leave waiting for ever."""
    asked, jobs = workflow.resource_settings, [job for job in workflow.dag.needrun_jobs() if not job.is_local]
    names = {name: list(given) for name, given in asked.overwrite_resources.items()}
    names |= dict.fromkeys(asked.overwrite_threads, ()) | {"": list(asked.default_resources or ())}
    comments = {cluster.comment(job.name, list(job.wildcards or ())) for job in jobs}
    wanted = (cluster_requests.request(job.rule.name, job.threads, job.resources) for job in jobs)
    try:
        cluster_requests.check_names(names, [rule.name for rule in workflow.rules])
        warning = cluster_checks.check(wanted, comments, Path.cwd(), asked.nodes or 1)
    except PorevoxError as error:
        sys.exit(f"\nporevox: {error}")
    if warning:
        logger.warning(f"porevox: {warning}")
    for job in workflow.dag.jobs:
        # finished after the run that submitted it had been killed: what it was made with is written down
        if job.output and not workflow.dag.needrun(job) and not workflow.persistence.has_metadata(job):
            workflow.async_run(workflow.persistence.finished(job))


@functools.cache
def most_of(stage):
    """The most memory and time that Slurm gives a rule's jobs: what grows at each try ends there."""
    asked_for = workflow.resource_settings
    asked = [asked_for.overwrite_resources.get(stage), asked_for.default_resources]
    names = [given["slurm_partition"] for given in asked if given and "slurm_partition" in given]
    try:
        return cluster_requests.most(str(names[0]) if names else None, cluster.partitions())
    except PorevoxError:
        # said before submission
        return math.inf, math.inf


def needs_of(stage, wildcards, attempt):
    need = job_needs.of(stage, config, wildcards, gpu=on_gpu(stage)).grown(attempt)
    return need.at_most(*most_of(stage)) if on_slurm() else need


def memory(stage):
    """The memory of a rule's jobs: what their data need, and more for a job that has failed."""
    return lambda wildcards, attempt: needs_of(stage, wildcards, attempt).memory_MB


def minutes(stage):
    """The time limit of a rule's jobs, likewise."""
    return lambda wildcards, attempt: needs_of(stage, wildcards, attempt).runtime_min


def before_start():
    """Say what would otherwise hang in silence, or fill the disk."""
    try:
        outlook.check_disk(config, ASKED)
    except PorevoxError as error:
        sys.exit(f"\nporevox: {error}")
    if on_slurm():
        before_submission()


def summary():
    """What a person wants to know when all is done."""
    lines = [headlines.of_study(config, name) for name in ASKED or config["run"]]
    lines += [headlines.of_thesis()] if thesis_asked() else []
    lines += map(headlines.of_henry, config["henry"])
    lines += map(headlines.of_screen, config["screens"])
    return "\n".join(filter(None, lines))
