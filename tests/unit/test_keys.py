"""What results depend on."""

import json

from porevox import keys, layout


def test_shards_are_known_beforehand_and_from_an_up_to_date_manifest_only(config, tmp_path):
    assert keys.known_shards(config, "mine", "new") == [0, 1]
    config["datasets"]["mine"]["n_structures"] = None  # counted
    assert keys.known_shards(config, "mine", "new") == [0, 1]
    folder = tmp_path / layout.structures_dir("mine")
    folder.mkdir(parents=True)
    (folder / "shards.json").write_text(json.dumps({"n_shards": 5, "shards": {"0": {"digest": "d"}}}))
    (folder / "key.txt").write_text("old\n")
    assert keys.known_shards(config, "mine", "new") is None
    assert keys.known_shards(config, "mine", "old") == [0, 1, 2, 3, 4]
    assert keys.shard_digest("mine", 0) == "d" and keys.shard_digest("other", 0) is None


def test_keys_follow_content_and_settings(config, tmp_path):
    def both():
        keys._SOURCES.clear()
        return keys.structures_key(config, "mine", "code"), keys.dataset_key(config, "mine", 0)

    first = both()
    (tmp_path / "cifs/a.cif").touch()
    assert both() == first
    (tmp_path / "labels.csv").write_text("id,y,rho,family\na,1,3,f\n")
    second = both()
    assert second[0] == first[0] and second[1] != first[1]
    (tmp_path / "cifs/a.cif").write_text("changed")
    third = both()
    assert third[0] != second[0] and third[1] != second[1]
    config["studies"]["mine"]["sizes"] = [2, "100%"]
    config["studies"]["mine"]["bootstrap"]["resamples"] = 100
    assert both() == third
    config["studies"]["mine"]["transform"]["temperature_K"] = 273.0
    assert both()[0] == third[0] and both()[1] != third[1]


def test_a_study_without_voxel_models_reads_no_channel(config):
    assert [channel["name"] for channel in keys.channels(config, "mine")] == ["lj"]
    config["studies"]["mine"]["models"] = ["rf", "mean"]
    assert keys.channels(config, "mine") == []
