"""What is to be done, whether it can be, and what came out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from porevox import layout, plan, specs
from porevox.errors import PorevoxError


def test_a_good_configuration_passes(config):
    plan.check(config)


def test_names_of_folders_are_taken(config, root):
    user = yaml.safe_load((root / "config.yaml").read_text())
    for name in ("voxels", "henry"):
        wrong = {**user, "studies": user["studies"] | {name: user["studies"]["demo"]}}
        with pytest.raises(PorevoxError, match="taken by a folder"):
            plan.load(wrong)


def channel(config):
    return config["grids"]["thesis"]["channels"][0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["datasets"]["mine"]["structures"].update(path="gone"), "gone, which does not exist"),
        (lambda c: c["studies"]["mine"].update(target="z"), "names the column `z`"),
        (lambda c: channel(c).update(forcefield="opls"), "no force field `opls`"),
        (lambda c: channel(c).update(probe="xenon"), "no probe `xenon`"),
        (lambda c: channel(c).update(kind="guest", guest="water"), "no guest `water`"),
        (
            lambda c: c.update(henry={"x": {"dataset": "gone", "grid": "thesis"}}),
            "gone, which does not exist",
        ),
        (
            lambda c: c["studies"]["mine"]["split"].update(kind="files", train_file="x", test_file="y"),
            "names x, which does not exist",
        ),
    ],
)
def test_what_is_missing_is_named(config, change, words):
    config["datasets"]["gone"] = {"structures": {"path": "gone"}, "tables": []}
    change(config)
    with pytest.raises(PorevoxError, match=words):
        plan.check(config)


def test_targets_follow_folds_and_seeds(config):
    study = config["studies"]["mine"]
    single = plan.targets(config, "mine")
    assert all(path.startswith("results/mine/split0/") for path in single)
    assert not any("calibration" in path for path in single)
    study["seeds"] = [0, 1]
    assert set(plan.targets(config, "mine")) - set(single) == {
        "results/mine/split0/calibration.csv",
        "results/mine/split0/figures/calibration.png",
    }
    assert plan.ensembles(config, "mine") == ["retnet", "rf"]
    study["models"] = ["mean"]
    assert not any("calibration" in path for path in plan.targets(config, "mine"))
    study["split"]["folds"] = 3
    tables = [f"results/mine/pooled/{name}" for name in ("metrics.csv", "comparison.csv", "crossing.json")]
    assert plan.targets(config, "mine")[:3] == tables


def test_numbers_of_epochs_are_compared_where_they_can_be(config):
    study = config["studies"]["mine"]
    table = "results/mine/split0/epochs.csv"
    assert table in plan.targets(config, "mine")
    for options in ({"epochs": 9}, {"schedule": "cosine"}):
        changed = {**config["models"], "retnet": {**config["models"]["retnet"], **options}}
        assert table not in plan.targets({**config, "models": changed}, "mine")
    study["split"]["folds"] = 2
    assert {table, "results/mine/split1/epochs.csv"} <= set(plan.targets(config, "mine"))
    study["split"]["validation"] = 0
    assert table not in plan.targets(config, "mine")


def test_sizes_are_held_to_the_shortest_train_list_of_all_folds(config, tmp_path):
    config["studies"]["mine"]["split"]["folds"] = 2
    config["studies"]["mine"]["sizes"] = [10]
    for split, n_train in ((0, 11), (1, 9)):
        folder = tmp_path / layout.study_dir("mine", split) / "dataset"
        folder.mkdir(parents=True)
        known = {"key": specs.dataset_key(config, "mine", split), "n_train": n_train}
        (folder / "dataset.json").write_text(json.dumps(known))
    with pytest.raises(PorevoxError, match="asks for 10 training structures, but the train list has 9"):
        plan.check(config)


def test_importances_are_drawn_where_a_model_looks_at_descriptors(config):
    figure = "results/mine/split0/figures/importance.png"
    study = config["studies"]["mine"]
    assert figure in plan.targets(config, "mine")
    study["split"]["folds"] = 3  # of the first fold only
    assert figure in plan.targets(config, "mine")
    study["models"] = ["retnet", "mean"]
    assert figure not in plan.targets(config, "mine")


def test_henry_tables_have_a_target(config):
    config["henry"] = {"co2": {}}
    assert plan.henry_targets(config) == ["results/henry/co2/henry.csv"]


def test_gpus_are_those_that_may_be_used(monkeypatch):
    for chosen, n in (("0,1", 2), ("GPU-1", 1), ("", 0)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
        assert plan.n_gpus() == n


def test_what_is_started_from_here_imports_this_library(monkeypatch, tmp_path):
    other = tmp_path / "porevox"
    other.mkdir()
    (other / "__init__.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    plan.hand_on_library()
    command = [sys.executable, "-c", "import porevox; print(porevox.__file__)"]
    found = subprocess.run(command, cwd=tmp_path.parent, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()) == Path(plan.__file__).parent / "__init__.py"
