"""Weights of another run as a start: what is taken, what is refused, and who must not have been seen."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from porevox.errors import PorevoxError
from porevox.learning.pretrained import TRAIN_IDS, check_inputs, load_pretrained, trained_on
from porevox.training import train_retnet
from synthetic_dataset import write_dataset


def train(folder, out, size=16, **options):
    options = {"epochs": 1, "batch_size": 8, **options}
    train_retnet(folder, out, out.parent / f"{out.name}-c", size, 0, options, "net", 1, device="cpu")
    return load_file(out / "model.safetensors")


def other_target(table, meta):
    """The same structures and split, another target."""
    table["y"] = 1000 + table["noise"]
    meta["digest"] = "other"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A folder with two datasets, first and second, and the first one's run."""
    base = tmp_path_factory.mktemp("source")
    for name, change in (("first", None), ("second", other_target)):
        (base / name).mkdir()
        write_dataset(base / name, change=change)
    train(base / "first", base / "run", size=12)
    return base


def test_the_list_of_training_ids(source):
    ids = (source / "run" / TRAIN_IDS).read_text().splitlines()
    assert ids == [f"S-{i:03d}" for i in range(12)]


def test_features_are_kept_and_the_output_begins_afresh(source, tmp_path):
    options = {"init_from": str(source / "run"), "freeze": "features"}
    first = load_file(source / "run" / "model.safetensors")
    found = train(source / "second", tmp_path / "out", **options)
    kept = {name for name in first if np.array_equal(first[name], found[name])}
    assert kept == {name for name in first if name.startswith("features.")}
    # Labels around 1000: only a fresh output can be near them after one epoch.
    assert abs(found["output.bias"][0] - 1000) < 1
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert (predictions["y_pred"] > 900).all()


def test_weights_move_on_when_nothing_is_frozen(source, tmp_path):
    found = train(source / "second", tmp_path / "out", init_from=str(source / "run"), learning_rate=1e-12)
    first = load_file(source / "run" / "model.safetensors")
    np.testing.assert_allclose(found["dense.dense1.weight"], first["dense.dense1.weight"], atol=1e-9)
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["started_from"]["n_test_seen"] == 0 and len(run["started_from"]["sha256"]) == 64
    metas = [json.loads((folder / "model.json").read_text()) for folder in (source / "run", tmp_path / "out")]
    # The input is standardised as the weights know it.
    assert metas[0]["standardisation"] == metas[1]["standardisation"]
    # All that these weights have ever seen: 12 structures of the first run, 16 of this one.
    assert len((tmp_path / "out" / TRAIN_IDS).read_text().splitlines()) == 16


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (
            lambda t, m: m["grid"].update(kind="unit_cell"),
            {},
            "grid.kind was 'mic_supercell' there and is 'unit_c",
        ),
        (
            lambda t, m: m["transform"].update(temperature_K=77.0),
            {},
            "transform.temperature_K was 298.0 there and is 77.0",
        ),
        (
            lambda t, m: m["channels"][0]["settings"].update(probe_sigma_A=3.0),
            {},
            "channel 0: probe_sigma_A was 2.5 there and is 3.0",
        ),
        (
            lambda t, m: m["channels"][0].update(quantity="effective_energy", temperature_K=298.0),
            {},
            "quantity",
        ),
        (None, {"scalars": ["noise"]}, r"scalars was \[\] there and is \['noise'\]"),
        (None, {"pooling": "adaptive"}, r"dense.dense1.weight is \(84, 120\) there and \(84, 3240\) here"),
        (None, {"padding": "circular", "pooling": "adaptive"}, "of another architecture"),
    ],
)
def test_weights_for_another_input_or_network_are_refused_with_the_difference(
    source, tmp_path, change, options, words
):
    (tmp_path / "d").mkdir()
    write_dataset(tmp_path / "d", change=change)
    with pytest.raises(PorevoxError, match=words):
        train(tmp_path / "d", tmp_path / "out", init_from=str(source / "run"), **options)


def test_another_pressure_is_no_other_input_unless_it_is_looked_at(source, tmp_path):
    (tmp_path / "d").mkdir()
    write_dataset(
        tmp_path / "d", change=lambda t, m: m["transform"].update(pressure_bar=35.0, site_volume_A3=40.0)
    )
    train(tmp_path / "d", tmp_path / "out", init_from=str(source / "run"))
    pretrained = load_pretrained(source / "run")
    meta = json.loads((tmp_path / "out" / "model.json").read_text())
    meta["scalars"]["computed"] = pretrained.meta["scalars"]["computed"] = ["langmuir"]
    with pytest.raises(PorevoxError, match="transform.pressure_bar was None there and is 35.0 here"):
        check_inputs(pretrained, meta)


def test_other_grids_and_numbers_of_channels_are_refused(source, tmp_path):
    for name, settings in (("n", {"n": 18}), ("two", {"channels": ("lj", "co2")})):
        (tmp_path / name).mkdir()
        write_dataset(tmp_path / name, **settings)
    with pytest.raises(PorevoxError, match="grid.n was 16 there and is 18 here"):
        train(tmp_path / "n", tmp_path / "out", init_from=str(source / "run"))
    with pytest.raises(PorevoxError, match="number of channels was 1 there and is 2 here"):
        train(tmp_path / "two", tmp_path / "out", init_from=str(source / "run"))


def swapped(table, meta):
    """Another split: two training structures of the source are tested now."""
    table["subset"] = table["subset"].where(~table["id"].isin(["S-003", "S-007"]), "test")


def test_test_structures_that_the_weights_have_seen_are_counted(source, tmp_path, caplog):
    (tmp_path / "d").mkdir()
    write_dataset(tmp_path / "d", change=swapped)
    with pytest.raises(
        PorevoxError, match="2 test structures are among.*same split and seed, or set allow_ov"
    ):
        train(tmp_path / "d", tmp_path / "out", init_from=str(source / "run"))
    train(tmp_path / "d", tmp_path / "out", init_from=str(source / "run"), allow_overlap=True)
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["started_from"]["n_test_seen"] == 2 and "held out here" in caplog.text


def test_what_the_source_had_seen_before_is_remembered(source, tmp_path):
    """A chain of runs: the last one knows what the first one was trained on."""
    (tmp_path / "d").mkdir()
    write_dataset(tmp_path / "d", change=swapped)
    first = load_pretrained(source / "run")
    assert trained_on(["S-020", "S-001"], first).splitlines() == sorted({*first.train_ids, "S-020"})
    train(source / "second", tmp_path / "middle", size=2, init_from=str(source / "run"))
    with pytest.raises(PorevoxError, match="2 test structures"):
        train(tmp_path / "d", tmp_path / "out", init_from=str(tmp_path / "middle"))


def test_a_run_that_says_nothing_of_its_structures(source, tmp_path):
    shutil.copytree(source / "run", tmp_path / "old")
    (tmp_path / "old" / TRAIN_IDS).unlink()
    with pytest.raises(PorevoxError, match="has no complete train_ids.txt, so nobody knows"):
        train(source / "second", tmp_path / "out", init_from=str(tmp_path / "old"))
    train(source / "second", tmp_path / "out", init_from=str(tmp_path / "old"), allow_overlap=True)
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["started_from"]["n_test_seen"] is None
    # Nor does anybody know of a run that started from there.
    with pytest.raises(PorevoxError, match="has no complete train_ids.txt, so nobody knows"):
        train(source / "second", tmp_path / "next", init_from=str(tmp_path / "out"))


def test_broken_and_missing_weights(source, tmp_path):
    with pytest.raises(PorevoxError, match="cannot be read"):
        train(source / "second", tmp_path / "out", init_from=str(tmp_path / "nowhere"))
    shutil.copytree(source / "run", tmp_path / "broken")
    (tmp_path / "broken" / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(PorevoxError, match="named by init_from, cannot be read"):
        train(source / "second", tmp_path / "out", init_from=str(tmp_path / "broken"))


def test_other_weights_are_another_training(source, tmp_path, caplog):
    """An interrupted training is not resumed when its start has changed meanwhile."""

    class Stop(Exception):
        pass

    def stop(done, total):
        if done == 1:
            raise Stop

    shutil.copytree(source / "run", tmp_path / "start")
    args = source / "second", tmp_path / "out", tmp_path / "c", 16, 0
    options = {"epochs": 2, "batch_size": 8, "init_from": str(tmp_path / "start")}
    with pytest.raises(Stop):
        train_retnet(*args, options, "net", 1, device="cpu", progress=stop)
    train(source / "first", tmp_path / "start", size=12, dropout=0.1)
    train_retnet(*args, options, "net", 1, device="cpu")
    assert "is of another training (start:" in caplog.text


@pytest.mark.parametrize("computed", [[], ["ln_mean_boltzmann_lj"]])
def test_the_same_transform_is_the_same_whether_the_study_has_it_or_the_model(source, computed):
    """A study's transform leaves out what is nothing to it; a model's own has all defaults."""
    pretrained = load_pretrained(source / "run")
    pretrained.meta["scalars"]["computed"] = computed
    complete = {"pressure_bar": None, "site_volume_A3": 40.0, "potential_limit_V": 2.0}
    own = {**pretrained.meta, "transform": {**pretrained.meta["transform"], **complete}}
    check_inputs(pretrained, own)
    occupancy = {**own, "transform": {**own["transform"], "kind": "occupancy", "pressure_bar": 1.0}}
    with pytest.raises(PorevoxError, match="transform"):
        check_inputs(pretrained, occupancy)
