"""CIFs from all over the command line: files, folders and archives."""

import csv
import io
import os
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from porevox.errors import PorevoxError
from porevox.files.archive import MAX_MEMBER_BYTES, Member
from porevox.files.sources import Rejected, structures


def write_pack(
    sources: Sequence[Path], pack: Path, progress: Callable[[int], None] | None = None
) -> tuple[int, list[Rejected]]:
    """Copy all CIFs of some sources into one pack.

    Parameters
    ----------
    sources : sequence of pathlib.Path
        CIFs, folders and archives. A file met twice, by itself and in its folder, counts once.
    pack : pathlib.Path
        Written, for :func:`porevox.structures.read_pack`; its structures are sorted by id.
    progress : callable, optional
        Called with the number of CIFs read so far.

    Returns
    -------
    n_structures : int
        CIFs in the pack.
    rejected : list of Rejected
        CIFs that cannot be used, such as the second one of a name.

    Raises
    ------
    PorevoxError
        A source is missing, cannot be read or holds no CIF.
    """
    rejected: list[Rejected] = []
    taken: dict[str, tuple[str, str]] = {}  # id -> (member of the pack, where it came from)
    with zipfile.ZipFile(pack, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for id, where, member in _all_members(sources, rejected):
            if id in taken:
                rejected.append(Rejected(id, where, "duplicate_id", f"{taken[id][1]} came before {where}"))
                continue
            taken[id] = (f"{len(taken)}.cif", where)
            archive.writestr(taken[id][0], member.read())
            if progress:
                progress(len(taken))
        archive.writestr("index.csv", _index({id: name for id, (name, _) in sorted(taken.items())}))
    return len(taken), rejected


def find_cif(source: Path, id: str | None) -> tuple[str, bytes]:
    """Find one CIF in a source.

    Parameters
    ----------
    source : pathlib.Path
        A CIF, a folder or an archive.
    id : str or None
        Name of the structure; None where the source holds only one.

    Returns
    -------
    id : str
    content : bytes

    Raises
    ------
    PorevoxError
        The source is missing, does not hold the structure, or holds several and none is named.
    """
    found = None
    for its_id, _, member in _all_members([source], []):
        if id is None and found:
            raise PorevoxError(f"{source} holds several structures: name one of them, such as {found[0]}.")
        if id in (None, its_id, f"{its_id}.cif"):
            found = its_id, member.read()
            if id is not None:
                break
    if found is None:
        raise PorevoxError(f"{source} holds no structure named {id}: check the name.")
    return found


def _index(members: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("member", "id"))
    writer.writerows((name, id) for id, name in members.items())
    return text.getvalue()


def _all_members(sources: Sequence[Path], rejected: list[Rejected]) -> Iterator[tuple[str, str, Member]]:
    """Iterate over (id, where it comes from, CIF) of all sources."""
    seen: set[str] = set()
    for source in sources:
        before, empty = len(rejected), True
        for id, member in _members(source, rejected):
            empty = False
            if member.path is not None:
                place = os.path.realpath(member.path)
                if place in seen:
                    continue
                seen.add(place)
            where = str(source) if member.path == str(source) else f"{source}/{member.name}"
            yield id, where, member
        if empty and len(rejected) == before:
            raise PorevoxError(f"{source} holds no .cif file: give CIFs, or folders or archives of CIFs.")


def _members(source: Path, rejected: list[Rejected]) -> Iterator[tuple[str, Member]]:
    if not source.exists():
        raise PorevoxError(f"{source} does not exist: check the path.")
    if source.name.lower().endswith(".cif.gz"):
        raise PorevoxError(f"{source} is a compressed CIF: unpack it (gunzip) and give the .cif file.")
    if source.is_file() and (source.suffix.lower() == ".cif" or _begins_like_a_cif(source)):
        yield from _single(source, rejected)
    else:
        yield from structures(source, rejected)


def _begins_like_a_cif(source: Path) -> bool:
    try:
        with open(source, "rb") as stream:
            return stream.read(1024).lstrip().startswith(b"data_")
    except OSError as error:
        raise PorevoxError(f"{source} cannot be read ({error.strerror}): allow reading it.") from error


def _single(source: Path, rejected: list[Rejected]) -> Iterator[tuple[str, Member]]:
    id = unicodedata.normalize("NFC", source.stem)
    size = source.stat().st_size

    def read() -> bytes:
        try:
            return source.read_bytes()
        except OSError as error:
            raise PorevoxError(f"{source} cannot be read ({error.strerror}): allow reading it.") from error

    if size > MAX_MEMBER_BYTES:
        detail = f"{size} bytes, more than {MAX_MEMBER_BYTES}"
        rejected.append(Rejected(id, source.name, "too_large", detail))
    elif not id.isprintable() or not id.strip():
        printable = id.encode("unicode_escape").decode()
        detail = "the file name holds a control character or nothing to tell it by"
        rejected.append(Rejected(printable, printable, "bad_name", detail))
    else:
        yield id, Member(source.name, size, read, None, str(source))
