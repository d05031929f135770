"""A model read from its folder says what it said in training."""

import shutil

import numpy as np
import pandas as pd
import pytest

from porevox.errors import PorevoxError
from porevox.handover.members import (
    channels_of,
    columns_of,
    load_members,
    load_model,
    predict_members,
    usable_rows,
    vectors_of,
)
from porevox.handover.record import read_record
from porevox.learning.savedmodel import fingerprint_rows
from porevox.learning.voxelset import load_dataset
from small_model import PHYSICS, write_model


def beside(folder):
    """What a model's folder was made of: its dataset, and the predictions of its runs."""
    root = folder.parent
    runs = sorted(root.glob("runs/seed*/predictions.csv"))
    return load_dataset(root / "dataset"), [pd.read_csv(path).set_index("id")["y_pred"] for path in runs]


@pytest.fixture(scope="module")
def nets(tmp_path_factory, root):
    """Two RetNets with a scalar."""
    retnet = {"scalars": ["void_fraction"]}
    return write_model(tmp_path_factory.mktemp("nets"), seeds=(0, 4), retnet=retnet, root_of_project=root)


def test_a_baseline_predicts_as_in_its_run(shared_model):
    model = load_model(shared_model)
    dataset, (known,) = beside(shared_model)
    rows = usable_rows(model.members, dataset, dataset.held_out_rows())
    predicted, vectors = predict_members(model.members, dataset, rows)
    assert predicted[0] == pytest.approx(known.loc[rows["id"]].to_numpy(), rel=1e-12)
    assert np.array_equal(vectors, vectors_of(model.members, dataset, rows), equal_nan=True)


def test_networks_predict_as_in_their_runs(nets):
    model = load_model(nets)
    dataset, known = beside(nets)
    rows = dataset.held_out_rows()
    predicted, vectors = predict_members(model.members, dataset, rows)
    for one, expected in zip(predicted, known, strict=True):
        assert one == pytest.approx(expected.loc[rows["id"]].to_numpy(), rel=1e-3)
    # fingerprints of each seed, then the scalar
    for k, (network, meta) in enumerate(model.members):
        expected = fingerprint_rows(network, meta, dataset, rows)
        assert vectors[:, 20 * k : 20 * k + 20] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert vectors[:, 40] == pytest.approx(rows["void_fraction"].to_numpy(), rel=1e-6)
    assert (columns_of(model.members), channels_of(model.members)) == (["void_fraction"], ["lj"])


def test_one_structure_beyond_all_numbers_takes_no_other_along(nets):
    model = load_model(nets)
    dataset, _ = beside(nets)
    rows = dataset.held_out_rows().head(5).copy()
    path = next(iter(dataset.meta["channels"][0]["shards"].values()))
    with_pocket = np.load(path)
    with_pocket[0] = -1e6  # exp(1e6 / 298) is no number
    copy = nets.parent / "pocket.npy"
    np.save(copy, with_pocket)
    dataset.meta["channels"][0]["shards"]["0"] = str(copy)
    rows["shard"], rows["row_lj"] = 0, [3, 0, 1, 4, 2]
    predicted, vectors = predict_members(model.members, dataset, rows)
    assert list(np.isfinite(predicted).all(axis=0)) == [True, False, True, True, True]
    assert np.isnan(vectors[1]).all() and np.isfinite(vectors[[0, 2, 3, 4]]).all()
    with pytest.raises(PorevoxError, match="not finite after the transform"):
        predict_members(model.members, dataset, rows.iloc[1:2])


def test_henry_coefficients_of_zero_are_a_feature_too(tmp_path, root):
    folder = write_model(tmp_path, PHYSICS, root_of_project=root)
    model = load_model(folder)
    dataset, (known,) = beside(folder)
    rows = usable_rows(model.members, dataset, dataset.held_out_rows())
    predicted, _ = predict_members(model.members, dataset, rows)
    assert predicted[0] == pytest.approx(known.loc[rows["id"]].to_numpy())
    assert channels_of(model.members) == ["lj"]
    empty, vectors = predict_members(model.members, dataset, rows.head(0))
    assert empty.shape == (1, 0) and len(vectors) == 0


def test_weights_that_are_missing_or_changed_are_noticed(folder):
    weights = folder / "seed0/model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-8] + bytes(8))
    with pytest.raises(PorevoxError, match="was changed"):
        load_model(folder)
    shutil.rmtree(folder / "seed0")
    with pytest.raises(PorevoxError, match="is incomplete"):
        read_record(folder)
    with pytest.raises(PorevoxError, match="no trained seed"):
        load_members(folder, {"type": "retnet", "seeds": []})
