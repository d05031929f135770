"""Too little room is told before anything is written."""

import pytest

from porevox.errors import PorevoxError
from porevox.files import space


def test_room_is_that_of_the_nearest_folder_there_is(tmp_path):
    # others write to the same disk meanwhile
    assert space.free_bytes(tmp_path / "not/yet") == pytest.approx(space.free_bytes(tmp_path), rel=0.1)


def test_a_reserve_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(space, "free_bytes", lambda _: 5_000_000_000)
    space.check_room(tmp_path, 4_900_000_000, "x")
    with pytest.raises(PorevoxError, match=r"5.0 GB left, but the download of y needs 4.9 GB.*--directory"):
        space.check_room(tmp_path, 4_900_000_001, "the download of y")
