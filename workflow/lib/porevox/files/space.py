"""Room on a disk, looked at before it is needed."""

import shutil
from pathlib import Path

from porevox.errors import PorevoxError

#: Never filled up, so that logs and tables can still be written, bytes.
RESERVE_BYTES = 100_000_000


def free_bytes(folder: Path) -> int:
    """Return the room on the disk of a folder.

    Parameters
    ----------
    folder : pathlib.Path
        It need not exist yet.

    Returns
    -------
    int
        Bytes that this user may write. Quotas of a user or a project are not seen.
    """
    folder = Path(folder).absolute()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return shutil.disk_usage(there).free


def check_room(folder: Path, needed_bytes: int, what: str) -> None:
    """Check that something will fit on a disk, before it is begun.

    Parameters
    ----------
    folder : pathlib.Path
        Where it goes; need not exist yet.
    needed_bytes : int
        Bytes to be written.
    what : str
        What needs them, for the message: "the download of x.tar.gz".

    Raises
    ------
    PorevoxError
        Names the folder, what is needed and what is free; :data:`RESERVE_BYTES` are left alone.
    """
    free = free_bytes(folder)
    if needed_bytes > free - RESERVE_BYTES:
        raise PorevoxError(
            f"The disk of {Path(folder).absolute()} has {free / 1e9:.1f} GB left, but {what} needs "
            f"{needed_bytes / 1e9:.1f} GB: free some, or run elsewhere with `--directory`."
        )
