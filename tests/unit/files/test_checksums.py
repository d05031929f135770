"""What came the first time is remembered, by several processes at once."""

import json
import subprocess
import sys

import pytest

from porevox.errors import PorevoxError
from porevox.files.checksums import read_lock, record_or_check_lock


def test_a_declared_checksum_may_not_contradict_the_recorded_one(tmp_path):
    lock = tmp_path / "checksums.json"
    record_or_check_lock(lock, "a", "1")
    record_or_check_lock(lock, "a", "1")
    record_or_check_lock(lock, "b", "2")
    with pytest.raises(PorevoxError, match="a has the sha256 2, but .* recorded 1"):
        record_or_check_lock(lock, "a", "2")
    assert json.loads(lock.read_text()) == {"a": "1", "b": "2"}


def test_a_file_system_without_locks_still_remembers(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("porevox.files.checksums.fcntl.lockf", no_locks)
    record_or_check_lock(tmp_path / "checksums.json", "a", "1")
    assert read_lock(tmp_path / "checksums.json") == {"a": "1"}


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_broken_lock_is_not_overwritten(tmp_path, text):
    lock = tmp_path / "checksums.json"
    lock.write_text(text)
    with pytest.raises(PorevoxError, match="restore or delete it"):
        record_or_check_lock(lock, "a", "1")
    assert lock.read_text() == text


def test_processes_do_not_lose_each_others_records(tmp_path, root):
    code = (
        "import sys; from pathlib import Path; from porevox.files.checksums import record_or_check_lock\n"
        "for i in range(50): record_or_check_lock(Path(sys.argv[1]), sys.argv[2] + str(i), '1')\n"
    )
    env = {"PYTHONPATH": str(root / "workflow" / "lib")}
    lock = tmp_path / "checksums.json"
    writers = [subprocess.Popen([sys.executable, "-c", code, str(lock), name], env=env) for name in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(json.loads(lock.read_text())) == 100


def test_nothing_recorded_yet(tmp_path):
    assert read_lock(tmp_path / "checksums.json") == {}
