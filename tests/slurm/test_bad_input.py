"""What a cluster cannot do is told in one sentence, and nothing is submitted."""

import os
import re
import shutil

import pytest

pytestmark = pytest.mark.slurm


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("slurm_partition: gpu", "slurm_partition: gpuu", "`gpuu` .* is not on this cluster .* `gpu`"),
        ("gpu: 1 ", "gpu: 2 ", "`train_retnet` asks for 2 GPUs, which no node of the partition `gpu` has"),
        ("train_retnet:", "train_retnt:", "rule `train_retnt`, which is not there: .* `train_retnet`"),
        ("keep-going: true", "kep-going: true", "--kep-going"),
    ],
)
def test_a_mistake_in_the_profile(cluster, old, new, sentence):
    cluster.edit_profile(old, new)
    out = cluster.run(ok=False, seconds=60)
    assert re.search(sentence, out), out
    assert "Traceback" not in out and not cluster.slurm_jobs()


def test_no_sbatch_on_the_path(cluster, monkeypatch):
    folder = cluster.home / "bin"
    folder.mkdir()
    for tool in ("bash", "sh", "which", "env", "uname"):
        (folder / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", os.fspath(folder))
    out = cluster.run(ok=False, seconds=60)
    assert "sbatch is not on the PATH: run this on a host of your cluster" in out
    assert "Traceback" not in out
