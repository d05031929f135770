"""Room for large arrays: in memory or in a file, they are used alike."""

import errno
import os
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from porevox.learning import scratch
from porevox.learning.scratch import room
from porevox.learning.standardise import channel_statistics, standardise
from porevox.learning.voxelset import load_dataset, load_voxels

SYNTHETIC = runpy.run_path(str(Path(__file__).resolve().parents[2] / "synthetic_dataset.py"))


def mapped_files() -> int:
    """Nameless files of ours that this process has mapped."""
    return len(re.findall(r"/porevox-\S+ \(deleted\)|/#\d+ \(deleted\)", Path("/proc/self/maps").read_text()))


def test_a_small_array_lies_in_memory():
    before = mapped_files()
    array = room((3, 4))
    assert array.shape == (3, 4) and array.dtype == np.float32 and mapped_files() == before


def test_a_large_array_lies_in_a_file_that_goes_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    before = mapped_files()
    array = room((2, 3, 5), np.float64, file_from_bytes=100)
    assert mapped_files() == before + 1 and not list(tmp_path.iterdir())
    array[:] = np.arange(30).reshape(2, 3, 5)
    array *= 2
    np.testing.assert_array_equal(array.ravel(), 2 * np.arange(30))
    assert array.flags.writeable and array.flags.c_contiguous
    del array
    assert mapped_files() == before


@pytest.mark.parametrize("problem", [errno.ENOSPC, errno.EINVAL])
def test_without_room_on_the_disk_it_lies_in_memory(monkeypatch, problem):
    def refuse(*_):
        raise OSError(problem, "no")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    before = mapped_files()
    assert room((10,), file_from_bytes=1).shape == (10,) and mapped_files() == before


def test_an_array_without_elements():
    assert room((0, 1, 4), file_from_bytes=0).shape == (0, 1, 4)


def test_an_array_of_a_file_can_be_a_tensor():
    torch = pytest.importorskip("torch")
    array = room((4, 4), file_from_bytes=1)
    array[:] = 1
    tensor = torch.from_numpy(array)
    tensor += 1
    assert float(tensor.sum()) == 32 and array.sum() == 32


def test_voxels_are_the_same_wherever_they_lie(tmp_path, monkeypatch):
    SYNTHETIC["write_dataset"](tmp_path, n=4)
    dataset = load_dataset(tmp_path)
    in_memory = load_voxels(dataset, dataset.table)
    before = mapped_files()
    monkeypatch.setattr(scratch, "FILE_FROM_BYTES", 1)
    in_a_file = load_voxels(dataset, dataset.table)
    assert mapped_files() == before + 1
    for array in (in_memory, in_a_file):
        standardise(array, *channel_statistics(array))
    np.testing.assert_array_equal(in_a_file, in_memory)
