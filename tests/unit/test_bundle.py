"""A model becomes a folder that holds all it needs, and nothing that is run when it is read."""

import json

import numpy as np
import pandas as pd
import pytest

from porevox.bundle import make_bundle
from porevox.energy.forcefield import load_forcefield
from porevox.errors import PorevoxError
from porevox.handover.members import load_model
from small_model import FOREST, UNIT, write_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory, root):
    return write_model(tmp_path_factory.mktemp("bundle"), seeds=(0, 1), root_of_project=root)


def test_it_holds_what_the_same_voxels_need(folder, root):
    record = json.loads((folder / "bundle.json").read_text())
    (channel,) = record["channels"]
    assert channel["settings"]["probe_sigma_A"] == 2.5 and channel["quantity"] == "energy"
    assert record["grid"]["n"] == 16 and record["transform"] == {"kind": "boltzmann", "temperature_K": 298.0}
    assert set(record["reading"]) == {"partial_occupancy", "overlapping_atoms", "overlap_distance_A"}
    table = folder / channel["forcefield_file"]
    assert load_forcefield(table).digest == channel["forcefield_digest"]
    assert table.read_bytes() == (root / "resources/forcefields/uff.csv").read_bytes()
    assert record["target"]["unit"] == UNIT and record["seeds"] == [0, 1] and record["columns"] == []


def test_nothing_in_it_is_code(folder):
    kinds = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert kinds == {".json", ".md", ".csv", ".safetensors", ".txt"} - (
        set() if (folder / "seed0/train_ids.txt").exists() else {".txt"}
    )


def test_training_structures_and_scores_are_those_of_the_study(folder):
    table = pd.read_csv(folder.parent / "dataset/table.csv")
    train = table[table["subset"] == "train"].sort_values("position")
    model = load_model(folder)
    assert list(model.domain.ids) == list(train["id"]) and model.domain.labels == pytest.approx(train["y"])
    checksums = pd.read_csv(folder.parent / "manifest.csv", dtype=str).set_index("id")["sha256"]
    assert list(model.domain.sha256) == list(checksums[train["id"]])
    scores = pd.read_csv(folder.parent / "metrics.csv").set_index(["subset", "seed", "metric"])
    for row in model.record["metrics"]["rows"]:
        seed = "ensemble" if "prediction" in row["of"] else "mean"
        expected = scores.loc[("test", seed, row["metric"])]
        assert [row[k] for k in ("value", "ci_low", "ci_high")] == pytest.approx(
            expected[["value", "ci_low", "ci_high"]].tolist()
        )
    training = model.record["training"]
    assert (training["n"], training["y_max"]) == (24, pytest.approx(train["y"].max()))
    assert model.record["domain"]["unit"] == pytest.approx(model.domain.unit())
    assert 0 <= model.record["domain"]["test_share"] <= 1 and model.record["domain"]["n_test"] == 24


def test_the_same_runs_make_the_same_bytes(tmp_path, root):
    first = write_model(tmp_path, root_of_project=root)
    content = {path.relative_to(first): path.read_bytes() for path in first.rglob("*") if path.is_file()}
    again = write_model(tmp_path, root_of_project=root)
    assert {
        path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()
    } == content
    assert not list(tmp_path.glob(".bundle*"))


def arguments(root_of_model, **changes):
    about = {"split": 0, "confidence": 0.95, "title": "", "citation": "", "licence": ""}
    runs = sorted(root_of_model.glob("runs/seed*"))
    given = {"run_folders": runs, "dataset_dir": root_of_model / "dataset"}
    given |= {
        "metrics_csv": root_of_model / "metrics.csv",
        "manifest": None,
        "forcefields": {},
        "about": about,
    }
    return given | changes


def test_another_force_field_than_that_of_the_voxels_is_refused(folder, root, tmp_path):
    root_of_model = folder.parent
    for path in root_of_model.glob("dataset/lj/shard*"):
        (path / "shard.json").write_text(json.dumps({"forcefield": {"name": "uff", "digest": "other"}}))
    given = arguments(root_of_model, forcefields={"lj": root / "resources/forcefields/uff.csv"})
    with pytest.raises(PorevoxError, match="not the force field that the voxels"):
        make_bundle(**given, out_dir=tmp_path / "bundle")
    assert not list(tmp_path.iterdir())


def test_voxels_say_how_their_cifs_were_read(folder, tmp_path):
    for path in folder.parent.glob("dataset/lj/shard*"):
        reading = {"partial_occupancy": "largest", "overlapping_atoms": "keep", "overlap_distance_A": 0.7}
        (path / "shard.json").write_text(json.dumps({"reading": reading, "forcefield": None}))
    record = make_bundle(**arguments(folder.parent), out_dir=tmp_path / "bundle")
    assert record["reading"]["partial_occupancy"] == "largest"
    # without a manifest nobody knows the checksums
    assert set(load_model(tmp_path / "bundle").domain.sha256) == {""}


def test_descriptor_models_name_their_columns(tmp_path, root):
    record = json.loads((write_model(tmp_path, FOREST, root_of_project=root) / "bundle.json").read_text())
    assert record["columns"] == ["void_fraction", "noise"] and record["channels"] == []


def test_published_factors_become_energies(tmp_path, root):
    def factors(table, meta):
        table["cif_volume_A3"], table["cif_density_g_cm3"] = np.nan, np.nan
        settings = {"kind": "lennard_jones", "probe_sigma_A": 2.5, "probe_epsilon_K": 50.0, "cutoff_A": 10.0}
        meta["channels"][0] |= {"quantity": "boltzmann_factor", "unit": "1", "temperature_K": 298.0}
        meta["channels"][0]["settings"] = settings
        for path in meta["channels"][0]["shards"].values():
            np.save(path, np.exp(-np.load(path).astype(float) / 298.0).astype(np.float32))

    record = json.loads(
        (write_model(tmp_path, root_of_project=root, change=factors) / "bundle.json").read_text()
    )
    assert [(c["quantity"], c["unit"]) for c in record["channels"]] == [("energy", "K")]


def test_what_cannot_be_handed_over_is_said(tmp_path, root, folder):
    with pytest.raises(PorevoxError, match="nothing to hand over"):
        write_model(tmp_path, {"type": "mean"}, root_of_project=root)
    with pytest.raises(PorevoxError, match="no trained run"):
        make_bundle(**arguments(folder.parent, run_folders=[]), out_dir=tmp_path / "bundle")
