"""One shard of CIFs and a trained model: the same voxels, the same numbers, nobody lost."""

import json

import numpy as np
import pandas as pd
import pytest

from porevox.baseline.histogram import energy_histogram
from porevox.crystal.cif import read_cif
from porevox.energy.forcefield import load_forcefield
from porevox.energy.grid import GridSpec
from porevox.energy.lennard_jones_channel import LennardJonesChannel
from porevox.errors import PorevoxError
from porevox.handover.intervals import half_widths
from porevox.handover.members import load_model
from porevox.handover.record import record_digest
from porevox.learning.voxelset import Dataset
from porevox.screen import predict_structures, read_columns, screen_shard
from small_model import CIFS, PHYSICS, _with_scale, voxels_of, write_model


@pytest.fixture(scope="module")
def screened(shared_model, tmp_path_factory, root):
    model = load_model(shared_model)
    return model, voxels_of(model, CIFS, tmp_path_factory.mktemp("shard") / "voxels", root)


def test_every_structure_has_a_number_or_a_reason(screened):
    found, rejected = predict_structures(*screened, 0.9)
    assert list(found["id"]) == ["m0", "m1", "m2", "m3"]
    assert rejected.values.tolist()[0][:2] == ["broken", "unreadable_cif"]
    volumes = [(10 + k) * 12 * 11 for k in range(4)]
    assert (found["shard"] == 3).all() and found["volume_A3"].to_list() == pytest.approx(volumes)


def test_predictions_are_those_of_voxels_computed_by_hand(screened, root, tmp_path):
    model, shards = screened
    forcefield = load_forcefield(root / "resources/forcefields/uff.csv")
    grid, probe = GridSpec.from_dict(model.record["grid"]), LennardJonesChannel(2.5, 50.0, 10.0)
    structures = [read_cif(CIFS[f"m{k}"].encode(), f"m{k}") for k in range(4)]
    stored = np.stack([probe.compute(one, grid, forcefield).values for one in structures])
    np.save(tmp_path / "energies.npy", stored.astype(np.float32))
    table = pd.DataFrame({"id": [one.id for one in structures], "shard": 0, "row_lj": range(4)})
    channel = model.record["channels"][0] | {"shards": {"0": str(tmp_path / "energies.npy")}}
    dataset = Dataset(
        table, {"grid": model.record["grid"], "channels": [channel], "transform": model.record["transform"]}
    )
    (member,) = model.members
    expected = member.model.predict(energy_histogram(dataset, table, member.meta["inputs"]["histogram"]))
    found, _ = predict_structures(model, shards, 0.9)
    assert found["predicted"].to_numpy() == pytest.approx(expected, rel=1e-6)
    half = half_widths(np.zeros(4), model.record["calibration"], 0.9)
    assert (found["high"] - found["low"]).to_numpy() == pytest.approx(2 * half)
    assert found["spread"].isna().all()


def test_the_spread_is_that_of_the_seeds(tmp_path, root):
    folder = write_model(tmp_path / "m", seeds=(0, 1, 2), retnet={}, root_of_project=root)
    model = load_model(folder)
    found, _ = predict_structures(model, voxels_of(model, CIFS, tmp_path / "v", root), 0.9)
    alone = []
    for member in model.members:
        object.__setattr__(model, "members", [member])
        object.__setattr__(model.domain, "nearest", lambda *_: (0.0, ""))
        object.__setattr__(model.domain, "map", lambda v: (np.zeros((len(v), 2)), None))
        alone.append(predict_structures(model, {"lj": tmp_path / "v/shard3"}, 0.9)[0]["predicted"])
    assert found["predicted"].to_numpy() == pytest.approx(np.mean(alone, axis=0), rel=1e-6)
    assert found["spread"].to_numpy() == pytest.approx(np.std(alone, axis=0, ddof=1), rel=1e-4)


@pytest.mark.parametrize(
    "part, key, value",
    [
        ("grid", "endpoint", True),
        ("channel", "probe_sigma_A", 3.73),
        ("reading", "partial_occupancy", "full"),
        ("forcefield", "digest", "another"),
    ],
)
def test_voxels_made_otherwise_are_refused(screened, tmp_path, part, key, value):
    model, shards = screened
    copy = tmp_path / "shard3"
    copy.mkdir()
    for path in shards["lj"].iterdir():
        (copy / path.name).symlink_to(path)
    made = json.loads((copy / "shard.json").read_text())
    made[part][key] = value
    (copy / "shard.json").unlink()
    (copy / "shard.json").write_text(json.dumps(made))
    with pytest.raises(PorevoxError, match=f"were made with {part}.{key} = "):
        predict_structures(model, {"lj": copy}, 0.9)


def test_a_table_is_joined_by_name(tmp_path, root):
    folder = write_model(tmp_path / "m", retnet={"scalars": ["void_fraction"]}, root_of_project=root)
    model = load_model(folder)
    shards = voxels_of(model, CIFS, tmp_path / "v", root)
    table = tmp_path / "zeo.csv"
    table.write_text("name;void_fraction;PLD\nm0.cif;0,5;1\nm1;0,7;2\nm2;nan;3\nm1;9;9\n")
    cells = read_columns(model, table, "name")
    found, rejected = predict_structures(model, shards, 0.9, cells)
    assert list(found["id"]) == ["m0", "m1"]
    reasons = {row.id: (row.reason, row.detail) for row in rejected.itertuples()}
    assert (
        reasons["m2"]
        == reasons["m3"]
        == ("descriptor_not_finite", "void_fraction is not given or not finite")
    )
    other = predict_structures(model, shards, 0.9, cells * 2)[0]
    assert not np.allclose(other["predicted"], found["predicted"], rtol=1e-9, atol=0)
    with pytest.raises(PorevoxError, match="void_fraction"):
        table.write_text("name,PLD\nm0,1\n")
        read_columns(model, table, "name")


def test_a_column_may_be_called_like_a_fact_of_the_voxels(tmp_path, root):
    def change(table, meta):
        _with_scale(table, meta)
        table["n_atoms"] = np.arange(len(table)) % 17 + 1.0

    folder = write_model(tmp_path / "m", retnet={"scalars": ["n_atoms"]}, root_of_project=root, change=change)
    model = load_model(folder)
    table = tmp_path / "t.csv"
    table.write_text("id,n_atoms\n" + "".join(f"m{k},{9 + k}\n" for k in range(4)))
    shards = voxels_of(model, CIFS, tmp_path / "v", root)
    found, _ = predict_structures(model, shards, 0.9, read_columns(model, table))
    assert found["n_atoms"].to_list() == [2, 2, 2, 2]


def test_a_shard_of_nothing_but_rejects_is_no_error(screened, tmp_path, root):
    model, _ = screened
    shards = voxels_of(model, {"broken": "none"}, tmp_path / "v", root)
    screen_shard(model.folder, shards, tmp_path / "s.csv", tmp_path / "r.csv", 0.9)
    assert len(pd.read_csv(tmp_path / "s.csv")) == 0 and len(pd.read_csv(tmp_path / "r.csv")) == 1


def test_a_model_that_changed_on_the_way_is_refused(screened, tmp_path):
    model, shards = screened
    given = (model.folder, shards, tmp_path / "s.csv", tmp_path / "r.csv", 0.9)
    screen_shard(*given, expected=record_digest(model.folder))
    with pytest.raises(PorevoxError, match="was changed while the run was going on"):
        screen_shard(*given, expected=64 * "0")


def test_physics_needs_the_density_of_the_index(tmp_path, root):
    model = load_model(write_model(tmp_path / "m", PHYSICS, root_of_project=root))
    found, _ = predict_structures(model, voxels_of(model, CIFS, tmp_path / "v", root), 0.9)
    assert len(found) == 4 and np.isfinite(found["predicted"]).all()
