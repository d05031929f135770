"""Which figures a study has of its networks, and of which run and structure."""

import pytest

from porevox import insight, layout, plan
from porevox.errors import PorevoxError


def study(config):
    return config["studies"]["mine"]


def test_the_first_retnet_of_the_largest_size_and_first_seed_is_shown(config):
    config["models"]["plain"] = config["models"]["retnet"] | {"augmentation": "none"}
    study(config).update(models=["rf", "plain", "retnet"], sizes=["25%", "50%"], seeds=[3, 1])
    assert insight.retnets(config, "mine") == ["plain", "retnet"]
    assert str(insight.shown_run(config, "mine", 0)) == "results/mine/split0/plain/n50pct/seed3"
    runs = [str(folder) for folder in insight.history_runs(config, "mine", 0)]
    assert len(runs) == 8 and runs[0] == "results/mine/split0/plain/n25pct/seed3"
    assert runs[-1] == "results/mine/split0/retnet/n50pct/seed1"


def test_targets_are_figures_of_the_first_split(config):
    study(config)["split"]["folds"] = 5
    names = ["augmentations", "forward_pass", "fingerprints", "fingerprint_map", "histories"]
    assert insight.targets(config, "mine") == [f"results/mine/split0/figures/{name}.png" for name in names]


def test_without_a_retnet_there_is_nothing_to_look_into(config):
    study(config)["models"] = ["rf", "mean"]
    assert insight.targets(config, "mine") == [] == insight.retnets(config, "mine")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"octahedral": False, "roll": False}),
        ({"augmentation": "none"}, {}),
        ({"augmentation": "none", "roll": True}, {"octahedral": False, "roll": True}),
        ({"recipe": "best"}, {"octahedral": True, "roll": True}),
    ],
)
def test_operations_drawn_are_those_of_the_recipe(config, options, expected):
    own = {key: None for key in ("recipe", "augmentation", "roll")}
    config["models"]["retnet"] = {"type": "retnet", "epochs": 3, **own, **options}
    study(config)["models"] = ["retnet", "mean"]
    assert insight.augmentation(config, "mine") == expected
    drawn = "results/mine/split0/figures/augmentations.png" in insight.targets(config, "mine")
    assert drawn == bool(expected)


def test_a_box_without_periods_is_not_shifted(config):
    config["models"]["retnet"] = {"type": "retnet", "recipe": "best"}
    config["grids"]["thesis"]["kind"] = "cubic_box"
    assert insight.augmentation(config, "mine") == {"octahedral": True, "roll": False}


def test_a_structure_that_is_none_of_the_dataset_is_refused_before_any_job(config):
    study(config)["structure"] = "b"
    plan.check(config)
    config["datasets"]["mine"]["structures"]["path"] = "cifs"
    study(config)["structure"] = "B"
    with pytest.raises(PorevoxError, match=r"`studies\.mine\.structure` names `B`.*3 structures of dataset"):
        plan.check(config)
    study(config)["structure"] = "b.cif"
    with pytest.raises(PorevoxError, match="did you mean `b`|without .cif"):
        insight.check_structure(config, "mine")


def test_structures_of_a_download_are_known_from_its_manifest(config, tmp_path):
    config["datasets"]["mine"]["structures"] = {"urls": ["https://example.org/x.zip"], "sha256": None}
    study(config)["structure"] = "IRMOF-2"
    insight.check_structure(config, "mine")  # nothing is known yet
    folder = tmp_path / layout.structures_dir("mine")
    folder.mkdir(parents=True)
    (folder / "manifest.csv").write_text("id,member\nIRMOF-1,x\nIRMOF-10,y\n")
    with pytest.raises(PorevoxError, match="did you mean `IRMOF-1`"):
        insight.check_structure(config, "mine")


def test_the_view_is_that_of_the_network_shown(config):
    transform = {"kind": "log1p_boltzmann", "temperature_K": 298.0}
    config["models"]["own"] = config["models"]["retnet"] | {"channels": ["ch4"], "transform": transform}
    study(config)["models"] = ["rf", "own", "retnet"]
    assert insight.view(config, "mine") == {"channels": ["ch4"], "transform": transform}
    study(config)["models"] = ["retnet", "own"]
    assert insight.view(config, "mine") == {"channels": None, "transform": None}
