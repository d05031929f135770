"""The stage *retrieve*: files from the network, whole and checked, or not there at all."""

import fcntl
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from porevox.errors import PorevoxError
from porevox.files.digest import file_sha256
from porevox.files.filekind import kind_of, looks_like_html
from porevox.files.transfer import Failed, Order, fetch

_ARCHIVE = re.compile(r"\.(zip|tar|tgz|txz|tbz2?|tar\.(gz|xz|bz2))$", re.IGNORECASE)


def retrieve(
    urls: list[str],
    target: Path,
    sha256: str | None = None,
    size: int | None = None,
    lock: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Do the whole stage: download a file and hold it to its checksum, now and in the future.

    Parameters
    ----------
    urls, target, sha256, size, progress
        As for :func:`download`.
    lock : pathlib.Path or None
        File that keeps the checksum of what came the first time, for files that declare none; later
        downloads must have the same.

    Returns
    -------
    str
        Sha256 of the file.

    Raises
    ------
    PorevoxError
        No address gives the file, or another one than the first time.
    """
    locked = _read_lock(lock).get(urls[0]) if lock and urls else None
    try:
        digest = download(urls, target, sha256 or locked, size, progress)
    except PorevoxError as error:
        if locked and not sha256:
            raise PorevoxError(
                f"{error} (The checksum is the one that {lock} recorded the first time; delete that "
                "entry if the file was changed on purpose.)"
            ) from error
        raise
    if lock:
        record_or_check_lock(lock, urls[0], digest)
    return digest


def download(
    urls: list[str],
    target: Path,
    sha256: str | None = None,
    size: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    attempts: int = 5,
    pause_s: float = 2.0,
    timeout_s: float = 60.0,
) -> str:
    """Download a file from the first address that gives it.

    A broken transfer is resumed, also by a later call, as long as the server says that the file is
    still the same; `target` never holds anything but the whole, checked file.

    Parameters
    ----------
    urls : list of str
        ``http(s)://``, ``file://`` or local paths: the file's address, then its mirrors.
    target : pathlib.Path
        Where the file goes; ``<target>.part`` holds what has arrived.
    sha256 : str or None
        Expected checksum, 64 hexadecimal digits.
    size : int or None
        Expected size, bytes.
    progress : callable or None
        Called with (bytes here, bytes in all).
    attempts : int
        Tries per address without any progress.
    pause_s : float
        Pause before the second try, s; doubled before each further one.
    timeout_s : float
        Longest silence of a server, s.

    Returns
    -------
    str
        Sha256 of the file.

    Raises
    ------
    PorevoxError
        No address gives the file; says why for each of them.
    """
    order = Order(Path(target), sha256 and sha256.lower(), size, progress, timeout_s)
    failures = []
    try:
        order.target.parent.mkdir(parents=True, exist_ok=True)
        if sha256 and order.target.is_file() and file_sha256(order.target) == order.sha256:
            return order.sha256
        for url in urls:
            try:
                return _persist(url, order, attempts, pause_s)
            except Failed as failure:
                failures.append(f"{url} ({failure})")
    except OSError as error:
        raise PorevoxError(
            f"{order.target} cannot be written ({error.strerror or error}): free the disk or allow "
            "writing there, and run again."
        ) from error
    raise PorevoxError(
        f"{order.target.name} could not be retrieved: {'; '.join(failures) or 'no address is given'}: "
        f"check the network and the addresses, or place the file at {order.target} yourself."
    )


def _persist(url: str, order: Order, attempts: int, pause_s: float) -> str:
    """Try one address until it gives up the file or no longer makes progress."""
    tries, furthest = 0, 0
    while True:
        try:
            return _accept(order, resumed=fetch(url, order))
        except Failed as failure:
            tries += 1
            here = order.part.stat().st_size if order.part.exists() else 0
            if here > furthest:
                tries, furthest = 1, here
            if not failure.again or tries >= attempts:
                raise
            time.sleep(max(pause_s * 2 ** (tries - 1), failure.wait_s))


def _accept(order: Order, resumed: bool) -> str:
    """Check what has arrived and give it its name; what is wrong is deleted."""
    digest = file_sha256(order.part)
    wrong = _what_is_wrong(order, digest)
    if wrong:
        order.note.unlink(missing_ok=True)
        order.part.unlink()
        raise Failed(wrong, again=resumed)  # two halves need not belong together
    os.replace(order.part, order.target)
    order.note.unlink(missing_ok=True)
    return digest


def _what_is_wrong(order: Order, digest: str) -> str | None:
    here = order.part.stat().st_size
    if order.size and here != order.size:
        return f"it has {here} bytes instead of {order.size}"
    if order.sha256:
        return f"its sha256 is {digest}, not {order.sha256}" if digest != order.sha256 else None
    with open(order.part, "rb") as handle:
        head = handle.read(1024)
    if not head:
        return "it is empty"
    if looks_like_html(head):
        return "it is a web page"
    if _ARCHIVE.search(order.target.name):
        try:
            kind_of(order.part)
        except PorevoxError:
            return f"it is no archive but begins with {head[:20]!r}"
    return None


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
        fcntl.lockf(guard, fcntl.LOCK_EX)
        known = _read_lock(lock)
        if known.setdefault(key, sha256) != sha256:
            raise PorevoxError(
                f"{key} has the sha256 {sha256}, but {lock} recorded {known[key]} the first time: "
                "delete that entry if the file was changed on purpose."
            )
        temporary = lock.with_name(f".{lock.name}.new")
        temporary.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        os.replace(temporary, lock)


def _read_lock(lock: Path) -> dict[str, str]:
    try:
        known = json.loads(lock.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise PorevoxError(f"{lock} is no valid JSON ({error}): restore or delete it.") from error
    if not isinstance(known, dict):
        raise PorevoxError(f"{lock} does not map addresses to checksums: restore or delete it.")
    return known
