"""What a screening is made of: its model's own grid and channels, and errors before any job starts."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from porevox import keys, layout, plan, screening, specs
from porevox.errors import PorevoxError
from small_model import FOREST, change_record, write_model


@pytest.fixture
def user(config, root, shared_model):
    """A configuration as a user writes it, in a folder with CIFs and a model."""
    given = yaml.safe_load((root / "config.yaml").read_text())
    labels = {"file": {"path": "labels.csv"}}
    given["datasets"] = {"mine": {"structures": {"path": "cifs"}, "tables": [labels], "descriptors": ["rho"]}}
    given["studies"]["mine"] = given["studies"]["demo"] | {"dataset": "mine", "target": "y", "sizes": [2]}
    given["run"] = ["mine"]
    Path("new").mkdir()
    for name in ("n1", "n2"):
        Path(f"new/{name}.cif").write_text("data_x\n" + name)
    shutil.copytree(shared_model, "model")
    keys._SOURCES.clear()
    return given


def test_the_short_way_takes_grid_and_channels_from_the_model(user, root):
    config = plan.load({**user, "screen_structures": "new", "screen_model": "model", "screen_top": "5"})
    record = json.loads(Path("model/bundle.json").read_text())
    name = screening.dataset_name("new")
    (channel,) = screening.channels(config, "new")
    assert channel["settings"] == record["channels"][0]["settings"]
    assert layout.geometry(config["grids"][name]) == {"kind": "mic_supercell", "n": 16, "endpoint": False}
    assert config["datasets"][name]["reading"] == record["reading"] and config["screens"]["new"]["top"] == 5
    plan.check(config)
    assert screening.targets(config) == [
        f"results/screens/new/{file}" for file in ("ranked.csv", "candidates.html", "figures/screen_map.png")
    ]
    # the same voxels as a study with these settings would compute
    own = {"kind": "mic_supercell", "n": 16, "endpoint": False}
    table = keys.file_digest(root / "resources/forcefields/uff.csv")
    assert channel["key"] == layout.voxel_key(own, channel["settings"], record["reading"], table)


def test_the_model_s_force_field_counts_not_the_project_s(user):
    Path("resources/forcefields").mkdir(parents=True)
    Path("resources/forcefields/uff.csv").write_text("element,sigma_A,epsilon_K\nC,9,9\n")
    config = plan.load({**user, "screen_structures": "new", "screen_model": "model"})
    (channel,) = screening.channels(config, "new")
    study = specs.grid_channels(config, "mine", "thesis")[0]
    assert channel["forcefield"] == study["forcefield"] == "uff"
    with_theirs = layout.voxel_key(
        *(config["grids"]["screen-new"], channel["settings"], config["datasets"]["screen-new"]["reading"]),
        keys.file_digest(Path("model/forcefields/uff.csv")),
    )
    assert channel["key"] == with_theirs


def test_a_block_does_the_same_and_an_archive_too(user):
    archive = shutil.make_archive("packed", "zip", "model")
    block = {"structures": "new", "model": archive, "level": 0.5}
    config = plan.load(
        {**user, "screens": {"a": block, "b": {"dataset": "mine", "model": {"path": "model"}}}}
    )
    a, b = config["screens"]["a"], config["screens"]["b"]
    assert a["folder"].startswith("results/cache/models/") and a["expected"] == b["expected"]
    assert config["datasets"]["screen-b"]["structures"]["path"] == "cifs"
    assert not config["datasets"]["screen-b"]["tables"]


@pytest.mark.parametrize("path", ["results/mine/split0/retnet/n2", "results/mine/split0/retnet/n2/bundle"])
def test_a_model_of_a_study_is_made_first(user, path):
    config = plan.load({**user, "screen_structures": "new", "screen_model": path})
    screen = config["screens"]["new"]
    assert screen["folder"] == "results/mine/split0/retnet/n2/bundle" and screen["expected"] is None
    assert [c["name"] for c in screening.channels(config, "new")] == ["lj"]
    block = {"structures": "new", "model": {"study": "mine", "model": "retnet", "size": 2}}
    assert plan.load({**user, "screens": {"x": block}})["screens"]["x"]["folder"] == screen["folder"]
    plan.check(config)
    # once it is there, it is taken as it is
    shutil.copytree("model", screen["folder"])
    assert plan.load({**user, "screen_structures": "new", "screen_model": path})["screens"]["new"]["expected"]


def test_channels_keep_the_order_of_the_model(user):
    user["models"]["retnet"]["channels"] = ["ch4", "lj"]
    user["models"]["physics"]["channel"] = "ch4"
    user["studies"]["mine"] |= {"grid": "methane", "models": ["retnet", "physics"]}
    for model, names in (("retnet", ["ch4", "lj"]), ("physics", ["ch4"])):
        block = {"structures": "new", "model": {"study": "mine", "model": model, "size": 2}}
        config = plan.load({**user, "screens": {"x": block}})
        assert [channel["name"] for channel in screening.channels(config, "x")] == names


def test_every_model_but_the_control_can_be_handed_over(user):
    folders = screening.bundles(plan.load(user))
    assert folders == [f"results/mine/split0/{name}/n2/bundle" for name in ("retnet", "rf")]


@pytest.mark.parametrize(
    "given, message",
    [
        ({"screen_structures": "new"}, "`screen_model` is missing"),
        ({"screen_model": "model"}, "`screen_structures` is missing"),
        ({"screen_structures": "new", "screen_model": "nowhere"}, "nowhere is no folder of a model"),
        ({"screen_structures": "new", "screen_model": "cifs"}, "holds no bundle.json"),
        ({"screen_structures": "new", "screen_model": "model/seed0"}, "the folder of one training"),
        (
            {"screen_structures": "new", "screen_model": "results/mine"},
            "name one, such as results/mine/split0",
        ),
        (
            {"screen_structures": "new", "screen_model": "results/mine/split0/rf/n2"},
            "columns that no CIF holds (rho)",
        ),
        ({"screen_structures": "new", "screen_model": "results/mine/split0/mean/n2"}, "of type mean"),
        (
            {"screen_structures": "new", "screen_model": "results/mine/split0/rft/n2"},
            "names `rft`, which is not there",
        ),
        (
            {"screen_structures": "new", "screen_model": "results/mine/split3/retnet/n2"},
            "the study has 1 splits",
        ),
        ({"screens": {"x": {"model": "model"}}}, "needs either `structures`"),
        ({"screens": {"x": {"structures": "new", "dataset": "mine", "model": "model"}}}, "needs either"),
        ({"screens": {"x": {"dataset": "mien", "model": "model"}}}, "did you mean `mine`?"),
        (
            {"screens": {"x": {"structures": "new", "model": {"study": "mine"}}}},
            "`screens.x.model` cannot be",
        ),
        (
            {"screens": {"x": {"structures": "new", "model": {"url": "http://x"}}}},
            "it needs path, or url and sha256",
        ),
        ({"screens": {"x": {"structures": "new", "model": "model", "level": 0.7}}}, "allowed are 0.5"),
        (
            {"screens": {"x": {"structures": "new", "model": "model", "table": "t.csv"}}},
            "t.csv, which does not exist",
        ),
    ],
)
def test_errors_are_one_sentence_before_any_job(user, given, message):
    with pytest.raises(PorevoxError) as error:
        plan.load({**user, **given})
    assert message in str(error.value) and "\n" not in str(error.value)


def test_empty_and_missing_sources_are_told(user):
    Path("empty").mkdir()
    for folder, message in (("empty", "holds no .cif file"), ("nowhere", "which does not exist")):
        config = plan.load({**user, "screen_structures": folder, "screen_model": "model"})
        with pytest.raises(PorevoxError, match=message):
            plan.check(config)


def test_a_model_of_another_version_or_charge_table_is_refused(user):
    change_record(Path("model"), format=7)
    given = {**user, "screen_structures": "new", "screen_model": "model"}
    with pytest.raises(PorevoxError, match="has format 7"):
        plan.load(given)
    channels = json.loads(Path("model/bundle.json").read_text())["channels"]
    channels[0]["settings"] |= {"charges": "eqeq", "charge_table": "another"}
    change_record(Path("model"), format=1, channels=channels)
    with pytest.raises(PorevoxError, match="another table of ionisation energies"):
        plan.check(plan.load(given))


def test_a_model_without_voxels_has_nothing_to_look_at(user, root, tmp_path):
    folder = write_model(tmp_path / "rf", FOREST, root_of_project=root)
    Path("t.csv").write_text("id,void_fraction,noise\n")
    block = {"structures": "new", "model": str(folder), "table": "t.csv"}
    with pytest.raises(PorevoxError, match="looks at columns of a table only"):
        plan.check(plan.load({**user, "screens": {"x": block}}))


@pytest.mark.parametrize(
    "path, name",
    [
        *(("my_cifs/", "my-cifs"), ("/data/COFs.v2.tar.gz", "COFs-v2"), ("2019.zip", "screen-2019")),
        *((".", "screen"), ("böse/Ü", "screen")),
    ],
)
def test_the_short_way_is_named_after_its_structures(path, name):
    assert screening.own_name(path) == name


def test_a_name_cannot_be_taken_twice(user):
    block = {"new": {"dataset": "mine", "model": "model"}}
    with pytest.raises(PorevoxError, match="rename it"):
        plan.load({**user, "screens": block, "screen_structures": "new", "screen_model": "model"})


@pytest.mark.parametrize("part, like", [("datasets", "mine"), ("grids", "thesis")])
def test_no_dataset_or_grid_of_the_user_is_replaced(user, part, like):
    user[part]["screen-new"] = user[part][like]
    with pytest.raises(PorevoxError, match=f"`screen-new` for its own structures and grid, and `{part}`"):
        plan.load({**user, "screen_structures": "new", "screen_model": "model"})


def test_nothing_to_screen_is_said(user):
    with pytest.raises(PorevoxError, match="nothing to screen"):
        screening.targets(plan.load(user))


def test_a_start_may_be_a_model_that_was_handed_over(user, tmp_path, root):
    from porevox import starts

    write_model(tmp_path / "net", seeds=(0, 4), retnet={}, root_of_project=root)
    archive = shutil.make_archive("net", "zip", tmp_path / "net/bundle")
    for source, seed in (
        (str(tmp_path / "net/bundle"), 0),
        ({"path": str(tmp_path / "net"), "seed": 4}, 4),
        ({"path": archive, "seed": 4}, 4),
    ):
        user["models"]["retnet"]["init_from"] = source
        config = plan.load(user)
        files = starts.start_files(config, "retnet", 0)
        assert [Path(file).name for file in files] == ["model.safetensors", "model.json", "train_ids.txt"]
        assert Path(files[0]).parent.name == f"seed{seed}" and all(Path(file).is_file() for file in files)
    user["models"]["retnet"]["init_from"] = {"path": archive, "seed": 9}
    with pytest.raises(PorevoxError, match="names seed 9"):
        plan.load(user)
    user["models"]["retnet"]["init_from"] = {"url": "http://x"}
    with pytest.raises(PorevoxError, match="url and sha256"):
        plan.load(user)
