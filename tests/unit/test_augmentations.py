"""The figure of the augmentation: its slices are the operations of the training."""

import numpy as np
import pytest
import torch

from porevox import augmentations as module
from porevox.augmentations import augmentations
from porevox.errors import PorevoxError
from porevox.figures import moved_voxels
from porevox.learning.augment import OPERATIONS
from porevox.learning.view import seen_by
from porevox.learning.voxelset import load_dataset, load_voxels
from synthetic_dataset import write_dataset


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    monkeypatch.setattr(moved_voxels, "_STEPS", 10)


@pytest.fixture
def figures(monkeypatch):
    """Figures instead of their files."""
    seen = []
    monkeypatch.setattr(module, "save_figure", lambda figure, stem: seen.append(figure))
    return seen


def test_slices_are_those_of_the_operations(tmp_path, figures):
    """All slices lie in the same plane of the cube: each is the original's, moved in the plane."""
    write_dataset(tmp_path, n_train=3, n_validation=0, n_test=1)
    table = augmentations(tmp_path, tmp_path / "figure", "S-001")
    voxels = load_voxels(load_dataset(tmp_path), ["S-001"])[0, 0]
    slices = {
        name: part["network_input"].to_numpy().reshape(16, 16)
        for name, part in table.groupby("operation", sort=False)
    }
    original = slices["original"]
    planes = [k for k in range(16) if np.array_equal(voxels[:, :, k], original)]
    assert len(planes) == 1
    names = ["identity", "rotate +90 about c", "flip along a", "transpose the plane across c"]
    functions = dict(OPERATIONS)
    for name, found in zip(names, slices.values(), strict=True):
        moved = functions[name](torch.from_numpy(voxels)).numpy()
        np.testing.assert_array_equal(found, moved[:, :, planes[0]])
    np.testing.assert_array_equal(slices["flip along a"], original[::-1])
    finite = np.isfinite(table["energy_K"])
    np.testing.assert_allclose(
        np.exp(-table["energy_K"][finite] / 298.0), table["network_input"][finite], rtol=1e-5
    )


def test_tiles_drawn_are_the_slices_of_the_table(tmp_path, figures):
    write_dataset(tmp_path, n_train=3, n_validation=0, n_test=1)
    table = augmentations(tmp_path, tmp_path / "figure", "S-001", octahedral=True, roll=True)
    panels = [axes for axes in figures[0].axes if axes.get_xlabel() == "along a"]
    titles = [axes.get_title().replace("\n", " ") for axes in figures[0].axes[:6]]
    assert titles == table["operation"].drop_duplicates().tolist() and len(panels) == 6
    for axes, title in zip(panels, titles, strict=True):
        drawn = np.asarray(axes.collections[0].get_array()).reshape(17, 17)[:16, :16]
        energies = table.loc[table["operation"] == title, "energy_K"].to_numpy().reshape(16, 16)
        np.testing.assert_allclose(drawn, np.minimum(energies, 1e30))
    norms = {(axes.collections[0].norm.vmin, axes.collections[0].norm.vmax) for axes in panels}
    assert len(norms) == 1  # one scale for all


def test_potentials_are_drawn_in_volt(tmp_path, figures):
    def change(table, meta):
        meta["channels"][0]["quantity"] = "potential"
        meta["transform"]["potential_limit_V"] = 2.0

    write_dataset(tmp_path, n_train=3, n_validation=0, n_test=1, change=change)
    table = augmentations(tmp_path, tmp_path / "figure")
    assert table["potential_V"].abs().max() == 2.0 and "energy_K" not in table


@pytest.mark.slow
def test_files_are_the_same_each_time(tmp_path):
    write_dataset(tmp_path, n_train=3, n_validation=0, n_test=1)
    contents = []
    for _ in range(2):
        augmentations(tmp_path, tmp_path / "out/figure", "S-001")
        contents.append([(tmp_path / f"out/figure.{kind}").read_bytes() for kind in ("png", "svg", "csv")])
    assert contents[0] == contents[1] and min(map(len, contents[0])) > 5000


def test_an_unknown_structure_is_named(tmp_path):
    write_dataset(tmp_path, n_train=3, n_validation=0, n_test=1)
    with pytest.raises(PorevoxError, match="names `S-0001`.*did you mean `S-00"):
        augmentations(tmp_path, tmp_path / "figure", "S-0001")


def test_voxels_are_shown_as_the_network_sees_them(tmp_path, figures):
    write_dataset(tmp_path, n_train=3, n_validation=0, n_test=1, channels=("a", "b"))
    transform = {"kind": "occupancy", "temperature_K": 298.0, "pressure_bar": 5.0, "site_volume_A3": 60.0}
    view = {"channels": ["b"], "transform": transform}
    table = augmentations(tmp_path, tmp_path / "figure", "S-001", view=view)
    seen = load_voxels(seen_by(load_dataset(tmp_path), view)[0], ["S-001"])[0, 0]
    shown = table.query("operation == 'original'")["network_input"].to_numpy().reshape(16, 16)
    assert any(np.array_equal(seen[:, :, k], shown) for k in range(16))
