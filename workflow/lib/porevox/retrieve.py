"""The stage *retrieve*: files from the network, whole and checked, or not there at all."""

import fcntl
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from porevox.errors import PorevoxError
from porevox.files.checksums import read_lock, record_or_check_lock
from porevox.files.digest import file_sha256
from porevox.files.filekind import kind_of, looks_like_html
from porevox.files.member import check_whole
from porevox.files.transfer import Failed, Order, fetch
from porevox.hand_fetched import link

LOG = logging.getLogger("porevox")

_ARCHIVE = re.compile(r"\.(zip|tar|tgz|txz|tbz2?|tar\.(gz|xz|bz2))$", re.IGNORECASE)


def retrieve(
    urls: list[str],
    target: Path,
    sha256: str | None = None,
    size: int | None = None,
    lock: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    sources_dir: Path | None = None,
) -> str:
    """Do the whole stage: get a file and hold it to its checksum, now and in the future.

    Parameters
    ----------
    urls, target, sha256, size, progress
        As for :func:`download`.
    lock : pathlib.Path or None
        File that keeps the checksum of what came the first time, for files that declare none; later
        downloads must have the same.
    sources_dir : pathlib.Path or None
        Folder of files fetched by hand: nothing is downloaded, `target` becomes a link to the file of
        its name there.

    Returns
    -------
    str
        Sha256 of the file.

    Raises
    ------
    PorevoxError
        No address gives the file, or another one than the first time.
    """
    locked = read_lock(lock).get(urls[0]) if lock and urls else None
    try:
        if sources_dir is None:
            digest = download(urls, target, sha256 or locked, size, progress)
        else:
            digest = take(Path(sources_dir).expanduser() / target.name, target, sha256 or locked, size, urls)
    except PorevoxError as error:
        if locked and not sha256:
            raise PorevoxError(
                f"{error} (The checksum is the one that {lock} recorded the first time; delete that "
                "entry if the file was changed on purpose, and declare its sha256 in the dataset, or what "
                "was computed from the other one stays.)"
            ) from error
        raise
    if lock:
        record_or_check_lock(lock, urls[0], digest)
    known = "declared" if sha256 else f"that {lock} has since the first time" if locked else None
    LOG.info("sha256 %s: %s", digest, known or f"none is declared, so {lock} has it now, to be enforced")
    return digest


def take(given: Path, target: Path, sha256: str | None, size: int | None, urls: list[str]) -> str:
    """Take a file that was fetched by hand, if it is the right one.

    Parameters
    ----------
    given : pathlib.Path
        The file; it stays where it is, and `target` becomes a link to it.
    target, sha256, size, urls
        As for :func:`download`.

    Returns
    -------
    str
        Sha256 of the file.

    Raises
    ------
    PorevoxError
        It is missing, or not what it should be.
    """
    order = Order(Path(target), sha256 and sha256.lower(), size, None, 0.0)
    where = f"fetch it from {urls[0]}, or leave `sources_dir` out" if urls else "fetch it again"
    try:
        digest = file_sha256(given)
        wrong = _what_is_wrong(order, given, digest)
        if not wrong:
            LOG.info("taken from %s", given)
            link(given, order.target)
    except OSError as error:
        raise PorevoxError(
            f"{error.filename or given} cannot be used ({error.strerror}): {where}."
        ) from error
    if wrong:
        raise PorevoxError(f"{given} cannot be used, {wrong}: {where}.")
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
        with _alone(order.target) as just_came:
            known = file_sha256(order.target) if (sha256 or just_came) and order.target.is_file() else None
            if known and known == (order.sha256 or known):
                return known
            for url in urls:
                LOG.info("downloading %s", url)
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


@contextmanager
def _alone(target: Path) -> Iterator[bool]:
    """Wait while another process fetches the same file; says whether one has just brought it."""

    def identity():
        return (target.stat().st_ino, target.stat().st_mtime_ns) if target.is_file() else None

    before = identity()
    with open(target.with_name(f".{target.name}.guard"), "w") as guard:
        # some file systems of clusters have no locks
        with suppress(OSError):
            fcntl.flock(guard, fcntl.LOCK_EX)
        yield identity() != before


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
                LOG.warning("%s: %s; given up", url, failure)
                raise
            wait_s = max(pause_s * 2 ** (tries - 1), failure.wait_s)
            LOG.warning("%s: %s; %d bytes are here, next try in %.0f s", url, failure, here, wait_s)
            time.sleep(wait_s)


def _accept(order: Order, resumed: bool) -> str:
    """Check what has arrived and give it its name; what is wrong is deleted."""
    digest = file_sha256(order.part)
    wrong = _what_is_wrong(order, order.part, digest)
    if wrong:
        order.note.unlink(missing_ok=True)
        order.part.unlink()
        raise Failed(wrong, again=resumed)  # two halves need not belong together
    os.replace(order.part, order.target)
    order.note.unlink(missing_ok=True)
    return digest


def _what_is_wrong(order: Order, file: Path, digest: str) -> str | None:
    here = file.stat().st_size
    if order.size and here != order.size:
        return f"it has {here} bytes instead of {order.size}"
    if order.sha256:
        return f"its sha256 is {digest}, not {order.sha256}" if digest != order.sha256 else None
    with open(file, "rb") as handle:
        head = handle.read(1024)
    if not head:
        return "it is empty"
    if looks_like_html(head):
        return "it is a web page"
    if _ARCHIVE.search(order.target.name):
        try:
            kind_of(file)
        except PorevoxError:
            return f"it is no archive but begins with {head[:20]!r}"
        return _broken(file)
    return None


def _broken(archive: Path) -> str | None:
    """Read an archive once to its end before its checksum becomes the one that later downloads must have."""
    LOG.info("no checksum is known yet: %s is read to its end", archive)
    try:
        check_whole(archive)
    except PorevoxError:
        return "it is a truncated or corrupt archive, or a compressed web page"
    return None
