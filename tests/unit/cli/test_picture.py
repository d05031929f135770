"""What is drawn: the voxels of the structure that was asked for, wherever they are stored."""

import numpy as np
import pytest

from porevox.cli.gather import find_cif
from porevox.cli.options import Settings
from porevox.cli.picture import compute, is_stored, read_stored
from porevox.errors import PorevoxError
from porevox.structures import build_packs
from porevox.voxels import voxelise_shard

GRID = {"kind": "unit_cell", "n": 6, "endpoint": False}
CHANNEL = {"kind": "lennard_jones", "cutoff_A": 8.0}


@pytest.fixture
def forcefield(root):
    return root / "resources/forcefields/uff.csv"


@pytest.fixture
def stored(in_process, cifs, tmp_path):
    in_process("voxelize", cifs, "-o", tmp_path / "out.npy", "--grid", "unit_cell", "--n", 6, "--cutoff", 8)
    return tmp_path / "out.npy"


@pytest.fixture
def shards(cifs, tmp_path, forcefield):
    build_packs(cifs, tmp_path / "packs", n_shards=2)
    for number in range(2):
        pack = tmp_path / "packs" / f"shard{number:04d}.zip"
        folder = tmp_path / "voxels" / f"shard{number}"
        voxelise_shard(pack, folder, GRID, CHANNEL, {}, forcefield, 1000.0, 1)
    return tmp_path / "voxels"


def computed(cifs, id, forcefield):
    return compute(find_cif(cifs, id), Settings(GRID, CHANNEL, {}, forcefield))


def test_stored_voxels_are_those_that_would_be_computed(stored, shards, cifs, forcefield):
    expected = computed(cifs, "good1", forcefield)
    for found in (
        read_stored(stored, "good1", None, cifs),
        read_stored(stored, None, 1, cifs / "good1.cif"),
        read_stored(shards, "good1", None, cifs),
    ):
        with np.errstate(over="ignore"):
            assert np.array_equal(found.values, expected.values.astype(np.float32))
        assert (found.id, found.grid, found.channel) == ("good1", expected.grid, expected.channel)
        assert found.note == expected.note and found.cutoff_A == 8.0
        assert np.array_equal(found.structure.lattice_A, expected.structure.lattice_A)


def test_without_a_cif_the_cell_is_not_known(stored):
    assert read_stored(stored, "good1", None, None).structure is None


def test_voxels_and_cifs_are_told_apart(stored, shards, cifs):
    assert is_stored(stored) and is_stored(shards) and is_stored(shards / "shard0")
    assert not is_stored(cifs) and not is_stored(cifs / "good0.cif")


def test_a_note_says_what_was_computed(cifs, forcefield):
    note = computed(cifs, "good0", forcefield).note
    for word in ("2.5 Å", "50 K", "uff", "cutoff 8 Å", "6 × 6 × 6", "unit cell"):
        assert word in note


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("nix", None, None), "holds no structure nix"),
        ((None, 3, None), "holds no structure row 3"),
        (("good0", 1, None), "holds no structure good0 and row 1"),
        ((None, None, None), "name one of them"),
    ],
)
def test_a_structure_that_is_not_there_is_named(stored, arguments, message):
    with pytest.raises(PorevoxError, match=message):
        read_stored(stored, *arguments)


def test_a_row_needs_one_shards_folder(shards):
    with pytest.raises(PorevoxError, match="folder of shards"):
        read_stored(shards, None, 0, None)
    assert read_stored(shards / "shard0", None, 0, None).id == "good0"


def test_the_cif_of_another_structure_is_refused(stored, cifs):
    with pytest.raises(PorevoxError, match="not the structure of the voxels"):
        read_stored(stored, "good1", None, cifs / "good2.cif")


@pytest.mark.parametrize("end", [".csv", ".json", ".npy"])
def test_a_missing_or_broken_file_is_named(stored, end):
    path = stored.with_suffix(end)
    path.write_bytes(b"\xff{ nonsense")
    with pytest.raises(PorevoxError, match=path.name.replace(".", r"\.")) as caught:
        read_stored(stored, "good1", None, None)
    assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(PorevoxError):
        read_stored(stored, "good1", None, None)


def test_a_structure_that_cannot_be_used_says_why(cifs, forcefield):
    with pytest.raises(PorevoxError, match="partial cannot be used, partial_occupancy"):
        computed(cifs, "partial", forcefield)
