"""What results depend on."""

import json
import shutil

from porevox import keys, layout
from porevox.files.codedigest import code_digest


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


def test_the_structures_key_follows_content_and_not_dates(config, tmp_path):
    def key():
        keys._SOURCES.clear()
        return keys.structures_key(config, "mine", "code")

    first = key()
    (tmp_path / "cifs/a.cif").touch()
    (tmp_path / "labels.csv").write_text("id,y,rho,family\na,1,3,f\n")
    assert key() == first
    (tmp_path / "cifs/a.cif").write_text("changed")
    assert key() != first != keys.structures_key(config, "mine", "other code")


def test_a_dataset_does_not_depend_on_how_models_are_configured_and_trained(tmp_path):
    """Otherwise another default of the recipe would make every dataset, and then every model, again."""
    package = shutil.copytree(layout.ROOT / "workflow/lib/porevox", tmp_path / "porevox")
    script = layout.ROOT / "workflow/scripts/dataset.py"
    before = code_digest([script], package)
    for name in ("config.py", "schema.py", "starts.py", "learning/recipe.py"):
        with (package / name).open("a") as file:
            file.write("another = 1\n")
    assert code_digest([script], package) == before
    with (package / "split.py").open("a") as file:
        file.write("another = 1\n")
    assert code_digest([script], package) != before


def test_a_sample_counts_for_the_number_of_structures_and_for_what_is_packed(config):
    entry = config["datasets"]["mine"]
    first = keys.structures_key(config, "mine", "code")
    entry["sample"] = 2
    assert keys.n_structures(config, "mine") == 2 and keys.known_shards(config, "mine", "x") == [0]
    assert keys.structures_key(config, "mine", "code") != first
    entry["sample"] = 1000
    assert keys.n_structures(config, "mine") == 3
    entry["sample"], entry["structures"]["folder"] = None, "cifs"
    assert keys.structures_key(config, "mine", "code") != first


def test_the_size_of_a_shard_is_given_or_follows_from_the_number_of_structures(config):
    entry = config["datasets"]["mine"]
    assert keys.shard_size(config, "mine") == 2
    entry["shard_size"] = None
    assert keys.shard_size(config, "mine") == layout.SHARD_SIZE and keys.known_shards(
        config, "mine", "x"
    ) == [0]
    entry["n_structures"] = 10**8
    assert keys.shard_size(config, "mine") == 10**8 / layout.MOST_SHARDS
    assert len(keys.known_shards(config, "mine", "x")) == layout.MOST_SHARDS


def test_another_rule_for_shards_packs_nothing_anew(config, monkeypatch):
    config["datasets"]["mine"]["shard_size"] = None
    before = keys.structures_key(config, "mine", "code")
    monkeypatch.setattr(layout, "SHARD_SIZE", 1)
    assert keys.structures_key(config, "mine", "code") == before
    # nor do voxels follow the module that holds the rule
    script = layout.ROOT / "workflow/scripts/voxels.py"
    library = layout.ROOT / "workflow/lib/porevox"
    assert code_digest([script], library) == code_digest([script], library, ["porevox/layout.py"])


def test_the_summary_of_shards_is_read_once_and_again_when_it_changes(config, monkeypatch):
    folder = layout.structures_dir("mine")
    folder.mkdir(parents=True)
    for digest in ("first", "second"):
        shards = {str(k): {"digest": f"{digest}{k}"} for k in range(3)}
        (folder / "shards.json").write_text(json.dumps({"n_shards": 3, "shards": shards}))
        before = keys._read_summary.cache_info().misses
        assert [keys.shard_digest("mine", k) for k in range(3)] == [f"{digest}{k}" for k in range(3)]
        assert keys._read_summary.cache_info().misses == before + 1


def test_jobs_do_not_list_a_source_that_their_run_has_listed(config, tmp_path, monkeypatch):
    first = keys.structures_key(config, "mine", "code")
    (tmp_path / "cifs/a.cif").write_text("changed in mid-run")
    keys._SOURCES.clear()
    monkeypatch.setattr(keys, "_EARLIER_LOOKS", False)
    keys.trust_earlier_looks()
    assert keys.structures_key(config, "mine", "code") == first
