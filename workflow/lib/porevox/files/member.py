"""One member of an archive, read as a stream where it lies."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from porevox.errors import PorevoxError
from porevox.files.archive import Member, members
from porevox.files.filekind import kind_of, looks_like_html

_COMPRESSED: dict[str, Callable[..., Any]] = {"gzip": gzip.open, "xz": lzma.open, "bzip2": bz2.open}
_MOST_NAMED = 8


@contextmanager
def open_member(source: Path, name: str) -> Iterator[io.BufferedReader]:
    """Open one file of an archive for reading, of any size and without unpacking it.

    Parameters
    ----------
    source : pathlib.Path
        A folder, or a zip, tar, tar.gz, tar.xz or tar.bz2 archive.
    name : str
        Path in the archive, or the end of it: ``labels.csv`` is also found as ``data/labels.csv``. Of
        several, the first in the archive's order is meant.

    Yields
    ------
    io.BufferedReader
        Not to be used after the ``with`` block.

    Raises
    ------
    PorevoxError
        The archive is missing, truncated or corrupt, or has no such file.
    """
    with closing(members(source)) as found, _opened(_find(found, source, name)) as stream:
        yield stream


def _find(found: Iterator[Member], source: Path, name: str) -> Member:
    seen: list[str] = []
    for member in found:
        usable = member.problem is None or member.problem[0] == "too_large"
        if usable and (member.name == name or member.name.endswith("/" + name)):
            return member
        seen.append(member.name)
    shown = ", ".join(seen[:_MOST_NAMED]) + (" and others" if len(seen) > _MOST_NAMED else "")
    raise PorevoxError(f"{source} holds no file `{name}`: it holds {shown or 'none'}; correct `member`.")


def _opened(member: Member) -> io.BufferedReader:
    if member.path is not None:
        return open(member.path, "rb")
    assert member.open is not None  # members of archives have it
    return io.BufferedReader(_Raw(member.open()), 1 << 16)


class _Raw(io.RawIOBase):
    """A member's stream with what the standard library asks of a raw one."""

    def __init__(self, stream):
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def check_whole(source: Path) -> None:
    """Read an archive to its end, where a truncation shows, and hold it to its own checksums.

    Parameters
    ----------
    source : pathlib.Path
        A zip or tar, or anything compressed by gzip, xz or bzip2.

    Raises
    ------
    PorevoxError
        It is truncated, corrupt, none of these, or a web page that was compressed on its way.
    """
    kind = kind_of(source)
    opener = _COMPRESSED.get(kind)
    if opener is None:
        for member in members(source):
            # of a tar the headers tell what is missing; a zip has a checksum of every member
            if kind == "zip":
                assert member.open is not None  # members of archives have it
                _read_out(member.open())
        return
    try:
        with opener(source, "rb") as stream:
            page = looks_like_html(stream.read(1024))
            _read_out(stream)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise PorevoxError(
            f"{source} is truncated or corrupt ({error}): delete it and retrieve it again."
        ) from error
    if page:
        raise PorevoxError(f"{source} is a compressed web page: check the address it came from.")


def _read_out(stream) -> None:
    while stream.read(1 << 20):
        pass
