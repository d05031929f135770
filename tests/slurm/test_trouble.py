"""Trouble on a cluster: each ends in finished work or in one clear message, and nothing is computed twice."""

import os
import re
import signal
import subprocess

import pytest

from slurm_project import query

pytestmark = pytest.mark.slurm

STRUCTURES = "results/structures/tiny/shards.json"
FIRST_TRY = """from pathlib import Path as _Path
first_try = not _Path("tried").exists()
_Path("tried").touch()"""


@pytest.mark.slow
def test_a_flaky_job_succeeds_at_its_second_try(cluster):
    cluster.patch_script("structures", f'{FIRST_TRY}\nif first_try:\n    raise SystemExit("a flaky node")')
    cluster.targets = (STRUCTURES,)
    cluster.run()
    assert cluster.states("structures") == ["FAILED", "COMPLETED"]


def test_a_job_over_its_memory_is_given_more(cluster):
    # 1.1 GB at the first try, 2.2 GB at the second
    hog = "import time\nballast = bytearray(1_300_000_000)\ntime.sleep(14)\ndel ballast"
    cluster.patch_script("structures", hog)
    cluster.targets = (STRUCTURES,)
    cluster.run()
    # without cgroups the controller only learns that it failed; the job's log knows why
    assert cluster.states("structures") == ["FAILED", "COMPLETED"]
    log = next((cluster.root / "results/logs/slurm").rglob("*.log"))
    assert "exceeded memory limit" in log.read_text()
    asked = [said["TRES"] for _, said in sorted(cluster.slurm_jobs().items(), key=lambda job: int(job[0]))]
    assert ["mem=1100M" in asked[0], "mem=2200M" in asked[1]] == [True, True], asked


def test_a_killed_snakemake_goes_on_without_computing_anything_twice(cluster):
    cluster.patch_script("voxels", "import time\ntime.sleep(15)")
    cluster.targets = ("results/tiny/split0/dataset/dataset.json",)
    run = cluster.start()
    cluster.wait_for(lambda: cluster.states("voxels").count("RUNNING") == 3)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert "unlock" in cluster.run(ok=False)
    cluster.run("--unlock")
    out = cluster.run(ok=False)
    assert "of an earlier run in this folder still wait or run" in out and "Traceback" not in out
    assert len(cluster.states("voxels")) == 3, "nothing was submitted"
    cluster.wait_for(lambda: set(cluster.states("voxels")) == {"COMPLETED"})
    cluster.run()
    assert cluster.states("voxels") == ["COMPLETED"] * 3 and cluster.states("structures") == ["COMPLETED"]
    assert cluster.starts("structures/tiny.log") == 1
    assert "missing provenance" not in cluster.run("-n"), "and later changes are noticed"
    shards = list((cluster.root / "results/logs/voxels").rglob("shard*.history.log"))
    assert [log.read_text().count(" INFO start: ") for log in shards] == [1, 1, 1]


@pytest.mark.slow
def test_a_cancelled_job_is_run_again(cluster):
    cluster.patch_script("structures", f"{FIRST_TRY}\nimport time\ntime.sleep(60 if first_try else 0)")
    cluster.targets = (STRUCTURES,)
    run = cluster.start()
    cluster.wait_for(lambda: (cluster.root / "tried").exists())
    subprocess.run(["scancel", *cluster.numbers("RUNNING")], check=True)
    assert run.wait(120) == 0, cluster.output()
    assert cluster.states("structures") == ["CANCELLED", "COMPLETED"]


@pytest.mark.slow
def test_a_drained_node_is_waited_for(cluster):
    node = query("sinfo", "-h", "-N", "-o", "%N").split()[0]
    subprocess.run(["scontrol", "update", f"nodename={node}", "state=drain", "reason=test"], check=True)
    try:
        cluster.targets = (STRUCTURES,)
        run = cluster.start()
        cluster.wait_for(lambda: cluster.states("structures") == ["PENDING"])
        with pytest.raises(subprocess.TimeoutExpired):
            run.wait(20)
    finally:
        subprocess.run(["scontrol", "update", f"nodename={node}", "state=resume"], check=True)
    assert run.wait(120) == 0, cluster.output()
    assert cluster.states("structures") == ["COMPLETED"]


@pytest.mark.slow
def test_an_interrupted_run_takes_its_jobs_with_it(cluster):
    cluster.patch_script("structures", f"{FIRST_TRY}\nimport time\ntime.sleep(60 if first_try else 0)")
    cluster.targets = (STRUCTURES,)
    run = cluster.start()
    cluster.wait_for(lambda: (cluster.root / "tried").exists())
    run.send_signal(signal.SIGINT)
    assert run.wait(60) != 0
    cluster.wait_for(lambda: cluster.states("structures") == ["CANCELLED"])
    cluster.run()
    assert cluster.states("structures") == ["CANCELLED", "COMPLETED"]


@pytest.mark.slow
def test_a_training_cut_by_its_time_limit_goes_on_from_its_last_epoch(cluster):
    config = cluster.root / "config.yaml"
    config.write_text(re.sub(r"epochs: 2\b", "epochs: 100000", config.read_text()))
    # Slurm counts in minutes
    cluster.edit_profile("gpu: 1 ", "runtime: 1\n    gpu: 1 ")
    cluster.targets = ("results/tiny/split0/retnet/n9/seed0/run.json",)
    out = cluster.run("--retries", "1", ok=False, seconds=900)
    assert cluster.states("train_retnet") == ["TIMEOUT", "TIMEOUT"]
    assert "took longer than they asked for: give the rule more time" in out and "Traceback" not in out
    log = cluster.root / "results/logs/train/tiny/split0/retnet/n9/seed0.history.log"
    text = log.read_text()
    resumed = int(re.search(r"resuming after epoch (\d+)", text).group(1))
    epochs = re.findall(r"epoch (\d+)/100000:", text)
    assert resumed >= 1 and epochs.count("1") == 1
    assert all(epochs.count(str(k)) == 1 for k in range(1, resumed + 1)), "finished epochs are not repeated"
    assert int(epochs[-1]) > resumed
