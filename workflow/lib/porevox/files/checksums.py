"""Checksums of what came the first time, which later downloads must have."""

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path

from porevox.errors import PorevoxError


def record_or_check_lock(lock: Path, key: str, sha256: str) -> None:
    """Record the checksum of a file the first time, and insist on it from then on.

    Parameters
    ----------
    lock : pathlib.Path
        JSON file with one checksum per key; made when missing. Several processes may use it.
    key : str
        What names the file, for instance its address.
    sha256 : str
        Checksum of what is here now.

    Raises
    ------
    PorevoxError
        The checksum differs from the recorded one, or the lock file is broken.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock.with_name(f".{lock.name}.guard"), "w") as guard:
        # some file systems of clusters have no locks
        with suppress(OSError):
            fcntl.lockf(guard, fcntl.LOCK_EX)
        known = read_lock(lock)
        if known.setdefault(key, sha256) != sha256:
            raise PorevoxError(
                f"{key} has the sha256 {sha256}, but {lock} recorded {known[key]} the first time: "
                "delete that entry if the file was changed on purpose, and declare its sha256 in the "
                "dataset, or what was computed from the other one stays."
            )
        temporary = lock.with_name(f".{lock.name}.new")
        temporary.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        os.replace(temporary, lock)


def read_lock(lock: Path) -> dict[str, str]:
    """Read what has been recorded.

    Parameters
    ----------
    lock : pathlib.Path
        As for :func:`record_or_check_lock`.

    Returns
    -------
    dict
        Checksum by key; empty if there is no such file yet.

    Raises
    ------
    PorevoxError
        The file is broken.
    """
    try:
        known = json.loads(lock.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise PorevoxError(f"{lock} is no valid JSON ({error}): restore or delete it.") from error
    if not isinstance(known, dict):
        raise PorevoxError(f"{lock} does not map addresses to checksums: restore or delete it.")
    return known
