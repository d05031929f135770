"""A small study from a fresh copy to its figures, by the literal command."""

import re

import pytest
import yaml

from slurm_project import COMMAND, SlurmProject, new_slurm_project

pytestmark = pytest.mark.slurm

ON_THIS_HOST = {"collect", "learning_curve", "parity", "augmentations", "forward_pass", "histories"}


def resources(said: dict[str, str]) -> dict[str, str]:
    """Requested cores, memory and GPUs of a job."""
    return dict(part.split("=") for part in (said.get("ReqTRES") or said["TRES"]).split(","))


@pytest.fixture(scope="module")
def finished(slurm, tmp_path_factory, root) -> SlurmProject:
    project = new_slurm_project(tmp_path_factory.mktemp("study"), root)
    project.out = project.run()
    project.done = project.slurm_jobs()
    yield project
    project.cancel_all()


def test_every_job_is_completed_once(finished):
    states = [said["JobState"] for said in finished.done.values()]
    assert states and set(states) == {"COMPLETED"}
    assert {"structures", "voxels", "dataset", "train_retnet", "train_baseline"} <= {
        re.match(r"rule_([a-z_]+?)(_wildcards|$)", said["Comment"])[1] for said in finished.done.values()
    }
    assert (finished.root / "results/tiny/split0/figures/learning_curve.png").stat().st_size > 10_000
    assert "Traceback" not in finished.out


def test_figures_stay_on_the_submitting_host(finished):
    submitted = " ".join(said["Comment"] for said in finished.done.values())
    assert not [rule for rule in ON_THIS_HOST if f"rule_{rule}_" in submitted]
    assert ON_THIS_HOST <= set(re.findall(r"^localrule (\w+):", finished.out, re.M))


def test_jobs_ask_for_what_their_data_need(finished):
    for said in finished.done.values():
        asked = resources(said)
        trains = said["Comment"].startswith("rule_train_retnet_")
        assert said["Partition"] == ("gpu" if trains else "cpu")
        assert ("gpu" in said.get("TresPerJob", "")) == trains, said
        if said["Comment"].startswith("rule_voxels_"):
            assert asked["cpu"] == "4" and said["TimeLimit"] == "00:30:00"


def test_nothing_is_left_to_do_nor_lying_about(finished):
    assert "Nothing to be done" in finished.run()
    # what jobs printed is kept of failed ones only
    logs = finished.root / "results/logs/slurm"
    assert not list(logs.rglob("*.log"))
    assert not list(finished.home.glob("**/snakemake/*/config.yaml"))


def test_the_command_is_the_one_that_readme_gives(finished, root):
    assert COMMAND[0].endswith("/snakemake") and COMMAND[1:] == ["--profile", "slurm"]
    assert "snakemake --profile slurm" in (root / "README.md").read_text()
    assert (finished.root / "slurm/config.yaml").is_file()
    assert yaml.safe_load((root / "profiles/slurm/config.yaml").read_text())["executor"] == "slurm"
