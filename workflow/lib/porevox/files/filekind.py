"""What a file is, told from its first bytes and never from its name."""

import tarfile
from pathlib import Path

from porevox.errors import PorevoxError

#: What structures can be read from; the last three are compressed tars.
KINDS = ("folder", "zip", "tar", "gzip", "xz", "bzip2")
_MAGIC = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # the end record first: a zip without members
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!": "RAR",
}


def kind_of(source: Path) -> str:
    """Tell what a source is, from the file system and its first bytes.

    Parameters
    ----------
    source : pathlib.Path
        Any path.

    Returns
    -------
    str
        ``folder``, ``zip``, ``tar``, ``gzip``, ``xz`` or ``bzip2``.

    Raises
    ------
    PorevoxError
        There is nothing there, or nothing that can hold structures.
    """
    if source.is_dir():
        return "folder"
    if not source.exists():
        raise PorevoxError(f"{source} does not exist: check the path in the dataset's entry.")
    if not source.is_file():
        raise PorevoxError(f"{source} is neither a file nor a folder: give an archive or a folder.")
    head = _head(source)
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    if kind is None and _is_tar_header(head):
        kind = "tar"
    if kind in KINDS:
        return kind
    raise PorevoxError(f"{source} {_what_instead(head, kind)}.")


def _what_instead(head: bytes, kind: str | None) -> str:
    """Say what a file is that is no archive we read, and what to do about it."""
    if kind is not None:
        return f"is a {kind} archive, which cannot be read here: repack it as .tar.gz or .zip"
    if not head:
        return "is empty (0 bytes): delete it and retrieve it again"
    if looks_like_html(head):
        return "is a web page, not an archive: delete it and check the address it came from"
    if head.lstrip().startswith(b"data_"):
        return "is a single CIF: give the folder that holds it"
    return "is neither a folder nor a zip or tar archive: check the path, or retrieve it again"


def looks_like_html(head: bytes) -> bool:
    """Tell a web page (an error or a login form) from an archive.

    Parameters
    ----------
    head : bytes
        The first bytes of a file, some hundreds of them.

    Returns
    -------
    bool
        Whether they begin a HTML or XML document.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--", b"<body"))


def _is_tar_header(head: bytes) -> bool:
    """Check the checksum of a tar header (also of old ones, which have no magic)."""
    if head[:512].count(0) == 512:  # an end mark first: a tar without members
        return True
    try:
        tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _head(file: Path) -> bytes:
    try:
        with open(file, "rb") as handle:
            return handle.read(1024)
    except OSError as error:
        raise PorevoxError(
            f"{file} cannot be read ({error.strerror}): grant read permission to it."
        ) from error
