"""Folders that nodes do not see, jobs of runs that were killed, and what became of jobs."""

from pathlib import Path

import pytest

from porevox import cluster, cluster_checks
from porevox.cluster import Node, Partition, QueuedJob
from porevox.cluster_requests import Request
from porevox.errors import PorevoxError

PARTITIONS = {"cpu": Partition("cpu", None, True, True, (Node("n1", 8, 1000), Node("n2", 8, 1000)))}
MOUNTS = """\
overlay / overlay rw 0 0
tmpfs /dev/shm tmpfs rw 0 0
/dev/sda1 /scratch\\040local ext4 rw 0 0
server:/home /home nfs4 rw 0 0
"""


def folder_of(path, host="login", partitions=PARTITIONS):
    return cluster_checks.check_folder(Path(path), MOUNTS, host, partitions)


@pytest.mark.parametrize("path", ["/tmp/work", "/dev/shm/work"])
def test_a_folder_that_no_node_sees(path):
    with pytest.raises(PorevoxError, match=f"{path} is on this machine only .*a folder that all nodes share"):
        folder_of(path)


@pytest.mark.parametrize("path", ["/scratch local/work", "/opt/work"])
def test_a_folder_that_nodes_may_not_see(path):
    assert f"{path} is on a disk of this machine" in folder_of(path)


def test_folders_that_nodes_see():
    assert folder_of("/home/someone") is None
    alone = {"cpu": Partition("cpu", None, True, True, (Node("here", 8, 1000),))}
    assert folder_of("/tmp/work", "here", alone) is None


def test_jobs_of_a_run_that_was_killed():
    jobs = [QueuedJob("12", "/w", "rule_voxels_wildcards_a_0"), QueuedJob("13", "/w", "rule_dataset")]
    cluster_checks.check_earlier_jobs(jobs, {"rule_voxels_wildcards_a_1"})
    with pytest.raises(PorevoxError, match=r"Slurm jobs 12 of an earlier run .*scancel 12`"):
        cluster_checks.check_earlier_jobs(jobs, {"rule_voxels_wildcards_a_0"})


def test_hundreds_of_them_do_not_fill_the_screen():
    jobs = [QueuedJob(str(k), "/w", "c") for k in range(300)]
    with pytest.raises(PorevoxError, match="and 290 more") as error:
        cluster_checks.check_earlier_jobs(jobs, {"c"})
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("SLURM-job '12' failed, SLURM status is: 'OUT_OF_MEMORY'.", r"`mem_mb`\) \(12\)"),
        ("    message: SLURM-job '7' failed, SLURM status is: 'TIMEOUT'. Detailed", "goes on from its last"),
        ("SLURM-job '7' failed, SLURM status is: 'CANCELLED'.", "were cancelled"),
        (
            "SLURM sbatch failed. The error message was 'sbatch: error: AssocMaxSubmitJobLimit\nsbatch: x'",
            "did not take a job .AssocMaxSubmitJobLimit.: set `jobs` below",
        ),
    ],
)
def test_what_became_of_jobs(tmp_path, line, sentence):
    log = tmp_path / "run.log"
    log.write_text(f"{line}\n{line}\n")
    told = cluster_checks.explain([log, tmp_path / "missing.log"])
    assert told.count("\n") == 0
    with pytest.raises(AssertionError, match=sentence):
        raise AssertionError(told)


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("slurmstepd: error: StepId=12.0 exceeded memory limit (5 > 4), being killed\n", "used more memory"),
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=12.0\n", "used more memory"),
        (None, "left no log: their node may not see this folder"),
        ("ValueError: x\n", ""),
    ],
)
def test_what_a_job_has_printed_tells_more(tmp_path, printed, sentence):
    path = tmp_path / "logs" / "12.log"
    path.parent.mkdir()
    if printed is not None:
        path.write_text(printed)
    message = "SLURM-job '12' failed, SLURM status is: 'FAILED'."
    (tmp_path / "run.log").write_text(f"{message}\n    log: rule.log, {path} (check log file(s))\n")
    told = cluster_checks.explain([tmp_path / "run.log"])
    assert sentence in told and bool(told) == bool(sentence)


def test_jobs_that_failed_by_themselves_are_told_elsewhere(tmp_path):
    (tmp_path / "run.log").write_text("SLURM-job '12' failed, SLURM status is: 'FAILED'.\n")
    assert cluster_checks.explain([tmp_path / "run.log"]) == ""


def test_everything_is_asked_before_submission(monkeypatch):
    asked = []
    monkeypatch.setattr(cluster, "ask", lambda *words: asked.append(words) or "")
    monkeypatch.setattr(cluster, "partitions", lambda: PARTITIONS)
    monkeypatch.setattr(cluster, "account_limits", lambda: ({"chem": None}, True))
    monkeypatch.setattr(cluster, "queued_jobs", lambda folder: [QueuedJob("5", "/w", "rule_a")])
    good = Request("a", "cpu", "chem", threads=8, memory_MB=1000)
    assert cluster_checks.check([], {"rule_a"}, Path("/w"), 9) is None, "nothing is submitted, nothing asked"
    assert not asked
    cluster_checks.check([good, good], {"rule_b"}, Path("/home/x"), 9)
    for wanted, comment, sentence in (
        (Request("a", "gpu"), "b", "partition `gpu`"),
        (Request("a", "cpu", "physics"), "b", "physics"),
        (good, "rule_a", "Slurm jobs 5"),
    ):
        with pytest.raises(PorevoxError, match=sentence):
            cluster_checks.check([wanted], {comment}, Path("/home/x"), 9)
