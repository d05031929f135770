"""What Slurm's commands say, read from texts as they print them, by commands that pretend to be Slurm's."""

from pathlib import Path

import pytest

from porevox import cluster
from porevox.cluster import Node, Partition, QueuedJob
from porevox.errors import PorevoxError

#: As Slurm 22.05 and 23.11 print them, shortened.
NODES = """\
NodeName=n1 Arch=x86_64 CPUTot=64 OS=Linux 6.1.0 #1 SMP Debian 6.1 RealMemory=256000 Gres=gpu:a100:4(S:0-1) \
State=IDLE Partitions=gpu,all
NodeName=n2 Arch=x86_64 CPUTot=32 RealMemory=128000 Gres=(null) State=DOWN* Partitions=cpu,all
"""
PARTITIONS = """\
PartitionName=cpu AllowGroups=ALL Default=YES MaxTime=2-00:00:00 Nodes=n2 State=UP
PartitionName=gpu AllowGroups=ALL Default=NO MaxTime=UNLIMITED Nodes=n1 State=UP
PartitionName=all AllowGroups=ALL Default=NO MaxTime=12:00:00 Nodes=n[1-2] State=INACTIVE
"""
CONFIG = """\
Configuration data as of 2026-11-20T20:00:00
AccountingStorageEnforce = associations,limits
AccountingStorageType   = accounting_storage/slurmdbd
"""


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """Slurm's commands, each of which prints a text; every call is written to a file, word by word."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def command(name: str, body: str) -> Path:
        called = tmp_path / f"{name}.called"
        (folder / name).write_text(f'#!/bin/sh\nprintf "<%s>" "$@" >> {called}\n{body}\n')
        (folder / name).chmod(0o755)
        return called

    return command


def says(text: str) -> str:
    return f"cat <<'END'\n{text}END"


def scontrol(nodes=NODES, partitions=PARTITIONS, config=CONFIG) -> str:
    cases = {"node": nodes, "partition": partitions, "config": config}
    branches = "".join(f"*{word}) {says(text)}\n;;\n" for word, text in cases.items())
    return f'case "$*" in\n{branches}esac'


def test_partitions_and_their_nodes(pretended):
    pretended("scontrol", scontrol())
    n1, n2 = Node("n1", 64, 256_000, (("a100", 4),)), Node("n2", 32, 128_000)
    assert cluster.partitions() == {
        "cpu": Partition("cpu", 2880, True, True, (n2,)),
        "gpu": Partition("gpu", None, False, True, (n1,)),
        "all": Partition("all", 720, False, False, (n1, n2)),
    }


@pytest.mark.parametrize(
    ("gres", "expected"),
    [
        ("(null)", ()),
        ("gpu:2", (("", 2),)),
        ("gpu", (("", 1),)),
        ("gpu:a100:4(S:0-1),gpu:v100-sxm2:2", (("a100", 4), ("v100-sxm2", 2))),
        ("shard:8,craynetwork:1,gpu:h100:1(S:0)", (("h100", 1),)),
        ("mygpu:3", ()),
        ("gpu:2080ti:4(S:0-1),gpu:1g.5gb:7", (("2080ti", 4), ("1g.5gb", 7))),
        ("gpu:3090:8,gpu:tesla", (("3090", 8), ("tesla", 1))),
    ],
)
def test_gpus(gres, expected):
    assert cluster.gpus(gres) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1-12:30:00", 2190), ("24:00:00", 1440), ("30:00", 30), ("UNLIMITED", None), ("", None)],
)
def test_minutes(text, expected):
    assert cluster.minutes(text) == expected


def test_fields_may_hold_spaces():
    line = "NodeName=n1 OS=Linux 6.1 #1 SMP a=b RealMemory=5 Reason=bad disk [root@2026] Comment="
    assert cluster.fields(line)["OS"].startswith("Linux 6.1 #1 SMP")
    assert cluster.fields(line)["RealMemory"] == "5"
    assert cluster.fields(line)["Reason"] == "bad disk [root@2026]"


def test_accounts(pretended):
    pretended("scontrol", scontrol())
    pretended("sacctmgr", says("physics|\nchem|20\n"))
    assert cluster.account_limits() == ({"chem": 20, "physics": None}, True)
    pretended("scontrol", scontrol(config="AccountingStorageType = accounting_storage/none\n"))
    assert cluster.account_limits() == ({}, False)


def test_jobs_of_a_folder_that_wait_or_run(pretended, tmp_path):
    lines = [
        f"1|RUNNING|{tmp_path}|rule_voxels_wildcards_a|b",
        f"2|PENDING|{tmp_path}|rule_structures",
        f"3|COMPLETED|{tmp_path}|rule_x",
        f"4|RUNNING|{tmp_path}/other|rule_voxels",
    ]
    called = pretended("squeue", says("\n".join(lines) + "\n"))
    assert cluster.queued_jobs(tmp_path) == [
        QueuedJob("1", str(tmp_path), "rule_voxels_wildcards_a|b"),
        QueuedJob("2", str(tmp_path), "rule_structures"),
    ]
    assert "<--noheader><--user=" in called.read_text()


def test_names_of_jobs_in_the_queue():
    assert cluster.comment("voxels", ["tiny", "a/b", "0"]) == "rule_voxels_wildcards_tiny_a_b_0"
    assert cluster.comment("all", []) == "rule_all"


def test_names_never_reach_a_shell(pretended, tmp_path):
    called = pretended("sbatch", "true")
    cluster.try_submission("a; touch pwned", "$(touch pwned)", "profile")
    assert "<--partition=a; touch pwned><--account=$(touch pwned)>" in called.read_text()
    assert not list(tmp_path.rglob("pwned"))


def test_a_refusal_for_the_account_is_told(pretended):
    words = "sbatch: error: You must specify an account (-A)\nallocation failure: Unspecified error"
    pretended("sbatch", f"echo '{words}' >&2; exit 1")
    with pytest.raises(PorevoxError, match=r"You must specify an account .*`slurm_account`.* in the-profile"):
        cluster.try_submission("cpu", None, "the-profile")


def test_busy_nodes_are_no_refusal(pretended):
    pretended("sbatch", "echo 'allocation failure: Requested nodes are busy' >&2; exit 1")
    cluster.try_submission("cpu", None, "the-profile")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (None, "scontrol is not on the PATH"),
        ("echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1", "Unable to contact"),
        ("exit 3", "exit status 3"),
        ("sleep 5", "has not answered"),
    ],
)
def test_a_slurm_that_does_not_answer(pretended, monkeypatch, tmp_path, body, sentence):
    monkeypatch.setattr(cluster, "_PATIENCE_S", 1)
    if body is None:
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        pretended("scontrol", body)
    with pytest.raises(PorevoxError, match=sentence):
        cluster.partitions()
