"""The forward pass: what is drawn is what the network computed."""

import numpy as np
import pandas as pd
import pytest

from porevox import forward_pass as module
from porevox.errors import PorevoxError
from porevox.forward_pass import forward_pass
from porevox.learning.layers import layer_outputs
from porevox.learning.savedmodel import fingerprints, predict
from porevox.learning.view import seen_by
from porevox.learning.voxelset import load_dataset, load_voxels
from synthetic_dataset import write_dataset
from trained_retnet import write_retnet


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Dataset folder, run folder, network, its description, and the voxels of the first test structure."""
    base = tmp_path_factory.mktemp("run")
    (base / "dataset").mkdir()
    write_dataset(base / "dataset", n=25, n_train=3, n_validation=0, n_test=2)
    model, meta = write_retnet(base / "run", base / "dataset")
    return base / "dataset", base / "run", model, meta, load_voxels(load_dataset(base / "dataset"), ["S-003"])


@pytest.fixture
def figures(monkeypatch):
    """Figures instead of their files."""
    seen = []
    monkeypatch.setattr(module, "save_figure", lambda figure, stem: seen.append(figure))
    return seen


def numbers(table, layer):
    return table.loc[table["layer"] == layer]


def test_table_holds_the_slices_of_the_thesis(run, tmp_path, figures):
    """Figure 4.1: 8 maps of each of the first 5 layers, 5th slice of Conv1, 1st slice of the others."""
    dataset, folder, model, meta, voxels = run
    table = forward_pass(dataset, folder, tmp_path / "figure")
    outputs = layer_outputs(model, meta, voxels)
    layers = ["Conv1", "Conv2", "MaxPool1", "Conv3", "MaxPool2"]
    for k, layer in enumerate(layers):
        rows = numbers(table, layer)
        edge = outputs[layer].shape[-1]
        assert rows["map"].unique().tolist() == list(range(1, 9))
        drawn = rows["value"].to_numpy().reshape(8, edge, edge)
        np.testing.assert_allclose(drawn, outputs[layer][0, :8, 0 if k else 4], rtol=1e-5)
    assert table["layer"].unique().tolist() == ["Input", *layers, "Flatten", "Dense1", "Dense2", "Output"]
    np.testing.assert_array_equal(
        numbers(table, "Input")["value"].to_numpy(), voxels[0, 0, 4].ravel().astype(float)
    )
    assert len(numbers(table, "Flatten")) == 3240 and numbers(table, "Dense1")["i"].isna().all()


def test_table_ends_in_fingerprint_and_prediction(run, tmp_path, figures):
    dataset, folder, model, meta, voxels = run
    table = forward_pass(dataset, folder, tmp_path / "figure")
    np.testing.assert_allclose(
        numbers(table, "Dense2")["value"], fingerprints(model, meta, voxels)[0], rtol=1e-5, atol=1e-6
    )
    predicted = predict(model, meta, voxels)[0]
    assert numbers(table, "Output")["value"].tolist() == [pytest.approx(predicted)]
    said = [text.get_text() for text in figures[0].texts]
    assert f"{predicted:.4g}".replace("-", "\u2212") in said and any("test set" in text for text in said)
    assert any(text.startswith("S-003 through RetNet") for text in said)


def test_page_shows_every_map_once_and_nothing_beyond_its_edges(run, tmp_path, figures):
    forward_pass(*run[:2], tmp_path / "figure")
    figure = figures[0]
    assert len(figure.axes) == 2 + 5 * 8 + 3
    boxes = [axes.get_position() for axes in figure.axes]
    assert all(0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= 1 for box in boxes)
    renderer = figure.canvas.get_renderer()
    width = figure.bbox.width
    for text in figure.texts:
        extent = text.get_window_extent(renderer)
        assert 0 <= extent.x0 and extent.x1 <= width, text.get_text()
    # no two words of the heads overlap
    heads = [t.get_window_extent(renderer) for t in figure.texts if t.get_fontweight() == "bold"][1:-1]
    assert all(a.x1 < b.x0 for a, b in zip(heads, heads[1:], strict=False))


def test_the_structure_asked_for_is_drawn(run, tmp_path, figures):
    table = forward_pass(*run[:2], tmp_path / "figure", "S-001")
    voxels = load_voxels(load_dataset(run[0]), ["S-001"])
    np.testing.assert_array_equal(
        numbers(table, "Input")["value"].to_numpy(), voxels[0, 0, 4].ravel().astype(float)
    )
    said = [text.get_text() for text in figures[0].texts]
    assert any("training set" in text for text in said)
    with pytest.raises(PorevoxError, match="names `S-1`"):
        forward_pass(*run[:2], tmp_path / "figure", "S-1")


@pytest.mark.slow
def test_files_are_the_same_each_time(run, tmp_path):
    contents = []
    for _ in range(2):
        forward_pass(*run[:2], tmp_path / "figure")
        contents.append([(tmp_path / f"figure.{kind}").read_bytes() for kind in ("png", "svg", "csv")])
    assert contents[0] == contents[1]
    assert (
        len(pd.read_csv(tmp_path / "figure.csv")) > 3240 and (tmp_path / "figure.pdf").stat().st_size > 5000
    )


@pytest.mark.parametrize("n", [4, 16])
def test_networks_with_scalars_averages_and_other_grids_are_drawn(tmp_path, figures, n):
    (tmp_path / "dataset").mkdir()
    write_dataset(tmp_path / "dataset", n=n, n_train=3, n_validation=0, n_test=2)
    write_retnet(
        *(tmp_path / "run", tmp_path / "dataset", ("noise", "void_fraction")),
        **{"padding": "circular", "pooling": "adaptive", "skip": True},
    )
    table = forward_pass(tmp_path / "dataset", tmp_path / "run", tmp_path / "figure")
    assert len(numbers(table, "Flatten")) == 120 * 27 + 2


def test_a_network_with_a_view_of_its_own_is_shown_what_it_was_trained_on(tmp_path, figures):
    transform = {"kind": "occupancy", "temperature_K": 298.0, "pressure_bar": 5.0, "site_volume_A3": 60.0}
    view = {"channels": ["b"], "transform": transform}
    write_dataset(tmp_path, n_train=3, n_validation=0, n_test=1, channels=("a", "b"))
    model, meta = write_retnet(tmp_path / "run", tmp_path, options=view)
    table = forward_pass(tmp_path, tmp_path / "run", tmp_path / "figure")
    voxels = load_voxels(seen_by(load_dataset(tmp_path), view)[0], ["S-003"])
    assert numbers(table, "Output")["value"].item() == pytest.approx(
        predict(model, meta, voxels)[0], rel=1e-6
    )
    drawn = numbers(table, "Input")["value"].to_numpy()
    np.testing.assert_array_equal(drawn, voxels[0, 0, 4].ravel().astype(float))
