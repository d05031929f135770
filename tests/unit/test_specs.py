"""What studies and tables of Henry coefficients are made of."""

import copy

import pytest
import yaml

from porevox import keys, plan, specs

CO2 = {"kind": "guest", "name": "co2", "guest": "CO2", "cutoff_A": 10.0}
ELECTROSTATIC = {"kind": "electrostatic", "name": "es"}


@pytest.fixture
def with_channels(config, root):
    """The same configuration with three channels, and two tables of Henry coefficients."""
    user = yaml.safe_load((root / "config.yaml").read_text())
    user["grids"]["thesis"]["channels"] = [{}, CO2, ELECTROSTATIC]
    user["datasets"] = {"mine": config["datasets"]["mine"]}
    user["studies"]["mine"] = user["studies"]["demo"] | {"dataset": "mine", "target": "y", "sizes": [2]}
    entry = {"dataset": "mine", "grid": "thesis"}
    user["henry"] = {"probe": {**entry, "channel": "lj"}, "guest": {**entry, "channel": "co2"}}
    return plan.load(user | {"run": ["mine"]})


def test_the_dataset_key_follows_content_and_settings(config, tmp_path):
    def key():
        keys._SOURCES.clear()
        return specs.dataset_key(config, "mine", 0)

    first = key()
    (tmp_path / "labels.csv").write_text("id,y,rho,family\na,1,3,f\n")
    second = key()
    (tmp_path / "cifs/a.cif").write_text("changed")
    third = key()
    assert len({first, second, third}) == 3
    config["studies"]["mine"]["sizes"] = [2, "100%"]
    config["studies"]["mine"]["bootstrap"]["resamples"] = 100
    assert key() == third
    config["studies"]["mine"]["transform"]["temperature_K"] = 273.0
    assert key() != third


def test_a_study_without_voxel_models_reads_no_channel(config):
    assert [channel["name"] for channel in specs.channels(config, "mine")] == ["lj"]
    config["studies"]["mine"]["models"] = ["rf", "mean"]
    assert specs.channels(config, "mine") == []


def test_channels_say_what_they_hold(with_channels):
    found = specs.channels(with_channels, "mine")
    said = [(c["name"], c["quantity"], c["unit"], c["forcefield"]) for c in found]
    assert said == [
        ("lj", "energy", "K", "uff"),
        ("co2", "effective_energy", "K", "uff"),
        ("es", "potential", "V", None),
    ]
    folders = [channel["folder"].split("/") for channel in found]
    assert [folder[:-1] for folder in folders] == [
        ["results", "voxels", "mine", "thesis", name] for name in ("lj", "co2", "es")
    ]
    assert [folder[-1] for folder in folders] == [channel["key"] for channel in found]
    assert len({channel["key"] for channel in found}) == 3


def keys_of(config):
    return {channel["name"]: channel["key"] for channel in specs.channels(config, "mine")}


@pytest.mark.parametrize(
    ("channel", "change", "moved"),
    [
        (1, {"temperature_K": 310.0}, {"co2"}),
        (1, {"guest": "N2"}, {"co2"}),
        (1, {"n_orientations": 50}, {"co2"}),
        (0, {"truncation": "shifted"}, {"lj"}),
        (0, {"probe": "CH4"}, {"lj"}),
        (0, {"forcefield": "dreiding"}, {"lj"}),
        (2, {"accuracy_V": 0.5}, {"es"}),
        # the same numbers under another name, or said twice
        (0, {"probe_sigma_A": 2.5, "probe_epsilon_K": 50}, set()),
        (0, {"probe": "CH4", "probe_sigma_A": 2.5, "probe_epsilon_K": 50}, set()),
    ],
)
def test_exactly_the_changed_channel_has_another_key(with_channels, channel, change, moved):
    before = keys_of(with_channels)
    with_channels["grids"]["thesis"]["channels"][channel].update(change)
    after = keys_of(with_channels)
    assert {name for name in before if after[name] != before[name]} == moved


def test_a_force_field_of_one_s_own_moves_the_channels_that_use_it(with_channels, tmp_path):
    before = keys_of(with_channels)
    folder = tmp_path / "resources/forcefields"
    folder.mkdir(parents=True)
    (folder / "uff.csv").write_text("element,sigma_A,epsilon_K\nC,3,50\n")
    after = keys_of(with_channels)
    assert {name for name in before if after[name] != before[name]} == {"lj", "co2"}


def test_a_limit_for_potentials_concerns_those_who_have_some(config, with_channels):
    for one, moved in ((config, False), (with_channels, True)):
        other = copy.deepcopy(one)
        other["studies"]["mine"]["transform"]["potential_limit_V"] = 1.0
        keys = [specs.dataset_key(c, "mine", 0) for c in (one, other)]
        assert (keys[0] != keys[1]) == moved


def test_henry_tables_know_their_channel_and_temperature(with_channels):
    probe, guest = (specs.henry_spec(with_channels, name) for name in ("probe", "guest"))
    assert probe["channel"]["name"] == "lj" and guest["channel"]["quantity"] == "effective_energy"
    assert probe["grid"] == {"kind": "mic_supercell", "n": 25, "endpoint": False}
    assert probe["temperature_K"] == guest["temperature_K"] == 298.0
    assert probe["channel"]["key"] == keys_of(with_channels)["lj"]


def test_a_single_split_has_the_key_it_had_before_there_were_folds(config):
    spec = specs.dataset_spec(config, "mine", 0)
    assert "folds" not in spec["split"] and spec["split"]["test"] == 0.2


def test_each_fold_has_a_key_of_its_own_which_test_does_not_change(config):
    split = config["studies"]["mine"]["split"]
    split["folds"] = 3
    found = {specs.dataset_key(config, "mine", fold) for fold in range(3)}
    split["test"] = 0.5
    assert {specs.dataset_key(config, "mine", fold) for fold in range(3)} == found and len(found) == 3
    split["folds"] = 4
    assert specs.dataset_key(config, "mine", 0) not in found
