"""The configuration: completed, and wrong ones refused in one sentence."""

import copy
import re

import pytest
import yaml

from porevox.config import columns_needed, complete, descriptors_of
from porevox.errors import PorevoxError
from porevox.learning.recipe import Recipe


@pytest.fixture
def shipped(root):
    return yaml.safe_load((root / "config.yaml").read_text())


@pytest.fixture
def entries(root):
    return yaml.safe_load((root / "resources/datasets.yaml").read_text())


def test_shipped_configuration_is_complete_and_says_only_what_the_defaults_say(shipped, entries):
    config = complete(shipped, entries)
    assert config["run"] == ["demo"]
    transform = {"kind": "boltzmann", "temperature_K": 298.0, "potential_limit_V": 2.0}
    transform |= {"pressure_bar": None, "site_volume_A3": 40.0}
    assert config["studies"]["demo"]["transform"] == transform
    (channel,) = config["grids"]["thesis"]["channels"]
    assert channel == {
        "name": "lj",
        "kind": "lennard_jones",
        "probe": "thesis",
        "probe_sigma_A": None,
        "probe_epsilon_K": None,
        "cutoff_A": 10.0,
        "truncation": "truncated",
        "forcefield": "uff",
    }
    assert config["models"]["retnet"]["scalars"] == []
    assert config["datasets"]["demo"]["reading"]["overlap_distance_A"] == 0.5


def test_defaults_fill_what_is_left_out(shipped, entries):
    bare = copy.deepcopy(shipped)
    bare["models"]["retnet"] = {"type": "retnet"}
    bare["grids"]["thesis"] = {"kind": "mic_supercell"}
    for key in ("transform", "split", "seeds", "compare", "bootstrap"):
        del bare["studies"]["demo"][key]
    found, written = complete(bare, entries), complete(shipped, entries)
    # of a network's options only the recipe knows the values
    recipes = [Recipe.from_options(config["models"].pop("retnet")) for config in (found, written)]
    assert recipes[0] == recipes[1] and found == written


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
        ("grids.thesis.n", 0, r"`grids.thesis.n` cannot be 0: it must be at least 2"),
        ("grids.thesis.n", 10_000, r"`grids.thesis.n` cannot be 10000: it must be at most 256"),
        ("grids.thesis.channels", [], r"`grids.thesis.channels` cannot be \[\]: it must list at least 1"),
        (
            "grids.thesis.channels",
            [{"kind": "hydrogen"}],
            r"channels.0.kind` cannot be 'hydrogen': allowed are",
        ),
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
        ("run", [], r"nothing to do: name a study in `run`, or a table in `henry`"),
        ("henry", {"x": {"dataset": "demo", "grid": "thesis"}}, r"key 'channel' is missing in `henry.x`"),
    ],
)
def test_mistakes_are_one_sentence(shipped, entries, path, value, sentence):
    set_key(shipped, path, value)
    with pytest.raises(PorevoxError) as caught:
        complete(shipped, entries)
    assert re.search(sentence, str(caught.value)), caught.value
    assert "\n" not in str(caught.value)


CO2 = {"kind": "guest", "name": "co2", "guest": "CO2", "cutoff_A": 10}
ELECTROSTATIC = {"kind": "electrostatic"}


@pytest.mark.parametrize(
    ("channels", "sentence"),
    [
        ([{"cutof_A": 9}], r"Unknown key `cutof_A` in `grids.thesis.channels.0`: did you mean `cutoff_A`\?"),
        ([{"cutoff_A": 0}], r"`grids.thesis.channels.0.cutoff_A` cannot be 0: it must be greater than 0"),
        ([{"cutoff_A": -10}], r"`grids.thesis.channels.0.cutoff_A` cannot be -10: it must be greater than 0"),
        ([{"truncation": "tail"}], r"`.*.truncation` cannot be 'tail': allowed are truncated, shifted"),
        ([{"probe_sigma_A": 0}], r"`.*.probe_sigma_A` cannot be 0: it must be greater than 0"),
        ([{"temperature_K": 300}], r"Unknown key `temperature_K` in `grids.thesis.channels.0`"),
        ([{}, {**CO2, "temperature_K": 0}], r"`.*1.temperature_K` cannot be 0: it must be greater than 0"),
        ([{}, {**CO2, "temperature_K": -5}], r"`.*1.temperature_K` cannot be -5: it must be greater"),
        ([{}, {**CO2, "n_orientations": 0}], r"`.*1.n_orientations` cannot be 0: it must be at least 1"),
        ([{**ELECTROSTATIC, "forcefield": "uff"}], r"Unknown key `forcefield` in `grids.thesis.channels.0`"),
        ([{**ELECTROSTATIC, "accuracy_V": 0}], r"`.*0.accuracy_V` cannot be 0: it must be at least 1e-06"),
        ([{}, {}], r"`grids.thesis.channels` has two channels named `lj`: give each a name of its own"),
        ([{}, {**CO2, "cutoff_A": 12}], r"channels of `grids.thesis` have the cutoffs 10, 12 A"),
        ([{}, {**CO2, "temperature_K": 273}], r"temperature_K` is 298, but the channel `co2`.* at 273 K"),
    ],
)
def test_mistakes_in_channels_are_one_sentence(shipped, entries, channels, sentence):
    shipped["grids"]["thesis"]["channels"] = channels
    with pytest.raises(PorevoxError) as caught:
        complete(shipped, entries)
    assert re.search(sentence, str(caught.value)), caught.value
    assert "\n" not in str(caught.value)


def test_channels_are_completed_by_their_kind(shipped, entries):
    shipped["grids"]["thesis"]["channels"] = [{"cutoff_A": "9.5"}, {**CO2, "cutoff_A": 9.5}, ELECTROSTATIC]
    lj, guest, electrostatic = complete(shipped, entries)["grids"]["thesis"]["channels"]
    assert lj["probe"] == "thesis" and lj["cutoff_A"] == 9.5
    assert guest["temperature_K"] == 298.0 and guest["forcefield"] == "uff"
    # all on the same supercell, and no force field where none is used
    assert electrostatic["cutoff_A"] == 9.5 and "forcefield" not in electrostatic
    shipped["grids"]["thesis"]["channels"] = [ELECTROSTATIC]
    assert complete(shipped, entries)["grids"]["thesis"]["channels"][0]["cutoff_A"] == 10.0


def test_cutoffs_may_differ_where_they_set_no_supercell(shipped, entries):
    shipped["grids"]["thesis"] |= {"kind": "unit_cell", "channels": [{}, {**CO2, "cutoff_A": 12}]}
    channels = complete(shipped, entries)["grids"]["thesis"]["channels"]
    assert [channel["cutoff_A"] for channel in channels] == [10.0, 12]
    # nor is the potential computed anew when somebody else's cutoff changes
    shipped["grids"]["thesis"]["channels"] = [{"cutoff_A": 8}, ELECTROSTATIC]
    channels = complete(shipped, entries)["grids"]["thesis"]["channels"]
    assert [channel["cutoff_A"] for channel in channels] == [8, 10.0]


def test_the_identity_needs_no_temperature(shipped, entries):
    shipped["grids"]["thesis"]["channels"] = [{**CO2, "temperature_K": 273}]
    shipped["studies"]["demo"]["transform"] = {"kind": "identity"}
    complete(shipped, entries)


OCCUPANCY = {"kind": "occupancy", "pressure_bar": 5.8}


def test_a_model_may_have_channels_and_a_transform_of_its_own(shipped, entries):
    shipped["grids"]["thesis"]["channels"] = [{}, CO2]
    shipped["models"]["retnet"] |= {"channels": ["lj"], "transform": OCCUPANCY}
    model = complete(shipped, entries)["models"]["retnet"]
    assert model["channels"] == ["lj"]
    rest = {"site_volume_A3": 40.0, "potential_limit_V": 2.0}
    # the temperature is that of each study it stands in
    assert model["transform"] == {**OCCUPANCY, **rest, "temperature_K": None}
    shipped["models"]["retnet"]["transform"] = {**OCCUPANCY, "temperature_K": 77}
    assert complete(shipped, entries)["models"]["retnet"]["transform"]["temperature_K"] == 77


def test_a_model_s_transform_is_checked_at_the_temperature_of_the_study(shipped, entries):
    shipped["grids"]["thesis"]["channels"] = [{**CO2, "temperature_K": 273}]
    shipped["models"]["retnet"] |= {"transform": OCCUPANCY}
    shipped["studies"]["demo"]["transform"] = {"temperature_K": 273}
    complete(shipped, entries)
    shipped["models"]["retnet"]["transform"] = {**OCCUPANCY, "temperature_K": 298}
    with pytest.raises(PorevoxError, match=r"`models.retnet.transform.temperature_K` is 298"):
        complete(shipped, entries)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"channels": ["lk"]}, r"`models.retnet.channels` names `lk`.*known are lj, co2"),
        ({"channels": []}, r"`models.retnet.channels` cannot be \[\]"),
        ({"transform": {"kind": "occupancy"}}, r"`models.retnet.transform.pressure_bar` is missing"),
        ({"transform": {**OCCUPANCY, "pressure": 1}}, r"Unknown key `pressure` in `models.retnet.transform`"),
        ({"transform": {"temperature_K": 300}}, r"is 300, but the channel `co2` .* at 298 K"),
    ],
)
def test_mistakes_in_what_a_model_sees_are_one_sentence(shipped, entries, change, sentence):
    shipped["grids"]["thesis"]["channels"] = [{}, CO2]
    shipped["models"]["retnet"] |= change
    with pytest.raises(PorevoxError, match=sentence):
        complete(shipped, entries)


def test_an_occupancy_needs_a_pressure(shipped, entries):
    shipped["studies"]["demo"]["transform"] = {"kind": "occupancy"}
    with pytest.raises(PorevoxError, match="`studies.demo.transform.pressure_bar` is missing"):
        complete(shipped, entries)


HENRY = {"dataset": "demo", "grid": "thesis", "channel": "lj"}


def test_henry_s_temperature_is_the_channel_s(shipped, entries):
    shipped["grids"]["thesis"]["channels"] = [{}, {**CO2, "temperature_K": 298}]
    shipped["henry"] = {
        "room": HENRY,
        "cold": {**HENRY, "temperature_K": 77},
        "guest": {**HENRY, "channel": "co2"},
        "same": {**HENRY, "channel": "co2", "temperature_K": 298},
    }
    henry = complete(shipped, entries)["henry"]
    assert [entry["temperature_K"] for entry in henry.values()] == [298.0, 77, 298, 298]
    # a dataset without tables, and no study at all
    entries["demo"]["tables"] = []
    complete({**shipped, "run": []}, entries)
    with pytest.raises(PorevoxError, match="`datasets.demo.tables` is empty: `studies.demo` needs a table"):
        complete(shipped, entries)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dataset": "dem"}, r"`henry.x.dataset` names `dem`.*did you mean `demo`\?"),
        ({"grid": "box"}, r"`henry.x.grid` names `box`, which is not in `grids`: known are"),
        ({"channel": "co"}, r"`henry.x.channel` names `co`, .*`grids.thesis.channels`: did you mean `co2`\?"),
        ({"channel": "es"}, r"`henry.x.channel` names `es`, an electrostatic potential"),
        ({"channel": "co2", "temperature_K": 300}, r"is 300, but .* effective energies at 298 K"),
        ({"temperature_K": 0}, r"`henry.x.temperature_K` cannot be 0: it must be greater than 0"),
        ({"grid": "cube"}, r"`henry.x.grid` names `cube` of kind cubic_box.* mic_supercell or unit_cell"),
    ],
)
def test_mistakes_in_henry_are_one_sentence(shipped, entries, change, sentence):
    shipped["grids"]["thesis"]["channels"] = [{}, CO2, ELECTROSTATIC]
    shipped["grids"]["cube"] = {"kind": "cubic_box"}
    shipped["henry"] = {"x": {**HENRY, **change}}
    with pytest.raises(PorevoxError, match=sentence):
        complete(shipped, entries)


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


@pytest.mark.parametrize("name", ["y", "shard", "row_lj"])
def test_descriptors_with_names_of_the_dataset_s_own_columns(shipped, entries, name):
    shipped["studies"]["demo"]["descriptors"] = ["density", name]
    with pytest.raises(PorevoxError, match=rf"`{name}` \(descriptors\), a name that the dataset's own table"):
        complete(shipped, entries)


def test_random_forest_without_descriptors(shipped, entries):
    shipped["studies"]["demo"]["descriptors"] = []
    with pytest.raises(PorevoxError, match="needs descriptors"):
        complete(shipped, entries)


@pytest.mark.parametrize("kind", ["gradient_boosting", "kernel_ridge"])
def test_other_models_that_look_at_descriptors_need_them(shipped, entries, kind):
    shipped["models"]["other"] = {"type": kind}
    study = shipped["studies"]["demo"]
    study |= {"models": ["mean", "other"], "descriptors": []}
    with pytest.raises(PorevoxError, match="`models.other` in `studies.demo` needs descriptors"):
        complete(copy.deepcopy(shipped), entries)
    shipped["models"]["other"]["features"] = "histogram"
    assert complete(copy.deepcopy(shipped), entries)["models"]["other"]["histogram_bins"] == 50
    shipped["models"]["other"]["histogram_min"] = 5.0
    with pytest.raises(PorevoxError, match="`models.other.histogram_min` is 5: it must be below .*, 5"):
        complete(shipped, entries)


def test_physics_needs_energies_that_fill_the_cell(shipped, entries):
    shipped["models"]["law"] = {"type": "physics"}
    shipped["studies"]["demo"]["models"] = ["law", "mean"]
    assert complete(copy.deepcopy(shipped), entries)["models"]["law"]["per"] == "auto"
    wrong = copy.deepcopy(shipped)
    wrong["models"]["law"]["channel"] = "co2"
    with pytest.raises(PorevoxError, match="`models.law` needs a channel of kind .* 'co2', and there are lj"):
        complete(wrong, entries)
    wrong = copy.deepcopy(shipped)
    wrong["grids"]["thesis"]["channels"] = [{"kind": "electrostatic"}]
    with pytest.raises(PorevoxError, match="is None, and there are none"):
        complete(wrong, entries)
    wrong = copy.deepcopy(shipped)
    wrong["grids"]["thesis"]["kind"] = "cubic_box"
    with pytest.raises(PorevoxError, match="`models.law` reads Henry coefficients .* kind cubic_box"):
        complete(wrong, entries)


def test_download_without_a_count(shipped, entries):
    entries["demo"]["structures"] = {"urls": ["http://example.org/a.tar.gz"]}
    del entries["demo"]["n_structures"]
    with pytest.raises(PorevoxError, match="n_structures"):
        complete(shipped, entries)


def test_a_number_of_seeds_and_one_pair_are_written_out(shipped, entries):
    study = shipped["studies"]["demo"]
    study["seeds"], study["compare"] = 3, {"challenger": "mean"}
    found = complete(shipped, entries)["studies"]["demo"]
    assert found["seeds"] == [0, 1, 2]
    assert found["compare"] == [{"challenger": "mean", "reference": "rf"}]
    study["seeds"] = "2"  # as the command line gives it
    study["compare"] = [{"challenger": "mean"}, {"reference": "mean", "challenger": "rf"}]
    found = complete(shipped, entries)["studies"]["demo"]
    assert found["seeds"] == [0, 1] and [pair["reference"] for pair in found["compare"]] == ["rf", "mean"]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("seeds", 0, "at least 1"),
        ("seeds", [], "studies.demo.seeds"),
        ("compare", {"challenger": "rf"}, "compares `rf` with itself"),
        ("compare", [{"reference": "maen"}], "compare.reference` names `maen`.*did you mean `mean`"),
        ("compare", [{"challanger": "mean"}], "did you mean `challenger`"),
        ("split", {"folds": 0}, "at least 1"),
        (
            "split",
            {"kind": "files", "folds": 3, "train_file": "a", "test_file": "b"},
            "folds` is 3, but lists of ids make one split only",
        ),
    ],
)
def test_wrong_seeds_pairs_and_folds_are_refused(shipped, entries, key, value, words):
    shipped["studies"]["demo"][key] = value
    with pytest.raises(PorevoxError, match=words):
        complete(shipped, entries)
