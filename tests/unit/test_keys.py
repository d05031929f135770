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
