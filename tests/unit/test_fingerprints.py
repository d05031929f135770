"""Fingerprints: the tables hold what the network computed, the map what their analysis gives."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from porevox import fingerprints as module
from porevox.errors import PorevoxError
from porevox.figures.figure_style import style
from porevox.fingerprints import fingerprints
from porevox.learning import savedmodel
from porevox.learning.savedmodel import fingerprint_rows
from porevox.learning.view import seen_by
from porevox.learning.voxelset import load_dataset, load_voxels
from synthetic_dataset import write_dataset
from trained_retnet import write_retnet

COMPONENTS = [f"f{k}" for k in range(1, 21)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    base = tmp_path_factory.mktemp("run")
    (base / "dataset").mkdir()
    write_dataset(base / "dataset", n_train=8, n_validation=2, n_test=9, without_voxels=["S-001", "S-012"])
    model, meta = write_retnet(base / "run", base / "dataset", ("noise",))
    return base / "dataset", base / "run", model, meta


@pytest.fixture
def drawn(run, tmp_path, monkeypatch):
    """Figures instead of their files, and the tables."""
    seen = []
    monkeypatch.setattr(module, "save_figure", lambda figure, stem: seen.append(figure))
    heat, test = fingerprints(*run[:2], tmp_path / "heat", tmp_path / "map")
    return *seen, heat, test


def expected(run, ids):
    """One structure at a time, straight from the network."""
    dataset, _, model, meta = run
    data = load_dataset(dataset)
    table = data.table.set_index("id")
    found = []
    for name in ids:
        scalars = table.loc[[name], ["noise"]].to_numpy(float)
        found.append(savedmodel.fingerprints(model, meta, load_voxels(data, [name]), scalars)[0])
    return np.array(found), table.loc[ids, "y"].to_numpy()


def test_heat_map_shows_the_first_training_structures_in_order(run, drawn):
    figure, _, heat, _ = drawn
    assert heat["id"].tolist() == [f"S-00{k}" for k in (0, 2, 3, 4, 5, 6, 7)]
    values, labels = expected(run, heat["id"])
    np.testing.assert_allclose(heat[COMPONENTS], values, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(heat["y_true"], labels)
    upper, lower, bar = figure.axes
    [tiles] = lower.collections
    np.testing.assert_allclose(tiles.get_array(), heat[COMPONENTS].to_numpy().T)
    assert upper.lines[0].get_ydata().tolist() == labels.tolist()
    assert upper.get_xlim() == lower.get_xlim() == (0.5, 7.5)


def test_no_more_than_a_hundred_are_shown(run, tmp_path, monkeypatch):
    assert module.N_SHOWN == 100
    monkeypatch.setattr(module, "N_SHOWN", 3)
    monkeypatch.setattr(module, "save_figure", lambda figure, stem: None)
    assert len(fingerprints(*run[:2], tmp_path / "heat", tmp_path / "map")[0]) == 3


def test_map_is_the_principal_component_analysis_of_the_test_set(run, drawn):
    _, figure, _, test = drawn
    assert test["id"].tolist() == ["S-010", "S-011", *[f"S-0{k}" for k in range(13, 19)]]
    values, labels = expected(run, test["id"])
    np.testing.assert_allclose(test[COMPONENTS], values, rtol=1e-4, atol=1e-5)
    analysis = PCA(2).fit(test[COMPONENTS].to_numpy())
    np.testing.assert_allclose(test[["pc1", "pc2"]].var(), analysis.explained_variance_)
    axes, bar = figure.axes
    for label, part in zip(
        (axes.get_xlabel(), axes.get_ylabel()), analysis.explained_variance_ratio_, strict=True
    ):
        assert f"({100 * part:.1f} % of variance)" in label
    [points] = axes.collections
    order = np.lexsort(np.asarray(points.get_offsets()).T)
    places = test.iloc[np.lexsort(test[["pc1", "pc2"]].to_numpy().T)]
    np.testing.assert_allclose(np.asarray(points.get_offsets())[order], places[["pc1", "pc2"]])
    np.testing.assert_allclose(np.asarray(points.get_array())[order], places["y_true"])
    assert axes.get_title(loc="left") == "8 test structures"
    assert "mean Boltzmann factor, true" in bar.get_ylabel().replace("\n", " ")


def test_memory_is_bounded_whatever_the_number_of_structures(run, monkeypatch):
    """Voxels are read a batch at a time, and the result does not depend on the batches."""
    dataset, _, model, meta = run
    data = load_dataset(dataset)
    rows = data.table[data.has_voxels()]
    together = fingerprint_rows(model, meta, data, rows)
    read = []
    monkeypatch.setattr(savedmodel, "PREDICTION_BATCH", 3)
    monkeypatch.setattr(
        savedmodel, "load_voxels", lambda data, part: read.append(len(part)) or load_voxels(data, part)
    )
    np.testing.assert_allclose(
        fingerprint_rows(model, meta, data, rows.iloc[::-1])[::-1], together, rtol=1e-4, atol=1e-6
    )
    assert max(read) == 3 and sum(read) == len(rows) == 17
    assert fingerprint_rows(model, meta, data, rows.head(0)).shape[0] == 0


@pytest.mark.slow
def test_files_are_the_same_each_time(run, tmp_path):
    contents = []
    for _ in range(2):
        fingerprints(*run[:2], tmp_path / "heat", tmp_path / "map")
        contents.append(
            [
                (tmp_path / f"{s}.{kind}").read_bytes()
                for s in ("heat", "map")
                for kind in ("png", "svg", "csv")
            ]
        )
    assert contents[0] == contents[1]


def test_an_empty_set_is_named(tmp_path):
    write_dataset(tmp_path, n_train=3, n_validation=1, n_test=0)
    write_retnet(tmp_path / "run", tmp_path)
    with pytest.raises(PorevoxError, match="The test set has no structure"):
        fingerprints(tmp_path, tmp_path / "run", tmp_path / "heat", tmp_path / "map")


def test_a_structure_far_off_does_not_set_the_limits_but_is_counted():
    places = np.concatenate([np.random.default_rng(0).normal(size=(399, 2)), [[1000.0, 0.0]]])
    test = pd.DataFrame({"pc1": places[:, 0], "pc2": places[:, 1], "y_true": np.arange(400.0)})
    meta = {"target": {"column": "y", "unit": "mmol/g", "label": "CO2 uptake"}}
    with style():
        axes, bar = module._draw_map(test, np.array([0.9, 0.1]), meta).axes
    assert axes.get_title(loc="left") == "400 test structures, 1 beyond the axes"
    assert axes.get_xlim()[1] < 10 and axes.get_ylim()[1] > places[:, 1].max()
    assert axes.collections[0].norm.vmin == pytest.approx(0.02 * 399)
    assert "mmol" in bar.get_ylabel()


def test_a_single_test_structure_has_a_place(tmp_path):
    write_dataset(tmp_path, n_train=3, n_validation=0, n_test=1)
    write_retnet(tmp_path / "run", tmp_path)
    _, test = fingerprints(tmp_path, tmp_path / "run", tmp_path / "heat", tmp_path / "map")
    assert test[["pc1", "pc2"]].to_numpy().tolist() == [[0.0, 0.0]]
    assert (tmp_path / "map.png").stat().st_size > 5000


def test_a_network_with_a_view_of_its_own_is_shown_what_it_was_trained_on(tmp_path):
    view = {"channels": ["b"], "transform": {"kind": "log1p_boltzmann", "temperature_K": 298.0}}
    write_dataset(tmp_path, n_train=3, n_validation=0, n_test=2, channels=("a", "b"))
    model, meta = write_retnet(tmp_path / "run", tmp_path, options=view)
    heat, _ = fingerprints(tmp_path, tmp_path / "run", tmp_path / "heat", tmp_path / "map")
    seen, _ = seen_by(load_dataset(tmp_path), view)
    values = savedmodel.fingerprints(model, meta, load_voxels(seen, heat["id"].tolist()))
    np.testing.assert_allclose(heat[COMPONENTS], values, rtol=1e-4, atol=1e-5)
