"""bundle.json: all that a model's folder says of itself, checked before anything is computed with it.

Imports nothing heavy: a run's plan depends on it.
"""

import hashlib
import json
import re
from pathlib import Path

from porevox.errors import PorevoxError
from porevox.files.digest import file_sha256

RECORD = "bundle.json"
CARD = "README.md"
#: Version of the folder. Another one is refused: half-understood settings give wrong numbers.
FORMAT = 1
#: What stands in bundle.json; nothing else may.
KEYS = (
    *("format", "porevox", "study", "split", "model", "type", "size", "n_train", "n_used", "seeds"),
    *("target", "grid", "channels", "transform", "reading", "columns", "options"),
    *("training", "domain", "metrics", "calibration", "data", "files"),
)
CHANNEL_KEYS = (
    *("name", "quantity", "unit", "settings"),
    *("forcefield", "forcefield_file", "forcefield_digest"),
)
GRID_KEYS = ("kind", "n", "endpoint", "box_length_A")
GRID_KINDS = ("mic_supercell", "cubic_box", "unit_cell")
#: Files that lie in the folder without being vouched for: their content follows from the others.
_UNLISTED = (RECORD,)
_SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def read_record(folder: str | Path) -> dict:
    """Read and check bundle.json; the files it names must be there.

    Parameters
    ----------
    folder : path-like
        A model's folder.

    Returns
    -------
    dict
        See :data:`KEYS`.

    Raises
    ------
    PorevoxError
        It is no model's folder, was made by another version, is incomplete, or says what this
        version does not know.
    """
    folder = Path(folder)
    path = folder / RECORD
    if not path.is_file():
        raise PorevoxError(_no_record(folder))
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        version, made_by = record["format"], record.get("porevox", "?")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PorevoxError(f"{path} cannot be read ({error!r}): get the model's folder again.") from error
    if version != FORMAT:
        raise PorevoxError(
            f"{path} has format {version!r} and was made by porevox {made_by}; this porevox reads format "
            f"{FORMAT}: use that version, or make the folder again with this one."
        )
    _check_keys(record, KEYS, str(path), made_by)
    for number, channel in enumerate(record["channels"]):
        _check_keys(channel, CHANNEL_KEYS, f"{path}, channel {number}", made_by)
    _check_grid(record["grid"], path, made_by)
    _check_listed(record, folder)
    return record


def _no_record(folder: Path) -> str:
    if not folder.is_dir():
        return f"{folder} is no folder of a model: check the path."
    if (folder / "model.json").is_file():
        return (
            f"{folder} is the folder of one training, not of a model that can be handed over: the target "
            "`models` of the workflow makes one of it."
        )
    return f"{folder} is no folder of a model, since it holds no {RECORD}: check the path."


def _check_keys(found, known, where: str, made_by: str) -> None:
    if not isinstance(found, dict):
        raise PorevoxError(f"{where} is not what it should be: get the model's folder again.")
    missing = [key for key in known if key not in found]
    unknown = sorted(set(found) - set(known))
    if missing:
        raise PorevoxError(
            f"{where} lacks `{missing[0]}` (made by porevox {made_by}): make the folder again."
        )
    if unknown:
        raise PorevoxError(
            f"{where} has the key `{unknown[0]}`, which this porevox does not know (made by porevox "
            f"{made_by}): use that version."
        )


def _check_grid(grid, path: Path, made_by: str) -> None:
    known = isinstance(grid, dict) and not set(grid) - set(GRID_KEYS) and grid.get("kind") in GRID_KINDS
    n = grid.get("n") if known else None
    if not known or isinstance(n, bool) or not isinstance(n, int) or n < 2 or "endpoint" not in grid:
        raise PorevoxError(
            f"{path} describes a grid that this porevox does not know, {grid!r} (made by porevox {made_by}): "
            "use that version."
        )


def _check_listed(record: dict, folder: Path) -> None:
    for name in record["files"]:
        if not _SAFE.fullmatch(name):
            raise PorevoxError(f"{folder / RECORD} names a file {name!r} outside its folder: do not use it.")
        if not (folder / name).is_file():
            raise PorevoxError(f"{folder} is incomplete: {name} is missing; get the model's folder again.")
    unvouched = next((name for name in _read_files(record) if name not in record["files"]), None)
    if unvouched is not None:
        raise PorevoxError(
            f"{folder / RECORD} has no checksum of {unvouched}, which would be read: get the model's folder "
            "again."
        )


def _read_files(record: dict) -> list[str]:
    """Files that a model is made of: whatever else a record says, these it has to vouch for."""
    weights = [
        f"seed{seed}/{name}" for seed in record["seeds"] for name in ("model.safetensors", "model.json")
    ]
    tables = [channel["forcefield_file"] for channel in record["channels"]]
    return [
        "training.csv",
        "training.safetensors",
        *weights,
        *(table for table in tables if table is not None),
    ]


def check_files(record: dict, folder: str | Path) -> None:
    """Hold every file of a model's folder to its checksum.

    Parameters
    ----------
    record : dict
        See :func:`read_record`.
    folder : path-like

    Raises
    ------
    PorevoxError
        A file was changed, or cannot be read.
    """
    for name, expected in record["files"].items():
        try:
            found = file_sha256(Path(folder) / name)
        except OSError as error:
            raise PorevoxError(f"{Path(folder) / name} cannot be read ({error.strerror}).") from error
        if found != expected:
            raise PorevoxError(
                f"{Path(folder) / name} was changed after the model's folder was made: get the folder again."
            )


def record_digest(folder: str | Path) -> str:
    """Return what stands for a model: the sha256 of its record, which vouches for the other files.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256((Path(folder) / RECORD).read_bytes()).hexdigest()


def list_files(folder: str | Path) -> dict[str, str]:
    """Checksums of the files of a folder, by their names in it.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    dict of str to str
        Without the record itself and hidden files.
    """
    folder = Path(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in files if not path.name.startswith(".")}
    return {name: file_sha256(path) for name, path in names.items() if name not in _UNLISTED}
