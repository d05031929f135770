"""model.json: what may be read, and what is left out of it."""

import json

import pandas as pd
import pytest

from porevox.errors import PorevoxError
from porevox.learning.modelfile import describe_model, read_meta, write_run
from porevox.learning.voxelset import load_dataset
from synthetic_dataset import write_dataset


def write(folder, **content):
    (folder / "model.json").write_text(json.dumps({"type": "retnet", "format": 1, **content}))


def test_what_may_be_read(tmp_path):
    write(tmp_path)
    assert read_meta(tmp_path, "retnet") == {"type": "retnet", "format": 1}
    with pytest.raises(PorevoxError, match="type 'retnet', not 'random_forest'"):
        read_meta(tmp_path, "random_forest")
    write(tmp_path, format=2)
    with pytest.raises(PorevoxError, match="format 2"):
        read_meta(tmp_path, "retnet")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"type": "retnet"}', "{half"])
def test_broken_files(tmp_path, content):
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(PorevoxError, match="cannot be read"):
        read_meta(tmp_path, "retnet")


def test_missing_file(tmp_path):
    with pytest.raises(PorevoxError, match="cannot be read"):
        read_meta(tmp_path, "retnet")


def test_a_description_names_what_screening_needs_and_no_path_of_this_machine(tmp_path):
    write_dataset(tmp_path, n=4)
    dataset = load_dataset(tmp_path)
    meta = describe_model(dataset, "net", "retnet", {"epochs": 1})
    assert str(tmp_path) not in json.dumps(meta)
    for key in ("target", "grid", "transform"):
        assert meta[key] == dataset.meta[key]
    assert meta["channels"][0]["settings"] == dataset.meta["channels"][0]["settings"]
    assert meta["options"] == {"epochs": 1} and meta["dataset_digest"] == "digest-0"


def test_the_record_comes_last(tmp_path):
    """A run without run.json is unfinished: a record JSON cannot hold leaves the folder without."""
    table = pd.DataFrame({"a": [1]})
    with pytest.raises(ValueError, match="JSON"):
        write_run(tmp_path, b"w", {}, table, table, {"x": float("nan")})
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "history.csv",
        "model.json",
        "model.safetensors",
        "predictions.csv",
    ]
