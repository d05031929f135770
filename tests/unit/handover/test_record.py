"""A model's record: read when it is whole and known, refused in one sentence otherwise."""

import json

import pytest

from porevox.errors import PorevoxError
from porevox.handover.record import (
    FORMAT,
    KEYS,
    RECORD,
    check_files,
    list_files,
    read_record,
    record_digest,
)
from small_model import change_record


def test_a_whole_folder_is_read_and_vouched_for(folder):
    record = read_record(folder)
    assert set(record) == set(KEYS) and record["format"] == FORMAT
    assert record["files"] == list_files(folder) and "README.md" in record["files"]
    check_files(record, folder)


@pytest.mark.parametrize(
    "name", ["seed0/model.safetensors", "training.csv", "forcefields/uff.csv", "README.md"]
)
def test_a_changed_file_is_noticed(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(PorevoxError, match=f"{name} was changed"):
        check_files(read_record(folder), folder)


def test_the_digest_follows_every_file(folder):
    before = record_digest(folder)
    record = json.loads((folder / RECORD).read_text())
    change_record(folder, files=record["files"] | {"training.csv": 64 * "0"})
    assert record_digest(folder) != before


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"format": 2, "porevox": "9.1"},
            "format 2 and was made by porevox 9.1; this porevox reads format 1",
        ),
        ({"format": ...}, "cannot be read"),
        ({"uplift": 1}, "has the key `uplift`, which this porevox does not know"),
        ({"transform": ...}, "lacks `transform`"),
        (
            {"grid": {"kind": "hexagonal", "n": 25, "endpoint": False}},
            "a grid that this porevox does not know",
        ),
        (
            {"grid": {"kind": "unit_cell", "n": 1, "endpoint": False}},
            "a grid that this porevox does not know",
        ),
        ({"grid": {"kind": "unit_cell", "n": 25, "endpoint": False, "spin": 1}}, "does not know"),
        ({"channels": [{"name": "lj"}]}, "channel 0 lacks `quantity`"),
        ({"files": {"seed0/gone": 64 * "0"}}, "is incomplete: seed0/gone is missing"),
        ({"files": {"../../secret": 64 * "0"}}, "outside its folder"),
        ({"files": {"/etc/passwd": 64 * "0"}}, "outside its folder"),
        ({"files": {}}, "has no checksum of training.csv, which would be read"),
        ({"seeds": ["0/../../../other"]}, "has no checksum of seed0/../../../other/model.safetensors"),
    ],
)
def test_what_is_not_known_is_refused(folder, changes, message):
    change_record(folder, **changes)
    with pytest.raises(PorevoxError) as error:
        read_record(folder)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_what_is_no_model_is_told_apart(folder, tmp_path):
    with pytest.raises(PorevoxError, match="the folder of one training"):
        read_record(folder / "seed0")
    with pytest.raises(PorevoxError, match=r"holds no bundle\.json"):
        read_record(tmp_path)
    with pytest.raises(PorevoxError, match="is no folder of a model"):
        read_record(tmp_path / "nowhere")
    (folder / RECORD).write_text("[1, 2]")
    with pytest.raises(PorevoxError, match="cannot be read"):
        read_record(folder)
