"""Which structures a folder or an archive holds."""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from porevox.errors import PorevoxError
from porevox.files.archive import Member, members
from porevox.files.digest import DigestCache, settings_digest
from porevox.files.filekind import kind_of

_SUFFIX = ".cif"
#: To be raised whenever the same archive would be scanned to another result.
_SCAN_FORMAT = 1


class Record(NamedTuple):
    """One structure of a source: its id, member name, size (bytes) and the sha256 of its CIF."""

    id: str
    member: str
    size: int
    sha256: str


class Rejected(NamedTuple):
    """One CIF that is not used, with a key of :data:`porevox.errors.REASONS` and a sentence."""

    id: str
    member: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Scan:
    """What a source holds.

    Parameters
    ----------
    source : pathlib.Path
        The folder or archive.
    records : tuple of Record
        The structures, sorted by id.
    rejected : tuple of Rejected
        The CIFs that are not used, sorted by member.
    """

    source: Path
    records: tuple[Record, ...]
    rejected: tuple[Rejected, ...]

    @property
    def digest(self) -> str:
        """Sha256 of all ids and contents; the same for a folder and for an archive of it."""
        return content_digest(self.records)


def scan(source: Path, cache: DigestCache | None = None, folder: str | None = None) -> Scan:
    """List and hash the structures of a folder or an archive.

    Parameters
    ----------
    source : pathlib.Path
        A folder, or a zip, tar, tar.gz, tar.xz or tar.bz2 archive. Members ending in ``.cif`` (in
        any case) are structures; the id is the file name without that, in Unicode's form NFC.
    cache : porevox.files.digest.DigestCache or None
        Spares hashing unchanged files; it is saved.
    folder : str or None
        Only what lies below the folder of this name, wherever in the source that is.

    Returns
    -------
    Scan
        Of several members with the same id, the first in the source's order is the structure.

    Raises
    ------
    PorevoxError
        The source is missing, broken or holds no structure.
    """
    source = Path(source)
    if cache is None:
        return _scan(source, None, folder)
    key = None
    if kind_of(source) != "folder":
        key = f"scan{_SCAN_FORMAT}-{cache.sha256(source)}" + (f"-{settings_digest(folder)}" if folder else "")
    found = _recall(source, cache, key) or _scan(source, cache, folder)
    if key:
        cache.remember(key, (found.records, found.rejected))
    cache.save()
    return found


def _recall(source: Path, cache: DigestCache, key: str | None) -> Scan | None:
    try:
        records, rejected = cache.recall(key) if key else ((), ())
        records = tuple(Record(*entry) for entry in records)
        rejected = tuple(Rejected(*entry) for entry in rejected)
    except (TypeError, ValueError):  # nothing remembered, or not by us
        return None
    return Scan(source, records, rejected) if records else None


def _scan(source: Path, cache: DigestCache | None, folder: str | None) -> Scan:
    rejected: list[Rejected] = []
    records = [
        Record(id, member.name, member.size, _hash(member, cache))
        for id, member in structures(source, rejected, folder)
    ]
    if not records:
        raise PorevoxError(_nothing(source, rejected, folder))
    return Scan(source, tuple(sorted(records)), tuple(sorted(rejected, key=lambda r: r.member)))


def _hash(member: Member, cache: DigestCache | None) -> str:
    if not (cache and member.path):
        return hashlib.sha256(member.read()).hexdigest()
    try:
        return cache.sha256(member.path)
    except OSError as error:
        raise PorevoxError(
            f"{member.path} cannot be read ({error.strerror}): allow reading it and leave the folder "
            "alone while the workflow runs."
        ) from error


def _nothing(source: Path, rejected: list[Rejected], folder: str | None) -> str:
    if rejected:
        _, member, reason, detail = rejected[0]
        return (
            f"{source} holds no usable .cif file: {len(rejected)} were rejected, the first "
            f"({member}) as {reason} ({detail}); mend or replace them."
        )
    if folder:
        return f"{source} holds no .cif file below a folder `{folder}`: correct `folder`, or leave it out."
    return f"{source} holds no .cif file: give a folder or an archive of CIFs (not of .cif.gz)."


def structures(
    source: Path, rejected: list[Rejected], folder: str | None = None
) -> Iterator[tuple[str, Member]]:
    """Iterate over the usable CIFs of a source.

    Parameters
    ----------
    source : pathlib.Path
        A folder or an archive.
    rejected : list of Rejected
        The CIFs that cannot be used are appended to it.
    folder : str or None
        As for :func:`scan`.

    Yields
    ------
    tuple of (str, porevox.files.archive.Member)
        Id and member, in the source's order.

    Raises
    ------
    PorevoxError
        The source is missing or broken.
    """
    taken: dict[str, str] = {}
    for member in members(source, _SUFFIX):
        if folder and f"/{folder.strip('/')}/" not in f"/{member.name}":
            continue
        base = member.name.rpartition("/")[2]
        id = unicodedata.normalize("NFC", base[: -len(_SUFFIX)])
        problem = member.problem or _name_problem(id)
        if problem is None and id in taken:
            problem = ("duplicate_id", f"{taken[id]} came first")
        if problem:
            rejected.append(Rejected(id, member.name, *problem))
        else:
            taken[id] = member.name
            yield id, member


def _name_problem(id: str) -> tuple[str, str] | None:
    if not id.strip():
        return "bad_name", "the file name is nothing but its ending"
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in id):
        return "bad_name", "the file name holds a line break or another control character"
    return None


def content_digest(records: Iterable[Record]) -> str:
    """Digest structures: their ids and contents, whatever they were stored in.

    Parameters
    ----------
    records : iterable of Record
        In any order.

    Returns
    -------
    str
        Sha256 of the sorted lines ``id<TAB>sha256``, 64 hexadecimal digits.
    """
    lines = sorted(f"{record.id}\t{record.sha256}\n" for record in records)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
