"""What is to be done, whether it can be, and what came out."""

import json

import pytest
import yaml

from porevox import layout, plan
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


def test_headline_says_what_came_out(config, tmp_path):
    assert plan.headline("mine") == ""
    folder = tmp_path / layout.study_dir("mine", 0)
    (folder / "dataset").mkdir(parents=True)
    (folder / "dataset/summary.json").write_text('{"n_structures": 3, "n_usable": 1}')
    header = "model,subset,size,n_train,n_used,seed,n_test,metric,value,ci_low,ci_high\n"
    rows = "rf,test,2,2,2,mean,9,R2,0.5,0.4,0.6\nrf,validation,2,2,2,mean,9,R2,0.9,0.9,0.9\n"
    (folder / "metrics.csv").write_text(header + rows)
    (folder / "crossing.json").write_text('{"statement": "Not reached."}')
    text = plan.headline("mine")
    assert "3 structures in, 1 used" in text and "rf 0.500 [0.400, 0.600]" in text and "Not reached." in text
    assert len(text.splitlines()) <= 5


def test_henry_tables_have_a_target_and_a_headline(config, tmp_path):
    config["henry"] = {"co2": {}}
    assert plan.henry_targets(config) == ["results/henry/co2/henry.csv"]
    assert plan.henry_headline("co2") == ""
    folder = tmp_path / layout.henry_dir("co2")
    folder.mkdir(parents=True)
    counts = {"n_structures": 3, "n_computed": 2, "rejected": {"no_charges": 1}}
    (folder / "summary.json").write_text(json.dumps(counts))
    text = plan.henry_headline("co2")
    assert "2 of 3 structures; not used: 1 no_charges (results/henry/co2/rejected.csv)." in text
    assert "\n" not in text and text.endswith("results/henry/co2/henry.csv")
