"""Digests: what has to be computed again, told from content and never from dates."""

import functools
import hashlib
import json
import os
import time
from pathlib import Path

from porevox.files.codedigest import code_digest

__all__ = ["DigestCache", "code_digest", "file_sha256", "settings_digest"]

#: A file changed this shortly before it was hashed may change again under the same date.
_RACY_NS = 2_000_000_000
_KEPT_ANSWERS = 16
_HEADER = "porevox hashes 1\n"


def file_sha256(path: Path) -> str:
    """Hash a file.

    Parameters
    ----------
    path : pathlib.Path
        A readable file of any size.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


class DigestCache:
    """Remember the sha256 of files, so that an unchanged file costs one look at its dates.

    A file counts as unchanged when its absolute path, size, modification time (ns) and inode are.
    The cache is a convenience: a broken one is ignored, one that cannot be written is not, and of
    two processes that write it the last one wins.

    Parameters
    ----------
    path : pathlib.Path
        The cache file; need not exist. Answers kept by :meth:`remember` lie in ``<path>.d/``.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self._changed = False

    @functools.cached_property
    def _known(self) -> dict[str, tuple[tuple[int, int, int], str]]:
        """All hashes; read when the first is asked for, since those of a large folder take a while."""
        return _read_hashes(self.path)

    def sha256(self, path: Path | str) -> str:
        """Hash a file, or recall its hash.

        Parameters
        ----------
        path : path-like
            A readable file.

        Returns
        -------
        str
            64 hexadecimal digits.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        name = os.path.abspath(path)
        before = _identity(name)
        known = self._known.get(name)
        if known and known[0] == before:
            return known[1]
        digest = file_sha256(Path(name))
        settled = time.time_ns() - before[1] > _RACY_NS and _identity(name) == before
        if settled and "\n" not in name:
            self._known[name] = (before, digest)
            self._changed = True
        return digest

    def save(self) -> None:
        """Write the cache, if anything was learnt; a cache that cannot be written is no error."""
        if self._changed:
            lines = [
                f"{digest} {size} {mtime} {inode} {name}\n"
                for name, ((size, mtime, inode), digest) in self._known.items()
            ]
            self._changed = not _write_quietly(self.path, _HEADER + "".join(lines))

    def recall(self, key: str):
        """Look up an answer kept by :meth:`remember`.

        Parameters
        ----------
        key : str
            Letters, digits, ``-`` and ``_``: the digest of everything the answer depends on.

        Returns
        -------
        object or None
            What was remembered, None when nothing was.
        """
        try:
            return json.loads(self._answer_file(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def remember(self, key: str, answer) -> None:
        """Keep an answer that JSON can hold; only the latest few of each kind are kept.

        Parameters
        ----------
        key : str
            As for :meth:`recall`. What stands before its first ``-`` is the answer's kind.
        answer : object
            Anything JSON can hold.
        """
        if not _write_quietly(self._answer_file(key), json.dumps(answer)):
            return
        found = self._answer_file(key).parent.glob("*.json")
        files = [file for file in found if _kind(file.stem) == _kind(key)]
        for _, old in sorted((-_mtime_ns(file), file) for file in files)[_KEPT_ANSWERS:]:
            old.unlink(missing_ok=True)

    def _answer_file(self, key: str) -> Path:
        return self.path.with_name(self.path.name + ".d") / f"{key}.json"


def _kind(key: str) -> str:
    """Kind of an answer: large ones must not push out small ones that every job asks for."""
    return key.partition("-")[0] if "-" in key else ""


def _identity(name: str) -> tuple[int, int, int]:
    found = os.stat(name)
    return found.st_size, found.st_mtime_ns, found.st_ino


def _mtime_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read_hashes(path: Path) -> dict[str, tuple[tuple[int, int, int], str]]:
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        if not text.startswith(_HEADER):
            return {}
        known = {}
        for line in text[len(_HEADER) :].split("\n")[:-1]:
            digest, size, mtime, inode, name = line.split(" ", 4)
            known[name] = ((int(size), int(mtime), int(inode)), digest)
        return known
    except (OSError, ValueError):
        return {}


def _write_quietly(path: Path, text: str) -> bool:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.time_ns()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape")
        os.replace(temporary, path)
    except OSError:
        return False
    return True


def settings_digest(settings) -> str:
    """Shorten settings to a name: 8 digits that change when, and only when, a value does.

    Equal numbers are the same setting however they are written (25 and 25.0, 1e1 and 10), and so
    are lists and tuples; true and 1, or 25 and "25", differ. The order of keys does not count.

    Parameters
    ----------
    settings : object
        Nested dicts, lists, strings, numbers, booleans and None.

    Returns
    -------
    str
        The first 8 hexadecimal digits of the sha256 of the canonical JSON.

    Raises
    ------
    TypeError
        A value that JSON cannot hold.
    """
    text = json.dumps(_canonical(settings), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _canonical(value):
    if isinstance(value, dict):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
