"""Any engine: nothing knows which one runs it, and several GPUs of one machine work at the same time."""

import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

CLUSTER = Path(__file__).with_name("cluster")
#: What only a batch system, or the plugin of one, has.
ENGINES = re.compile(r"slurm|sbatch|srun\b|sacct|qsub|bsub|kubernetes|cluster[-_]generic", re.IGNORECASE)
#: Stands in for a training: takes a device, holds it for a while, and says when.
PRETENDED_TRAINING = """
import time
from pathlib import Path
from porevox.learning.devices import leased_device, visible_devices

share = snakemake.config["gpu_jobs_per_device"]
with leased_device(visible_devices(), share, Path("locks").resolve()) as device:
    start = time.monotonic()
    time.sleep(3)
    with open("taken.txt", "a") as taken:
        taken.write(f"{device} {start} {time.monotonic()}\\n")
for path in snakemake.output:
    Path(path).touch()
"""


def cluster_arguments(folder: Path) -> list[str]:
    """Submit every job to a batch system of one machine, whose files lie in `folder`."""
    if importlib.util.find_spec("snakemake_executor_plugin_cluster_generic") is None:
        pytest.skip("snakemake-executor-plugin-cluster-generic is not installed (extra `test`)")
    submit, status = (f"{sys.executable} {CLUSTER / f'{name}.py'} {folder}" for name in ("submit", "status"))
    commands = ["--cluster-generic-submit-cmd", submit, "--cluster-generic-status-cmd", status]
    return ["--executor", "cluster-generic", "--jobs", "4", *commands]


def test_rules_and_scripts_know_no_engine(root):
    files = [*(root / "workflow/rules").glob("*.smk"), *(root / "workflow/scripts").glob("*.py")]
    # the check that submission is possible, before anything starts, knows whom it asks
    files = [path for path in files if path.name != "machine.smk"]
    found = {path.name: ENGINES.findall(path.read_text()) for path in [root / "Snakefile", *files]}
    assert len(found) > 10
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.slow
def test_a_cluster_computes_what_one_machine_does(finished, fresh, tmp_path):
    fresh.targets = ("results/tiny/split0/metrics.csv",)
    fresh.run(*cluster_arguments(tmp_path / "jobs"))
    states = [path.read_text().strip() for path in (tmp_path / "jobs").glob("*/state")]
    assert len(states) >= 12 and set(states) == {"success"}
    for file in ("metrics.csv", "dataset/table.csv"):
        one, other = (project.root / "results/tiny/split0" / file for project in (finished, fresh))
        assert one.read_text() == other.read_text()
    # the next run may be on another engine
    assert "Nothing to be done" in fresh.run()


@pytest.mark.slow
def test_nodes_need_only_the_folder_in_common(fresh, tmp_path):
    """Sources, environments and the cache of sources may be each node's own."""
    fresh.targets = ("results/structures/tiny/manifest.csv",)
    shared = ["--shared-fs-usage", "persistence", "input-output"]
    fresh.run(*shared, *cluster_arguments(tmp_path / "jobs"))
    assert (fresh.root / fresh.targets[0]).is_file()


@pytest.mark.slow
def test_a_failed_job_of_a_cluster_is_told_with_its_log(fresh, tmp_path):
    shutil.rmtree(fresh.root / "workflow/scripts/structures.py", ignore_errors=True)
    (fresh.root / "workflow/scripts/structures.py").write_text("raise SystemExit('no, not here')\n")
    out = fresh.run(*cluster_arguments(tmp_path / "jobs"), ok=False)
    assert "Error in rule structures" in out and "results/logs/structures/tiny.log" in out
    [log] = (tmp_path / "jobs").glob("*/log")
    assert "no, not here" in log.read_text()


@pytest.mark.slow
def test_storage_that_gives_each_job_its_own_copies_is_refused(fresh, tmp_path):
    if importlib.util.find_spec("snakemake_storage_plugin_fs") is None:
        pytest.skip("snakemake-storage-plugin-fs is not installed (extra `test`)")
    storage = ["--default-storage-provider", "fs", "--default-storage-prefix", str(tmp_path / "store")]
    out = fresh.run(*storage, ok=False)
    assert "porevox: All jobs must see one folder" in out and "docs/engines.md" in out
    assert "Traceback" not in out


def taken_devices(project) -> list[tuple[int, float, float]]:
    """Device, start and end of every pretended training."""
    rows = [line.split() for line in (project.root / "taken.txt").read_text().splitlines()]
    return [(int(device), float(start), float(end)) for device, start, end in rows]


def most_at_once(rows) -> int:
    """Most intervals that hold a common moment; a start is such a moment if there is any."""
    return max(sum(start <= moment < end for _, start, end in rows) for _, moment, _ in rows)


@pytest.mark.slow
@pytest.mark.parametrize(("share", "chosen", "n"), [(1, "0,1", 2), (2, "0,1", 4), (1, "1", 1)])
def test_as_many_trainings_at_once_as_there_are_gpus(project, monkeypatch, share, chosen, n):
    """Two pretended GPUs, real jobs and real locks."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    (project.root / "workflow/scripts/train_retnet.py").write_text(PRETENDED_TRAINING)
    project.config = project.config | {"gpu_jobs_per_device": share}
    config = yaml.safe_load((project.root / "my.yaml").read_text())
    config["studies"]["tiny"]["seeds"] = list(range(1, 5))
    project.config = config
    project.targets = tuple(f"results/tiny/split0/retnet/n6/seed{k}/predictions.csv" for k in range(1, 5))
    # one core each: only the GPUs limit how many run
    project.run("--set-threads", "train_retnet=1", "--cores", "8")
    rows = taken_devices(project)
    assert len(rows) == 4 and most_at_once(rows) == n
    for device in {device for device, _, _ in rows}:
        assert most_at_once([row for row in rows if row[0] == device]) <= share
    assert {device for device, _, _ in rows} == set(range(len(chosen.split(","))))


@pytest.mark.slow
def test_machines_without_a_gpu_ask_for_none(fresh, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    out = fresh.run("-n")
    assert "gpu=0" in out and "gpu=1" not in out
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert "gpu=1" in fresh.run("-n")


def test_the_cluster_of_the_tests_waits_for_nothing(tmp_path):
    """A job goes on by itself, and its end is told whatever it was."""
    import subprocess
    import time

    states = []
    for line in ("exit 0", "exit 3"):
        script = tmp_path / "job.sh"
        script.write_text(f"#!/bin/sh\n{line}\n")
        submit = [sys.executable, CLUSTER / "submit.py", tmp_path / "jobs", script]
        number = subprocess.run(submit, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        status = [sys.executable, CLUSTER / "status.py", tmp_path / "jobs", number]
        for _ in range(100):
            states.append(subprocess.run(status, stdout=subprocess.PIPE, text=True).stdout.strip())
            if states[-1] != "running":
                break
            time.sleep(0.05)
    assert [state for state in states if state != "running"] == ["success", "failed"]
    assert os.listdir(tmp_path / "jobs")
