"""The configuration: completed, and wrong ones refused in one sentence."""

import copy
import re

import pytest
import yaml
from jsonschema import Draft202012Validator

from porevox.config import columns_needed, complete, descriptors_of, load_schema
from porevox.errors import PorevoxError


@pytest.fixture
def shipped(root):
    return yaml.safe_load((root / "config.yaml").read_text())


@pytest.fixture
def entries(root):
    return yaml.safe_load((root / "resources/datasets.yaml").read_text())


def test_schema_is_a_schema_and_closed_everywhere():
    schema = load_schema()
    Draft202012Validator.check_schema(schema)
    objects = {name: part for name, part in schema["$defs"].items() if part.get("type") == "object"}
    assert [name for name, part in objects.items() if "additionalProperties" not in part] == ["model"]
    assert schema["additionalProperties"] is False


def test_shipped_configuration_is_complete_and_says_only_what_the_defaults_say(shipped, entries):
    config = complete(shipped, entries)
    assert config["run"] == ["demo"]
    assert config["studies"]["demo"]["transform"] == {"kind": "boltzmann", "temperature_K": 298.0}
    assert config["models"]["retnet"]["scalars"] == []
    assert config["datasets"]["demo"]["reading"]["overlap_distance_A"] == 0.5


def test_defaults_fill_what_is_left_out(shipped, entries):
    bare = copy.deepcopy(shipped)
    bare["models"]["retnet"] = {"type": "retnet"}
    bare["grids"]["thesis"] = {"kind": "mic_supercell"}
    for key in ("transform", "split", "seeds", "compare", "bootstrap"):
        del bare["studies"]["demo"][key]
    assert complete(bare, entries) == complete(shipped, entries)


def test_the_user_s_dictionary_is_left_alone(shipped, entries):
    before = copy.deepcopy(shipped)
    complete(shipped, entries)
    assert shipped == before


def set_key(config, path, value):
    *parents, last = path.split(".")
    for key in parents:
        config = config[key]
    config[last] = value


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("studies.demo.sizs", [1], r"Unknown key `sizs` in `studies.demo`: did you mean `sizes`\?"),
        ("grids.thesis.n", "many", r"`grids.thesis.n` cannot be 'many': .* integer"),
        ("grids.thesis.n", 1, r"`grids.thesis.n` cannot be 1: it must be at least 2. Grid points per axis"),
        ("grids.thesis.kind", "sphere", r"allowed are mic_supercell, cubic_box, unit_cell"),
        ("models.rf.n_trees", 5, r"Unknown key `n_trees` in `models.rf`: allowed are"),
        ("models.rf.type", "forest", r"`models.rf.type` cannot be 'forest': allowed are retnet"),
        ("models.retnet.learning_rate", 0, r"`models.retnet.learning_rate` cannot be 0: .* greater than 0"),
        ("studies.demo.sizes", [], r"`studies.demo.sizes` cannot be \[\]: it must list at least 1"),
        ("studies.demo.sizes", [1.5], r"`studies.demo.sizes.0` cannot be 1.5: .* percentage such as '25%'"),
        ("studies.demo.dataset", "dem", r"`studies.demo.dataset` names `dem`.*did you mean `demo`\?"),
        ("studies.demo.models", ["cnn"], r"`studies.demo.models` names `cnn`, which is not in `models`"),
        ("run", ["demos"], r"`run` names `demos`.*did you mean `demo`\?"),
        ("studies.demo.split.kind", "group", r"`studies.demo.split.group_column` is missing"),
        ("studies.demo.split.kind", "files", r"needs train_file and test_file"),
        ("structures", "cifs/", r"`structures` is set but `labels` is not"),
    ],
)
def test_mistakes_are_one_sentence(shipped, entries, path, value, sentence):
    set_key(shipped, path, value)
    with pytest.raises(PorevoxError) as caught:
        complete(shipped, entries)
    assert re.search(sentence, str(caught.value)), caught.value
    assert "\n" not in str(caught.value)


def test_missing_key(shipped, entries):
    del shipped["studies"]["demo"]["target"]
    with pytest.raises(PorevoxError, match=r"key 'target' is missing in `studies.demo`"):
        complete(shipped, entries)


def test_numbers_from_the_command_line_are_numbers(shipped, entries):
    set_key(shipped, "grids.thesis.n", "32")
    set_key(shipped, "grids.thesis.endpoint", "true")
    set_key(shipped, "studies.demo.transform.temperature_K", "273.15")
    set_key(shipped, "studies.demo.sizes", ["50", "25%"])
    config = complete(shipped, entries)
    assert config["grids"]["thesis"]["n"] == 32 and config["grids"]["thesis"]["endpoint"] is True
    assert config["studies"]["demo"]["transform"]["temperature_K"] == 273.15
    assert config["studies"]["demo"]["sizes"] == [50, "25%"]


def test_own_study_from_three_keys(shipped, entries):
    shipped |= {"structures": "cifs", "labels": "y.csv", "target": "uptake"}
    config = complete(shipped, entries)
    assert config["run"] == ["own"]
    assert config["studies"]["own"]["models"] == ["retnet", "mean"]
    shipped |= {"descriptors": ["density"], "id_column": "name"}
    config = complete(shipped, entries)
    assert config["studies"]["own"]["models"] == ["retnet", "rf", "mean"]
    assert config["datasets"]["own"]["tables"][0]["id_column"] == "name"
    study = config["studies"]["own"]
    assert set(columns_needed(config, study)) == {("uptake", "target"), ("density", "descriptors")}
    assert descriptors_of(config, study) == ["density"]


def test_random_forest_without_descriptors(shipped, entries):
    shipped["studies"]["demo"]["descriptors"] = []
    with pytest.raises(PorevoxError, match="needs descriptors"):
        complete(shipped, entries)


def test_download_without_a_count(shipped, entries):
    entries["demo"]["structures"] = {"urls": ["http://example.org/a.tar.gz"]}
    del entries["demo"]["n_structures"]
    with pytest.raises(PorevoxError, match="n_structures"):
        complete(shipped, entries)
