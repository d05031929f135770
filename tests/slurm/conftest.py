"""Fixtures of the tests on a real Slurm of one node: `python tests/slurm/slurm_node.py up` starts it.

Nothing here is skipped where there is no Slurm: who asks for these tests (`pytest -m slurm`) wants them run.
"""

import shutil
import subprocess

import pytest

from slurm_project import SlurmProject, new_slurm_project


def pytest_collection_modifyitems(config, items):
    """Leave these tests out unless they are asked for by name: `-m slow` alone does not mean them."""
    if "slurm" in (config.option.markexpr or ""):
        return
    out = [item for item in items if item.get_closest_marker("slurm")]
    items[:] = [item for item in items if not item.get_closest_marker("slurm")]
    config.hook.pytest_deselected(items=out)


@pytest.fixture(scope="session")
def slurm() -> None:
    """A Slurm that takes jobs, or a failure."""
    if shutil.which("sinfo") is None:
        pytest.fail("there is no Slurm here: run `python tests/slurm/slurm_node.py up` first")
    done = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True, timeout=60)
    if done.returncode or not done.stdout.strip():
        pytest.fail(f"Slurm does not answer: {done.stderr or done.stdout}")


@pytest.fixture
def cluster(slurm, tmp_path, root) -> SlurmProject:
    """A project that has never run, and an empty home."""
    project = new_slurm_project(tmp_path, root)
    yield project
    project.cancel_all()
