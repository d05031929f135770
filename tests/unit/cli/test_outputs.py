"""Outputs appear together or not at all, and nothing is lost without being told."""

import os
import subprocess
import sys

import pytest

from porevox.cli.outputs import check_free, publish, workspace
from porevox.errors import PorevoxError


def test_nothing_is_written_over_unless_forced(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    check_free(paths, False)
    paths[1].touch()
    with pytest.raises(PorevoxError, match="b is there already"):
        check_free(paths, False)
    check_free(paths, True)


def test_a_missing_folder_is_named_and_a_folder_is_no_output(tmp_path):
    with pytest.raises(PorevoxError, match="nowhere does not exist"):
        check_free([tmp_path / "nowhere" / "a"], True)
    with pytest.raises(PorevoxError, match="is a folder"):
        check_free([tmp_path], True)


def test_the_workspace_is_gone_afterwards_also_after_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), workspace(tmp_path / "out") as work:
        (work / "file").touch()
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_what_a_killed_command_left_behind_is_taken_over(tmp_path):
    left = tmp_path / ".out.partial" / "work"
    left.mkdir(parents=True)
    (left / "old").touch()
    (left.parent / "stray").touch()
    with workspace(tmp_path / "out") as work:
        assert not list(work.iterdir()) and sorted(os.listdir(work.parent)) == ["lock", "work"]
    assert not list(tmp_path.iterdir())


HOLD = "import sys, pathlib; sys.path.insert(0, sys.argv[1])\n" + (
    "from porevox.cli.outputs import workspace\n"
    "with workspace(pathlib.Path(sys.argv[2])):\n"
    "    print('held', flush=True); sys.stdin.read()"
)


def test_two_commands_never_write_the_same_output_at_once(tmp_path, root):
    arguments = [sys.executable, "-c", HOLD, str(root / "workflow" / "lib"), str(tmp_path / "out")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(PorevoxError, match="another process"), workspace(tmp_path / "out"):
            pass
        with workspace(tmp_path / "different"):
            pass
        other.stdin.close()
    with workspace(tmp_path / "out"):
        pass


def test_an_output_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "mkdir", refuse)
    with (
        pytest.raises(PorevoxError, match="out cannot be written .Permission denied"),
        workspace(tmp_path / "out"),
    ):
        pass


def test_the_last_file_is_there_only_with_all_others(tmp_path):
    for name in "abcAC":
        (tmp_path / name).write_text(f"of {name}")
    (tmp_path / "B").mkdir()  # it cannot be replaced by a file
    files = {tmp_path / name.lower(): tmp_path / name for name in "ABC"}
    with pytest.raises(OSError):
        publish(files)
    assert not (tmp_path / "C").exists()
    (tmp_path / "B").rmdir()
    publish({tmp_path / "b": tmp_path / "B", tmp_path / "c": tmp_path / "C"})
    assert (tmp_path / "C").read_text() == "of c"
