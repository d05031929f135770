"""Datasets of published voxels: what does not go together is refused in one sentence."""

import copy

import numpy as np
import pytest
import yaml

from porevox import keys, layout, plan, specs
from porevox.errors import PorevoxError
from porevox.voxel_source import source_digest
from published_archive import PARTS, SOURCE, write_archive

SPLIT = {"kind": "parts", "train_part": "train", "test_part": "val_test", "validation": 1}


@pytest.fixture
def user(root, tmp_path, monkeypatch):
    """A configuration whose one study reads a small archive of published voxels."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keys, "CACHE", tmp_path / "cache")
    part = (["a", "b", "c"], np.ones((3, 25, 25, 25), np.float32))
    write_archive(tmp_path / "data.tar", {"train": part, "val_test": part})
    (tmp_path / "labels.csv").write_text("id,y,size\na,1,2\n")
    config = yaml.safe_load((root / "config.yaml").read_text())
    voxels = {**copy.deepcopy(SOURCE), "file": {"path": "data.tar"}, "parts": copy.deepcopy(PARTS)}
    tables = [{"file": {"path": "labels.csv"}}]
    config["datasets"] = {"theirs": {"voxels": voxels, "tables": tables, "descriptors": ["size"]}}
    config["grids"]["both-ends"] = {"kind": "mic_supercell", "endpoint": True}
    study = {"dataset": "theirs", "target": "y", "grid": "both-ends", "split": SPLIT, "sizes": [2]}
    config["studies"]["theirs"] = {**study, "models": ["retnet", "rf", "mean"]}
    return config | {"run": ["theirs"]}


def checked(user):
    config = plan.load(copy.deepcopy(user))
    plan.check(config)
    return config


def test_a_study_on_published_voxels_passes_and_reads_factors(user):
    config = checked(user)
    (channel,) = specs.channels(config, "theirs")
    assert (channel["quantity"], channel["unit"], channel["temperature_K"]) == (
        "boltzmann_factor",
        "1",
        298.0,
    )
    assert channel["folder"].startswith("results/voxels/theirs/published/")
    assert keys.known_shards(config, "theirs", "any") == [0, 1]
    assert keys.structures_key(config, "theirs", "code") != keys.structures_key(
        config, "theirs", "other code"
    )
    split = specs.dataset_spec(config, "theirs", 0)["split"]
    assert {key: split[key] for key in SPLIT} == SPLIT


def test_energies_have_no_temperature_of_their_own(user):
    source = user["datasets"]["theirs"]["voxels"]
    source.update(holds="energy_K", temperature_K=None)
    user["studies"]["theirs"]["transform"] = {"kind": "boltzmann", "temperature_K": 273.0}
    (channel,) = specs.channels(checked(user), "theirs")
    assert channel["quantity"] == "energy" and channel["unit"] == "K" and "temperature_K" not in channel


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"structures": {"path": "cifs"}}, "`datasets.theirs` needs either .* it has both"),
        ({"voxels": None}, "it has neither"),
    ],
)
def test_a_dataset_has_structures_or_voxels(user, change, sentence):
    user["datasets"]["theirs"] |= change
    with pytest.raises(PorevoxError, match=sentence):
        plan.load(user)
    user["datasets"]["theirs"] = {"tables": []}
    with pytest.raises(PorevoxError, match="it has neither"):
        plan.load(user)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("temperature_K", None, "temperature_K` is None: a source that holds boltzmann_factor needs one"),
        ("holds", "energy_K", "temperature_K` is 298.0: a source that holds energy_K holds at any, so leave"),
        ("holds", "kJ", "cannot be 'kJ': allowed are boltzmann_factor, energy_K"),
        ("parts", [PARTS[0], PARTS[0]], "lists the name train twice"),
        ("parts", [PARTS[0], PARTS[0] | {"name": "x"}], "lists the voxels data/.*clean_voxels.npy twice"),
        ("parts", [], "must list at least 1"),
        ("grids", {}, "Unknown key `grids`"),
        ("probe_sigma_A", -1, "greater than 0"),
    ],
)
def test_a_source_must_make_sense(user, path, value, sentence):
    user["datasets"]["theirs"]["voxels"][path] = value
    with pytest.raises(PorevoxError, match=sentence):
        plan.load(user)


def test_what_a_source_must_declare_is_no_default(user):
    for key in (
        "grid",
        "holds",
        "probe_sigma_A",
        "probe_epsilon_K",
        "cutoff_A",
        "forcefield",
        "file",
        "parts",
    ):
        other = copy.deepcopy(user)
        del other["datasets"]["theirs"]["voxels"][key]
        with pytest.raises(PorevoxError, match=f"The key '{key}' is missing in `datasets.theirs.voxels`"):
            plan.load(other)


CHANNEL = {"kind": "lennard_jones"}


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        (
            {"endpoint": False},
            "`grids.both-ends.endpoint` is false, but .*voxels.grid.endpoint` says .* have true",
        ),
        ({"n": 32}, "`grids.both-ends.n` is 32, .*`datasets.theirs.voxels.grid.n` says .* have 25"),
        ({"kind": "unit_cell"}, "kind` is unit_cell, .* have mic_supercell"),
        ({"channels": [CHANNEL | {"probe": "CH4"}]}, "channels.0.probe_sigma_A` is .*, but .* have 2.5"),
        ({"channels": [CHANNEL | {"probe_epsilon_K": 60}]}, "probe_epsilon_K` is 60, .* have 50"),
        ({"channels": [CHANNEL | {"cutoff_A": 12.0}]}, "channels.0.cutoff_A` is 12, .* have 10"),
        ({"channels": [CHANNEL | {"forcefield": "dreiding"}]}, "forcefield` is dreiding, .* have uff"),
        ({"channels": [CHANNEL | {"truncation": "shifted"}]}, "truncation` is shifted, .* have truncated"),
        (
            {"channels": [{"kind": "electrostatic"}]},
            "channels` are electrostatic, but .* one channel of kind",
        ),
        ({"channels": [CHANNEL, CHANNEL | {"name": "b"}]}, "channels` are lennard_jones, lennard_jones, but"),
    ],
)
def test_the_study_s_grid_must_agree(user, grid, sentence):
    user["grids"]["both-ends"] |= grid
    with pytest.raises(PorevoxError, match=sentence):
        checked(user)


def test_the_same_probe_by_its_numbers_agrees(user):
    numbers = {"probe": "CH4", "probe_sigma_A": 2.5, "probe_epsilon_K": 50.0}
    user["grids"]["both-ends"]["channels"] = [CHANNEL | numbers]
    checked(user)


@pytest.mark.parametrize(
    ("transform", "sentence"),
    [
        ({"kind": "boltzmann", "temperature_K": 273.0}, "temperature_K` is 273, but .* factors at 298 K"),
        ({"kind": "log1p_boltzmann", "temperature_K": 300.0}, "temperature_K` is 300, but"),
        (
            {"kind": "identity"},
            "kind` is identity, which means energies, but .* hold Boltzmann factors at 298 K",
        ),
    ],
)
@pytest.mark.parametrize("of_the_model", [False, True])
def test_factors_refuse_another_temperature_and_are_no_energies(user, transform, sentence, of_the_model):
    where = user["models"]["retnet"] if of_the_model else user["studies"]["theirs"]
    where["transform"] = transform
    name = "models.retnet" if of_the_model else "studies.theirs"
    with pytest.raises(PorevoxError, match=f"`{name}.transform.{sentence}"):
        checked(user)


@pytest.mark.parametrize("transform", [{"kind": "log1p_boltzmann"}, {"kind": "occupancy", "pressure_bar": 1}])
def test_other_views_of_a_factor_at_its_temperature_pass(user, transform):
    user["studies"]["theirs"]["transform"] = transform
    checked(user)


@pytest.mark.parametrize(
    "model",
    [
        {"type": "physics"},
        {"type": "linear", "features": "physics"},
        {"type": "retnet", "recipe": "best"},
        {"type": "retnet", "scalars": ["cif_density_g_cm3"]},
    ],
)
def test_models_that_need_the_density_are_refused(user, model):
    user["models"]["heavy"] = model
    user["studies"]["theirs"]["models"] = ["heavy"]
    with pytest.raises(
        PorevoxError, match="`models.heavy` in `studies.theirs` needs the density of each crystal"
    ):
        checked(user)


def test_a_histogram_and_recipe_best_without_physics_pass(user):
    user["models"]["bins"] = {"type": "linear"}
    user["models"]["net"] = {"type": "retnet", "recipe": "best", "physics": False, "skip": False}
    user["studies"]["theirs"]["models"] = ["bins", "net"]
    checked(user)


def test_henry_coefficients_need_crystals(user):
    user["henry"] = {"table": {"dataset": "theirs", "grid": "both-ends", "channel": "lj"}}
    with pytest.raises(PorevoxError, match="published voxels come without the density"):
        plan.load(user)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"train_part": None}, "split.train_part` is None: name one of the parts train, val_test"),
        ({"test_part": "test"}, "split.test_part` is test: name one of the parts train, val_test"),
        ({"test_part": "train"}, "trains and tests on the part train"),
        ({"folds": 3}, "folds` is 3, but published parts make one split only"),
    ],
)
def test_a_split_by_parts_names_two_of_them(user, change, sentence):
    user["studies"]["theirs"]["split"] = SPLIT | change
    with pytest.raises(PorevoxError, match=sentence):
        plan.load(user)


def test_only_published_voxels_have_parts(user):
    del user["datasets"]["theirs"]["voxels"]
    user["datasets"]["theirs"]["structures"] = {"path": "cifs"}
    with pytest.raises(PorevoxError, match="split.kind` is parts, but the study's dataset has no published"):
        plan.load(user)


def test_a_source_that_is_missing_is_told_before_anything_runs(user, tmp_path):
    source = user["datasets"]["theirs"]["voxels"]
    source["file"]["path"] = "gone.tar.gz"
    with pytest.raises(PorevoxError, match="gone.tar.gz, which does not exist"):
        checked(user)
    (tmp_path / "folder").mkdir()
    source["file"]["path"] = "folder"
    with pytest.raises(
        PorevoxError, match="`datasets.theirs.voxels.parts` needs folder/data/.*clean_voxels.npy"
    ):
        checked(user)


def test_the_key_follows_content_and_declaration_but_not_the_address(user, tmp_path):
    config = checked(user)
    source = config["datasets"]["theirs"]["voxels"]

    def key():
        return source_digest(source, keys.content_key("theirs", config["datasets"]["theirs"]))

    first = key()
    (tmp_path / "data.tar").rename(tmp_path / "moved.tar")
    source["file"] = {"path": "moved.tar"}
    assert key() == first
    source["temperature_K"] = 300.0
    second = key()
    part = (["a", "b", "d"], np.ones((3, 25, 25, 25), np.float32))
    write_archive(tmp_path / "moved.tar", {"train": part, "val_test": part})
    assert len({first, second, key()}) == 3


def test_published_voxels_count_among_the_files_to_download(user):
    source = user["datasets"]["theirs"]["voxels"]
    source["file"] = {"urls": ["https://example.org/data.tar.gz"]}
    config = plan.load(user)
    assert config["datasets"]["theirs"]["voxels"]["file"] in layout.dataset_files(
        config["datasets"]["theirs"]
    )
    plan.check(config)


def test_what_only_parts_need_is_no_part_of_other_keys(user):
    user["studies"]["theirs"]["split"] = {"kind": "random"}
    split = specs.dataset_spec(plan.load(user), "theirs", 0)["split"]
    assert not {"train_part", "test_part"} & set(split)
