"""Files that are complete under their name, or not there at all."""

import hashlib

import numpy as np
import pytest

from porevox.energy.energyfile import EnergyFile, appearing


def rows(count, n=3):
    return np.random.default_rng(count).normal(size=(count, n, n, n)).astype(np.float32)


@pytest.mark.parametrize("count", [0, 1, 9, 10, 12345])
def test_what_is_appended_is_what_numpy_loads(tmp_path, count):
    array = rows(count)
    with EnergyFile(tmp_path / "energies.npy", 3) as file:
        for row in array:
            file.append(row)
    loaded = np.load(tmp_path / "energies.npy", allow_pickle=False)
    assert loaded.dtype == np.float32
    assert loaded.shape == (count, 3, 3, 3)
    assert np.array_equal(loaded, array)
    assert file.rows == count
    assert file.sha256 == hashlib.sha256(array.tobytes()).hexdigest()


def test_the_file_is_that_of_numpy_save(tmp_path):
    array = rows(7)
    np.save(tmp_path / "expected.npy", array)
    with EnergyFile(tmp_path / "energies.npy", 3) as file:
        for row in array:
            file.append(row)
    assert (tmp_path / "energies.npy").read_bytes() == (tmp_path / "expected.npy").read_bytes()


@pytest.mark.parametrize(
    "wrong", [np.zeros((3, 3, 3)), np.zeros((3, 3, 2), np.float32), np.zeros((27,), np.float32)]
)
def test_another_shape_or_precision_is_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="expected"), EnergyFile(tmp_path / "e.npy", 3) as file:
        file.append(wrong)
    assert list(tmp_path.iterdir()) == []


def test_rows_in_another_memory_order_are_written_in_order(tmp_path):
    row = np.asfortranarray(rows(1)[0])
    with EnergyFile(tmp_path / "e.npy", 3) as file:
        file.append(row)
    assert np.array_equal(np.load(tmp_path / "e.npy")[0], row)


def test_nothing_appears_until_the_end(tmp_path):
    with EnergyFile(tmp_path / "e.npy", 3) as file:
        file.append(rows(1)[0])
        assert not (tmp_path / "e.npy").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["e.npy"]


def test_a_failure_leaves_the_previous_file_alone(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt), appearing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_job_left_is_overwritten(tmp_path):
    with pytest.raises(KeyboardInterrupt), appearing(tmp_path / "e.npy") as left:
        raise KeyboardInterrupt
    left.write_bytes(b"x" * 100_000)
    with EnergyFile(tmp_path / "e.npy", 3):
        pass
    assert np.load(tmp_path / "e.npy").shape == (0, 3, 3, 3)
    assert not left.exists()
