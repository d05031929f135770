"""Where a model lies that the user names: a folder, an archive of it, or an address with a checksum.

Imports nothing heavy: a run's plan depends on it.
"""

import lzma
import os
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

from porevox import layout
from porevox.errors import PorevoxError
from porevox.files.digest import DigestCache
from porevox.files.filekind import kind_of
from porevox.handover.record import RECORD

#: Archives of models are unpacked here, once each.
UNPACKED = layout.RESULTS / "cache" / "models"
#: Most that an archive may unpack to: a random forest of 10^5 structures has 2 GB.
_MAX_BYTES = 8_000_000_000
#: RuntimeError: encrypted, or compressed in a way that this Python does not know.
_BROKEN = (
    *(OSError, zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, ValueError, RuntimeError),
)


def locate(source: dict | str | Path, unpacked: Path = UNPACKED) -> Path:
    """Return the folder of a model.

    Parameters
    ----------
    source : dict, str or path-like
        A path, or ``path`` with or without ``sha256``, or ``url`` and ``sha256``. A path is a model's
        folder or a zip or tar archive of it; only an archive has a checksum.
    unpacked : pathlib.Path
        Archives are unpacked into a folder below.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    PorevoxError
        It cannot be fetched or unpacked, it is no model, or not the one with this checksum.
    """
    path, wanted = _local(source), source.get("sha256") if isinstance(source, dict) else None
    if path.is_dir() and wanted is not None:
        raise PorevoxError(f"{path} is a folder, which has no sha256: leave it out, or give the archive.")
    if path.is_dir() or not path.exists():
        return path
    try:
        return _unpack(path, wanted, unpacked)
    except PermissionError as error:
        raise PorevoxError(
            f"{error.filename or unpacked} cannot be written, so {path} cannot be unpacked there: unpack it "
            "yourself and give the folder."
        ) from error


def is_model(folder: str | Path) -> bool:
    """Return whether a folder holds a model's record."""
    return (Path(folder) / RECORD).is_file()


def _local(source) -> Path:
    """A local path; what has an address is downloaded first."""
    if not isinstance(source, dict):
        return Path(source).expanduser()
    if source.get("url") is None:
        return Path(source["path"]).expanduser()
    if source.get("sha256") is None:
        raise PorevoxError(
            f"The model {source['url']} has no checksum: give its `sha256`, so that it is this model that is "
            "used."
        )
    file = {"urls": [source["url"]], "sha256": source["sha256"]}
    target = layout.source_path(file)
    if not target.exists():
        from porevox.retrieve import download

        download(file["urls"], target, file["sha256"])
    return target


def _unpack(archive: Path, sha256: str | None, unpacked: Path) -> Path:
    kind = kind_of(archive)
    # every job of a run asks again, and a forest has 2 GB
    cache = DigestCache(unpacked.parent / "files")
    digest = cache.sha256(archive)
    cache.save()
    if sha256 is not None and digest != sha256.lower():
        raise PorevoxError(
            f"{archive} is not the model that was meant, as its sha256 is {digest}: get it again."
        )
    folder = unpacked / digest[:16]
    if not folder.is_dir():
        unpacked.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=unpacked) as temporary:
            content = Path(temporary) / "content"
            try:
                _extract(archive, kind, content)
            except PermissionError:
                raise
            except _BROKEN as error:
                raise PorevoxError(
                    f"{archive} is broken or unsafe ({error}): get the model again."
                ) from error
            _move(_model_in(content, archive), folder)
    return folder


def _extract(archive: Path, kind: str, target: Path) -> None:
    target.mkdir()
    if kind == "zip":
        with zipfile.ZipFile(archive) as content:
            _check_size(sum(info.file_size for info in content.infolist()))
            content.extractall(target)  # names are made safe by the standard library
        return
    with tarfile.open(archive) as content:
        _check_size(sum(info.size for info in content))
        content.extractall(target, filter="data")


def _check_size(n_bytes: int) -> None:
    if n_bytes > _MAX_BYTES:
        raise ValueError(f"it would unpack to {n_bytes / 1e9:.1f} GB")


def _model_in(content: Path, archive: Path) -> Path:
    """The model in what was unpacked: at its top, or in the one folder there."""
    found = [
        path.parent for path in (content / RECORD, *sorted(content.glob(f"*/{RECORD}"))) if path.is_file()
    ]
    if len(found) != 1:
        raise PorevoxError(
            f"{archive} holds {len(found) or 'no'} {RECORD}: give the archive of one model's folder."
        )
    return found[0]


def _move(found: Path, folder: Path) -> None:
    try:
        os.replace(found, folder)
    except OSError:
        # another process was faster
        if not folder.is_dir():
            shutil.move(found, folder)
