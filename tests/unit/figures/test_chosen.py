"""Which structure is drawn: the one asked for, an open one, IRMOF-1."""

import numpy as np
import pytest

from porevox.errors import PorevoxError
from porevox.figures.chosen import OPEN_K, drawable_rows, named_row, open_row, passed_row, scalar_columns
from porevox.learning.voxelset import load_dataset
from synthetic_dataset import write_dataset


def dataset(folder, **options):
    options = {"n_train": 4, "n_validation": 1, "n_test": 3} | options
    write_dataset(folder, **options)
    return load_dataset(folder)


def test_rows_come_by_subset_and_in_the_order_of_its_list(tmp_path):
    data = dataset(tmp_path, without_voxels=["S-001"], without_descriptors=["S-006"])
    assert drawable_rows(data)["id"].tolist() == [f"S-00{k}" for k in (0, 2, 3, 4, 5, 6, 7)]
    assert drawable_rows(data, ["void_fraction"])["id"].tolist()[-2:] == ["S-005", "S-007"]


def test_the_structure_asked_for_is_found_in_any_subset(tmp_path):
    data = dataset(tmp_path)
    assert named_row(data, "S-006")["id"].tolist() == ["S-006"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("S-06", r"`studies\.synthetic\.structure` names `S-06`.*8 structures.*did you mean `S-0\d\d`"),
        ("quartz", "names `quartz`.*see table.csv"),
        ("S-001", "`S-001`, which has no voxels"),
        ("S-006", "`S-006`, which has no voxels or lacks a scalar"),
    ],
)
def test_a_structure_that_cannot_be_drawn_is_named(tmp_path, name, words):
    data = dataset(tmp_path, without_voxels=["S-001"], without_descriptors=["S-006"])
    with pytest.raises(PorevoxError, match=words):
        named_row(data, name, ["void_fraction"])


def shut(*positions):
    """Make the voxels of training structures almost all framework; for write_dataset's change."""

    def change(table, meta):
        for row in table[(table["subset"] == "train") & table["position"].isin(positions)].itertuples():
            path = meta["channels"][0]["shards"][str(row.shard)]
            store = np.load(path)
            store[row.row_lj] = 1e6
            store[row.row_lj, : row.position + 1] = 0.0  # later ones are a little more open
            np.save(path, store)

    return change


def test_the_first_training_structure_with_open_pores_is_taken(tmp_path):
    data = dataset(tmp_path, change=shut(0, 1))
    assert open_row(data)["id"].tolist() == ["S-002"]
    assert OPEN_K == 298.0


def test_the_most_open_one_is_taken_where_none_is_open(tmp_path):
    data = dataset(tmp_path, change=shut(0, 1, 2, 3), n_validation=0, n_test=0)
    assert open_row(data)["id"].tolist() == ["S-003"]


@pytest.mark.parametrize(
    ("name", "found"), [("IRMOF-1", True), ("SAHYIK_clean", True), ("mof-5", True), ("IRMOF-10", False)]
)
def test_irmof_1_goes_through_the_network_or_else_the_first_test_structure(tmp_path, name, found):
    def change(table, meta):
        table.loc[table["id"] == "S-002", "id"] = name

    data = dataset(tmp_path, change=change)
    assert passed_row(data)["id"].tolist() == [name if found else "S-005"]


def test_without_voxels_there_is_nothing_to_draw(tmp_path):
    data = dataset(tmp_path, without_voxels=[f"S-00{k}" for k in range(8)])
    for choose in (open_row, passed_row):
        with pytest.raises(PorevoxError, match="nothing to draw"):
            choose(data)


def test_computed_scalars_need_columns_of_their_own():
    assert scalar_columns({"scalars": {"columns": ["PLD"]}}) == ["PLD"]
    found = scalar_columns({"scalars": {"columns": ["PLD"], "computed": ["ln_mean_boltzmann_lj"]}})
    assert found == ["PLD", "cif_density_g_cm3", "cif_volume_A3"]
