"""Small tables of numbers by name, which a user may extend: CSV, one row each.

Imports nothing heavy: every job of a workflow may ask.
"""

import csv
import math
from pathlib import Path

from porevox.errors import PorevoxError


def stamp(path: Path) -> tuple[int, int, int]:
    """Return what tells a file that was edited: a table is read once as long as it stays.

    Parameters
    ----------
    path : path

    Returns
    -------
    tuple of int

    Raises
    ------
    PorevoxError
        There is no such file.
    """
    try:
        found = Path(path).absolute().stat()
    except OSError as error:
        raise PorevoxError(f"The table {path} cannot be read ({error.strerror}): restore it.") from error
    return found.st_ino, found.st_mtime_ns, found.st_size


def read_rows(path: Path, columns: tuple[str, ...]) -> list[dict]:
    """Read a table.

    Parameters
    ----------
    path : Path
    columns : tuple of str
        Those it must have; it may have others.

    Returns
    -------
    list of dict
        Text by column; the first row stands in line 2 of the file.

    Raises
    ------
    PorevoxError
        The file cannot be read, or has no such column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PorevoxError(f"The table {path} cannot be read ({error}): restore it.") from error
    if missing:
        raise PorevoxError(f"The table {path} has no column {missing[0]}: add it.")
    return rows


def name(row: dict, column: str, where: str) -> str:
    """Return a row's name.

    Parameters
    ----------
    row : dict
        See :func:`read_rows`.
    column : str
    where : str
        File and line, for the message.

    Returns
    -------
    str

    Raises
    ------
    PorevoxError
        There is none, or the row has more values than columns.
    """
    text = (row[column] or "").strip()
    if not text:
        raise PorevoxError(f"{where}: no value in column {column}; complete the row or remove it.")
    if None in row:
        raise PorevoxError(f"{where}: the row has more values than the table has columns; correct it.")
    return text


def number(row: dict, column: str, where: str) -> float:
    """Return a number of a row.

    Parameters
    ----------
    row : dict
        See :func:`read_rows`.
    column : str
    where : str
        File and line, for the message.

    Returns
    -------
    float

    Raises
    ------
    PorevoxError
        It is none, or not finite.
    """
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise PorevoxError(f"{where}: {column} is {row[column]!r}; it must be a number.")
    return value
