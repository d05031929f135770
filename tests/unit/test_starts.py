"""Which run a model starts from, as the configuration says."""

from pathlib import Path

import pytest

from porevox.errors import PorevoxError
from porevox.starts import check_network, start_files, start_folder, studies_needed, training_options


@pytest.fixture
def two():
    """Two studies: `second` starts from `first`."""
    source = {"study": "first", "model": "net", "size": "50%", "seed": 1}
    study = {"sizes": [100, "50%"], "seeds": [0, 1], "split": {"folds": 1}}
    return {
        "run": ["second"],
        "studies": {"first": {**study, "models": ["net", "rf"]}, "second": {**study, "models": ["moved"]}},
        "models": {
            "net": {"type": "retnet", "init_from": None, "tensorboard": True},
            "moved": {"type": "retnet", "init_from": source, "tensorboard": False},
            "rf": {"type": "random_forest"},
        },
    }


def test_the_folder_of_another_study_s_run(two):
    folder = Path("results/first/split0/net/n50pct/seed1")
    assert start_folder(two, "moved", 0) == folder
    assert start_files(two, "moved", 0) == [
        str(folder / name) for name in ("model.safetensors", "model.json", "train_ids.txt")
    ]
    assert start_folder(two, "net", 0) is None and start_files(two, "net", 0) == []
    assert start_files(two, "rf", 0) == []


def test_a_fold_starts_from_the_same_fold_where_there_is_one(two):
    """Its training set then holds none of this fold's test structures."""
    assert "split0" in str(start_folder(two, "moved", 3))
    two["studies"]["first"]["split"]["folds"] = 5
    assert "split3" in str(start_folder(two, "moved", 3))


def test_a_folder_given_by_path(two, tmp_path):
    two["models"]["moved"]["init_from"] = str(tmp_path)
    with pytest.raises(PorevoxError, match="holds no model.safetensors: give the folder of a trained run"):
        check_network(two, "moved")
    (tmp_path / "model.safetensors").touch()
    check_network(two, "moved")
    assert [Path(path).name for path in start_files(two, "moved", 0)] == ["model.safetensors", "model.json"]
    (tmp_path / "train_ids.txt").touch()
    assert len(start_files(two, "moved", 0)) == 3


def test_options_say_what_is_learned(two):
    assert training_options(two, "net", 0) == {"type": "retnet", "init_from": None}
    assert training_options(two, "moved", 0)["init_from"] == "results/first/split0/net/n50pct/seed1"


def test_studies_to_run_and_those_they_start_from(two):
    assert studies_needed(two) == ["second", "first"]
    assert two["run"] == ["second"]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("study", "frist", "init_from.study` names `frist`.*did you mean `first`"),
        ("model", "nets", "did you mean `net`"),
        ("model", "rf", "of type random_forest: only a retnet"),
        ("size", 200, "known are 100, 50%"),
        ("seed", 7, "init_from.seed` names `7`"),
    ],
)
def test_what_does_not_exist_is_named(two, key, value, words):
    two["models"]["moved"]["init_from"][key] = value
    with pytest.raises(PorevoxError, match=words):
        check_network(two, "moved")


def test_a_circle_is_no_start(two):
    source = {"study": "second", "model": "moved", "size": 100, "seed": 0}
    two["models"]["net"]["init_from"] = source
    with pytest.raises(PorevoxError, match="leads back to `moved`, so that no training could be the first"):
        check_network(two, "moved")
    assert studies_needed(two) == ["second", "first"]


def test_options_that_do_not_go_together_name_the_model(two):
    two["models"]["net"]["skip"] = True
    with pytest.raises(PorevoxError, match="`models.net`: RetNet's option skip needs scalars"):
        check_network(two, "net")
    check_network(two, "rf")
