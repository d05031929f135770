"""run.json: versions, machine, memory."""

import os
import sys
from importlib import metadata

import numpy as np
import pytest

from porevox import __version__
from porevox.learning.runinfo import hardware, peak_memory_MB, run_record, versions


def test_versions_are_those_installed():
    found = versions()
    assert found["porevox"] == __version__
    assert found["numpy"] == np.__version__ == metadata.version("numpy")
    assert found["python"] == ".".join(str(v) for v in sys.version_info[:3])
    assert {"torch", "scikit-learn", "safetensors", "pandas"} <= set(found)


def test_a_package_that_is_missing_is_left_out(monkeypatch):
    monkeypatch.setattr("porevox.learning.runinfo._PACKAGES", ("numpy", "no-such-package-anywhere"))
    assert set(versions()) == {"python", "porevox", "numpy"}


def test_hardware_names_the_machine():
    found = hardware(3, gpu="a card")
    assert found["threads"] == 3 and found["gpu"] == "a card" and found["cores"] == os.cpu_count()
    assert found["cpu"] and found["memory_MB"] > 100
    assert hardware(1)["gpu"] is None


def test_peak_memory_counts_megabytes_and_never_falls():
    before = peak_memory_MB()
    block = np.ones(int((before + 50) * 2**20 // 8))
    during = peak_memory_MB()
    assert before + 40 < during < 4 * before + 400 and block[0] == 1
    del block
    assert peak_memory_MB() >= during


def test_record_of_a_run():
    record = run_record(
        model="m",
        kind="mean",
        size="25%",
        n_train=40,
        n_used=37,
        seed=2,
        wall_time_s=1.23456,
        device="cpu",
        n_test=5,
    )
    assert record["n_dropped"] == 3 and record["n_test"] == 5 and record["size"] == "25%"
    assert record["wall_time_s"] == pytest.approx(1.235)
    assert record["type"] == "mean" and record["peak_memory_MB"] > 0
