"""Members of a folder, zip or tar, read one at a time and never unpacked to disk."""

import bz2
import gzip
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from porevox.errors import PorevoxError
from porevox.files.filekind import kind_of

#: Largest member that is ever read, in bytes: the largest CIFs of MOFs are near 10 MB.
MAX_MEMBER_BYTES = 50_000_000

_DECOMPRESSORS: dict[str, Callable[..., Any]]
_DECOMPRESSORS = {"gzip": gzip.open, "xz": lzma.open, "bzip2": bz2.open, "tar": open}
#: What the standard library raises on broken archives, found by breaking many.
_BROKEN = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, ValueError, OverflowError, KeyError),
)


@dataclass(frozen=True)
class Member:
    """One file of a source.

    Parameters
    ----------
    name : str
        Path inside the source, with ``/`` between its parts.
    size : int
        Bytes, uncompressed.
    read : callable
        Returns the content; valid until the next member is asked for.
    problem : tuple of (str, str) or None
        Reason code and detail when the member must not be read.
    path : str or None
        Where the file lies, for members of a folder.
    open : callable or None
        Opens the content as a stream of bytes, for members too large to be read at once, which have
        the problem ``too_large``; valid until the next member is asked for, and in archives only.
    """

    name: str
    size: int
    read: Callable[[], bytes]
    problem: tuple[str, str] | None = None
    path: str | None = None
    open: Callable[[], "MemberStream"] | None = None


class MemberStream:
    """The content of a member, a piece at a time; what breaks in it is told in one sentence.

    Parameters
    ----------
    stream : binary file
        To read from.
    source : pathlib.Path
        The archive.
    name : str
        Of the member.
    """

    def __init__(self, stream, source: Path, name: str):
        self._stream, self._source, self._name = stream, source, name

    def read(self, size: int) -> bytes:
        """Read up to so many bytes; fewer only at the end.

        Parameters
        ----------
        size : int
            At most :data:`MAX_MEMBER_BYTES`.

        Returns
        -------
        bytes

        Raises
        ------
        PorevoxError
            The archive is truncated or corrupt.
        """
        with _explained(self._source, self._name):
            return self._stream.read(size)


def members(source: Path, suffix: str = "") -> Generator[Member, None, None]:
    """Iterate over the files of a folder or an archive.

    Folders are walked in sorted order (links to files and folders are followed), archives in
    their own order. What kind of archive it is comes from its first bytes, not from its name.

    Parameters
    ----------
    source : pathlib.Path
        A folder, or a zip, tar, tar.gz, tar.xz or tar.bz2 archive.
    suffix : str
        Only members whose name ends so (in any case) are given out.

    Yields
    ------
    Member
        Folders and the litter of macOS (``__MACOSX/``, ``._name``) are left out.

    Raises
    ------
    PorevoxError
        The source is missing, unreadable, truncated, corrupt, encrypted or no archive at all.
    """
    source = Path(source)
    with _explained(source):
        for member in _reader(source)(source):
            if member.name.lower().endswith(suffix.lower()) and not _is_litter(member.name):
                yield member


def _reader(source: Path) -> Callable[[Path], Iterator[Member]]:
    kind = kind_of(source)
    readers: dict[str, Callable[[Path], Iterator[Member]]]
    readers = {"folder": _folder_members, "zip": _zip_members}
    return readers.get(kind, _tar_members)


@contextmanager
def _explained(source: Path, name: str = ""):
    """Turn what the standard library raises into one sentence for the user."""
    where = f"{source} (at {name})" if name else str(source)
    try:
        yield
    except PermissionError as error:
        raise PorevoxError(
            f"{error.filename or where} may not be read: grant read permission to it."
        ) from error
    except FileNotFoundError as error:
        raise PorevoxError(
            f"{error.filename or where} vanished while {source} was read: leave the source alone "
            "while the workflow runs and start again."
        ) from error
    except _BROKEN as error:
        raise PorevoxError(
            f"{where} is truncated or corrupt ({error}): delete it and retrieve it again."
        ) from error
    except NotImplementedError as error:
        raise PorevoxError(
            f"{where} uses a compression that cannot be read here ({error}): repack it as .tar.gz."
        ) from error


def _printable(name: str) -> str:
    """Make a name storable as UTF-8; file systems and tars may hold any bytes."""
    return name.encode("utf-8", "backslashreplace").decode().removeprefix("./")


def _is_litter(name: str) -> bool:
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._")


def _problem(name: str, is_file: bool, size: int) -> tuple[str, str] | None:
    """Find the reason, if any, why an archive's member must not be read."""
    parts = re.split(r"[/\\]", name)
    if parts[0] == "" or ".." in parts or re.match(r"[A-Za-z]:[/\\]", name):
        return "unsafe_path", "the name is an absolute path or climbs out of the archive"
    if not is_file:
        return "not_a_file", "the member is a link or a device"
    return _size_problem(size)


def _size_problem(size: int) -> tuple[str, str] | None:
    if size > MAX_MEMBER_BYTES:
        return "too_large", f"{size} bytes, more than {MAX_MEMBER_BYTES}"
    return None


def _folder_members(folder: Path | str, prefix: str = "", above: tuple[str, ...] = ()):
    above = (*above, os.path.realpath(folder))
    with os.scandir(folder) as entries:
        listing = sorted(entries, key=lambda entry: entry.name)
    for entry in listing:
        path, name = entry.path, prefix + entry.name
        if entry.is_dir():
            if os.path.realpath(path) not in above:  # a link to a folder above never ends
                yield from _folder_members(path, name + "/", above)
        elif entry.is_file():
            size = entry.stat().st_size
            yield Member(_printable(name), size, _file_reader(path), _size_problem(size), path)
        else:
            problem = ("not_a_file", "a broken link, a pipe or a device")
            yield Member(_printable(name), 0, _file_reader(path), problem)


def _file_reader(path: str) -> Callable[[], bytes]:
    def read() -> bytes:
        with _explained(Path(path)), open(path, "rb") as handle:
            return handle.read(MAX_MEMBER_BYTES + 1)

    return read


def _zip_members(source: Path) -> Iterator[Member]:
    with zipfile.ZipFile(source) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if info.flag_bits & 1:
                raise PorevoxError(f"{source} is encrypted: repack it without a password.")
            # Windows programs write "\" between folders, where a Unix name may hold one.
            name = info.filename if info.create_system else info.filename.replace("\\", "/")
            mode = info.external_attr >> 16
            is_file = stat.S_IFMT(mode) in (0, stat.S_IFREG)
            problem = _problem(name, is_file, info.file_size)
            opening = partial(_zip_open, archive, info)
            yield Member(_printable(name), info.file_size, _zip_read(archive, info), problem, open=opening)


def _zip_read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        with _explained(Path(str(archive.filename)), info.filename), archive.open(info) as handle:
            return handle.read(MAX_MEMBER_BYTES + 1)

    return read


def _zip_open(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> MemberStream:
    source = Path(str(archive.filename))
    with _explained(source, info.filename):
        return MemberStream(archive.open(info), source, info.filename)


def _tar_members(source: Path) -> Iterator[Member]:
    kind = kind_of(source)
    with _DECOMPRESSORS[kind](source, "rb") as stream:
        guarded = _BoundedReads(stream, checked=kind != "tar")
        # it needs no more of a file than _BoundedReads has
        with tarfile.TarFile(fileobj=guarded, tarinfo=_StrictTarInfo) as archive:  # type: ignore[arg-type]
            while (info := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # tarfile would keep all 10^5 of them
                if not info.isdir():
                    problem = _problem(info.name, info.isfile(), info.size)
                    reading = partial(_tar_read, archive, info, source)
                    opening = partial(_tar_open, archive, info, source)
                    yield Member(_printable(info.name), info.size, reading, problem, open=opening)
        while stream.read(1 << 20):  # the checksums of gzip, xz and bzip2 come last
            pass


def _tar_read(archive: tarfile.TarFile, info: tarfile.TarInfo, source: Path) -> bytes:
    with _explained(source, info.name):
        content = archive.extractfile(info)
        assert content is not None  # only regular files are asked for
        return content.read(MAX_MEMBER_BYTES + 1)


def _tar_open(archive: tarfile.TarFile, info: tarfile.TarInfo, source: Path) -> MemberStream:
    with _explained(source, info.name):
        return MemberStream(archive.extractfile(info), source, info.name)


class _StrictTarInfo(tarfile.TarInfo):
    """A header that must be whole: tarfile takes a broken one for the end of the archive."""

    @classmethod
    def fromtarfile(cls, archive):
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:
            raise  # the proper end mark
        except tarfile.EmptyHeaderError as error:
            if archive.offset and archive.fileobj.checked:
                raise tarfile.EOFHeaderError("whole, as the compression's checksum says") from error
            raise tarfile.ReadError("it ends without an end mark") from error
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"no tar header at byte {archive.offset}: {error}") from error


class _BoundedReads:
    """A stream that refuses single reads of absurd size (a forged header asks for them)."""

    def __init__(self, stream, checked: bool):
        self.checked = checked
        self._stream = stream
        self.tell, self.seek = stream.tell, stream.seek

    def read(self, size: int) -> bytes:
        if size > MAX_MEMBER_BYTES + 1024:
            raise tarfile.ReadError(f"a header claims {size} bytes")
        return self._stream.read(size)
