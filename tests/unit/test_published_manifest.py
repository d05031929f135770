"""The manifest of published voxels: each name once, with its part and its published place."""

import csv
import json

import numpy as np
import pytest

from porevox.errors import PorevoxError
from porevox.published import convert_part
from porevox.published_manifest import write_manifest
from published_archive import PARTS, write_archive


def rows(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def shards_of(tmp_path, **names):
    array = {part: np.ones((len(listed), 2, 2, 2), np.float32) for part, listed in names.items()}
    source = write_archive(tmp_path / "a.tar", {part: (names[part], array[part]) for part in names})
    folders = [tmp_path / f"shard{k}" for k in range(len(PARTS))]
    for entry, folder in zip(PARTS, folders, strict=True):
        convert_part(source, entry, "boltzmann_factor", 298.0, 2, folder)
    return folders


def test_each_name_stands_once_with_its_part_and_place(tmp_path):
    shards = shards_of(tmp_path, train=["b", "a", "b", ""], val_test=["c", "a", "d.cif"])
    summary = write_manifest(shards, tmp_path / "out")
    found = [tuple(row.values()) for row in rows(tmp_path / "out/manifest.csv")]
    train, other = (entry["names"] for entry in PARTS)
    assert found == [
        ("b", f"{train}[0]", "0", "train", "0"),
        ("a", f"{train}[1]", "0", "train", "1"),
        ("c", f"{other}[0]", "1", "val_test", "0"),
        ("d", f"{other}[2]", "1", "val_test", "2"),
    ]
    rejected = [(row["id"], row["reason"]) for row in rows(tmp_path / "out/rejected.csv")]
    assert rejected == [("b", "duplicate_id"), ("", "bad_name"), ("a", "duplicate_id")]
    assert "part train" in rows(tmp_path / "out/rejected.csv")[-1]["detail"]
    assert summary == json.loads((tmp_path / "out/shards.json").read_text())
    assert summary["n_shards"] == 2 and [summary["shards"][k]["n"] for k in "01"] == [2, 2]


def test_a_shard_s_digest_follows_its_names(tmp_path):
    digests = set()
    for k, names in enumerate((["a", "b"], ["b", "a"], ["a", "c"])):
        (tmp_path / str(k)).mkdir()
        shards = shards_of(tmp_path / str(k), train=names, val_test=["z"])
        digests.add(write_manifest(shards, tmp_path / str(k))["shards"]["0"]["digest"])
    assert len(digests) == 3


def test_names_none_of_which_can_be_used_and_broken_shards_are_told(tmp_path):
    shards = shards_of(tmp_path, train=[""], val_test=[""])
    with pytest.raises(PorevoxError, match="None of the names in .*shard0"):
        write_manifest(shards, tmp_path / "out")
    (shards[1] / "shard.json").write_text("{")
    with pytest.raises(PorevoxError, match="shard1 cannot be read .*run the stage published again"):
        write_manifest(shards, tmp_path / "out")
