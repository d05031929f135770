"""Files of a command that appear together, when all of them are complete."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from porevox.errors import PorevoxError


def check_free(paths: list[Path], force: bool) -> None:
    """Refuse to write over files, or where nothing can be written.

    Parameters
    ----------
    paths : list of pathlib.Path
        What is about to be written, all in one folder.
    force : bool
        Whether the user allows writing over files.

    Raises
    ------
    PorevoxError
        A file is there and `force` is not set, or the folder is not.
    """
    folder = paths[0].parent
    if not folder.is_dir():
        raise PorevoxError(f"the folder {folder} does not exist: make it, or choose another output.")
    for path in paths:
        if path.is_dir():
            raise PorevoxError(f"{path} is a folder: choose another output.")
        if path.exists() and not force:
            raise PorevoxError(f"{path} is there already: choose another output, or add --force.")


@contextmanager
def workspace(output: Path) -> Iterator[Path]:
    """Provide a folder beside the output that is gone afterwards, whatever happens.

    What a killed command left behind is taken over by the next one with the same output; two
    that run at the same time are told apart by a lock.

    Parameters
    ----------
    output : pathlib.Path
        A file about to be written.

    Yields
    ------
    pathlib.Path
        An empty folder on the same file system.

    Raises
    ------
    PorevoxError
        The folder cannot be made, or another process is at work in it.
    """
    folder = output.with_name(f".{output.name}.partial")
    try:
        folder.mkdir(exist_ok=True)
        lock = open(folder / "lock", "w")  # noqa: SIM115
    except OSError as error:
        raise PorevoxError(
            f"{output} cannot be written ({error.strerror}): choose another output."
        ) from error
    with lock:
        try:
            # Of a kind that forked workers, which may outlive a killed parent, do not hold.
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise PorevoxError(f"another process is writing {output}: wait for it.") from error
        try:
            _empty(folder)
            work = folder / "work"
            work.mkdir()
            yield work
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name != "lock":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def publish(files: dict[Path, Path]) -> None:
    """Move finished files to their names.

    Parameters
    ----------
    files : dict of pathlib.Path to pathlib.Path
        Temporary name -> final name. The last one is there only when all others are.
    """
    *_, last = files.values()
    last.unlink(missing_ok=True)
    for temporary, final in files.items():
        os.replace(temporary, final)
