"""The rows of a CSV table one at a time, from a file or from a member of an archive."""

import csv
import io
import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from porevox.errors import PorevoxError
from porevox.files.member import open_member

#: What separates cells; where two are equally frequent in a header, the first here is meant.
DELIMITERS = "\t;,"
#: Longest cell, characters: a quote that is never closed must not swallow the rest of a table.
_LONGEST_CELL = 1_000_000


def table_name(path: Path, member: str | None) -> str:
    """Name a table in a message.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    member : str or None
        The table in it, if it is an archive.

    Returns
    -------
    str
    """
    return str(path) if member is None else f"{member} in {path}"


class Table(NamedTuple):
    """A table that is open: its column names, what separates its cells, and its rows one at a time.

    Rows are lists of cells without surrounding spaces, as many as the header has; empty lines are left
    out.
    """

    header: list[str]
    delimiter: str
    rows: Iterator[list[str]]


@contextmanager
def open_table(path: Path, member: str | None = None) -> Iterator[Table]:
    """Open a CSV table to read it row by row; memory does not grow with it.

    Parameters
    ----------
    path : pathlib.Path
        A CSV file; comma, semicolon or tab separated, with or without a byte-order mark. Or an archive.
    member : str or None
        The table in the archive, see :func:`porevox.files.member.open_member`.

    Yields
    ------
    Table
        Not to be used after the ``with`` block. Below the header, bytes that are no UTF-8 are replaced.

    Raises
    ------
    PorevoxError
        If the file is missing, empty, not text, or names a column twice; while rows are read, if one has
        more cells than the header, or a quote is not closed.
    """
    name = table_name(path, member)
    with _text(path, member) as stream:
        first = stream.readline()
        header, delimiter = _header(first, name), delimiter_of(first)
        yield Table(header, delimiter, _rows(stream, delimiter, len(header), name))


def read_header(path: Path, member: str | None = None) -> list[str]:
    """Return the column names of a CSV table, without reading the rest of it.

    Parameters
    ----------
    path, member
        As for :func:`open_table`.

    Returns
    -------
    list of str
        Column names without surrounding spaces.

    Raises
    ------
    PorevoxError
        As for :func:`open_table`.
    """
    with open_table(path, member) as table:
        return table.header


def _header(line: str, name: str) -> list[str]:
    if "\N{REPLACEMENT CHARACTER}" in line:
        raise PorevoxError(f"The table {name} is not UTF-8 text; save it as CSV in UTF-8.")
    header = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter_of(line)), [])]
    if not any(header):
        raise PorevoxError(f"The table {name} is empty; it needs a header line and one row per structure.")
    twice = sorted({cell for cell in header if cell and header.count(cell) > 1})
    if twice:
        raise PorevoxError(f"The table {name} names the column `{twice[0]}` twice; rename one of them.")
    return header


@contextmanager
def _text(path: Path, member: str | None) -> Iterator[TextIO]:
    decode: dict[str, Any] = {"encoding": "utf-8-sig", "errors": "replace", "newline": ""}
    if member is not None:
        with open_member(path, member) as raw, io.TextIOWrapper(raw, **decode) as stream:
            yield stream
        return
    try:
        stream = open(path, **decode)
    except OSError as error:
        raise PorevoxError(f"Cannot read the table {path}: {error.strerror}; check the path.") from error
    with stream:
        yield stream


def delimiter_of(header_line: str) -> str:
    """Return whichever delimiter a header holds most of outside quotes; units may hold the others.

    Parameters
    ----------
    header_line : str
        First line of a table.

    Returns
    -------
    str
        One of :data:`DELIMITERS`.
    """
    return max(DELIMITERS, key=re.sub('"[^"]*"', "", header_line).count)


def _rows(stream: TextIO, delimiter: str, width: int, name: str) -> Iterator[list[str]]:
    lines = _Lines(stream)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    cells: list[str] = []
    try:
        for cells in reader:
            if cells:
                yield _fitted([cell.strip() for cell in cells], width, name, reader.line_num + 1)
    except csv.Error as error:
        raise _unreadable(name, reader.line_num + 1, str(error)) from error
    if lines.quotes % 2 and any("\n" in cell for cell in cells):
        raise _unreadable(name, reader.line_num + 1, "a quote before it is never closed")


class _Lines:
    """Lines of a table, and how many quotes were in them."""

    def __init__(self, stream: TextIO):
        self._stream, self.quotes = stream, 0
        csv.field_size_limit(_LONGEST_CELL)

    def __iter__(self) -> Iterator[str]:
        for line in self._stream:
            self.quotes += line.count('"')
            yield line


def _fitted(cells: list[str], width: int, name: str, line: int) -> list[str]:
    if any(cells[width:]):
        raise _unreadable(name, line, f"it has {len(cells)} cells, the header {width}")
    return list(itertools.islice(itertools.chain(cells, itertools.repeat("")), width))


def _unreadable(name: str, line: int, why: str) -> PorevoxError:
    return PorevoxError(f"The table {name} cannot be read as CSV: line {line}: {why}; mend that line.")
