"""What has to exist and what it depends on."""

import json

import pytest
import yaml

from porevox import layout, plan
from porevox.errors import PorevoxError

CIF = "data_x\n_cell_length_a 9\n"


@pytest.fixture
def config(tmp_path, monkeypatch, root):
    """A completed configuration of one study, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    plan._SOURCES.clear()
    (tmp_path / "cifs").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / f"cifs/{name}.cif").write_text(CIF + name)
    (tmp_path / "labels.csv").write_text("id,y,rho,family\na,1,2,f\n")
    user = yaml.safe_load((root / "config.yaml").read_text())
    user["datasets"] = {
        "mine": {
            "structures": {"path": "cifs"},
            "n_structures": 3,
            "shard_size": 2,
            "tables": [{"file": {"path": "labels.csv"}}],
            "targets": {"y": {"unit": "mol/kg"}},
            "descriptors": ["rho"],
        }
    }
    study = {"dataset": "mine", "target": "y", "sizes": [2]}
    user["studies"]["mine"] = user["studies"]["demo"] | study
    user["run"] = ["mine"]
    return plan.load(user)


def test_a_good_configuration_passes(config):
    plan.check(config)


def test_names_of_folders_are_taken(config, root):
    user = yaml.safe_load((root / "config.yaml").read_text())
    user["studies"]["voxels"] = user["studies"]["demo"]
    with pytest.raises(PorevoxError, match="taken by a folder"):
        plan.load(user)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["datasets"]["mine"]["structures"].update(path="gone"), "gone, which does not exist"),
        (lambda c: c["studies"]["mine"].update(target="z"), "names the column `z`"),
        (lambda c: c["grids"]["thesis"]["channels"][0].update(forcefield="opls"), "no force field `opls`"),
        (
            lambda c: c["studies"]["mine"]["split"].update(kind="files", train_file="x", test_file="y"),
            "names x, which does not exist",
        ),
    ],
)
def test_what_is_missing_is_named(config, change, words):
    change(config)
    with pytest.raises(PorevoxError, match=words):
        plan.check(config)


def test_shards_are_known_beforehand_and_from_an_up_to_date_manifest_only(config, tmp_path):
    assert plan.known_shards(config, "mine", "new") == [0, 1]
    folder = tmp_path / layout.structures_dir("mine")
    folder.mkdir(parents=True)
    (folder / "shards.json").write_text(json.dumps({"n_shards": 5, "shards": {"0": {"digest": "d"}}}))
    (folder / "key.txt").write_text("old\n")
    assert plan.known_shards(config, "mine", "new") is None
    assert plan.known_shards(config, "mine", "old") == [0, 1, 2, 3, 4]
    assert plan.shard_digest("mine", 0) == "d" and plan.shard_digest("other", 0) is None


def test_keys_follow_content_and_settings(config, tmp_path):
    def keys():
        plan._SOURCES.clear()
        return plan.structures_key(config, "mine", "code"), plan.dataset_key(config, "mine", 0)

    first = keys()
    (tmp_path / "cifs/a.cif").touch()
    assert keys() == first
    (tmp_path / "labels.csv").write_text("id,y,rho,family\na,1,3,f\n")
    second = keys()
    assert second[0] == first[0] and second[1] != first[1]
    (tmp_path / "cifs/a.cif").write_text(CIF + "changed")
    third = keys()
    assert third[0] != second[0] and third[1] != second[1]
    config["studies"]["mine"]["sizes"] = [2, "100%"]
    config["studies"]["mine"]["bootstrap"]["resamples"] = 100
    assert keys() == third
    config["studies"]["mine"]["transform"]["temperature_K"] = 273.0
    assert keys()[0] == third[0] and keys()[1] != third[1]


def test_a_study_without_voxel_models_reads_no_channel(config):
    assert [channel["name"] for channel in plan.channels(config, "mine")] == ["lj"]
    config["studies"]["mine"]["models"] = ["rf", "mean"]
    assert plan.channels(config, "mine") == []


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
