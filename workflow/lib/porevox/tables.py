"""Label and descriptor tables as they are met: commas or semicolons, BOM, text among numbers."""

import csv
import io
import re
import unicodedata
from pathlib import Path

import numpy as np

from porevox.errors import PorevoxError

#: What separates cells; where two are equally frequent in a header, the first here is meant.
DELIMITERS = "\t;,"


def read_header(path: Path) -> list[str]:
    """Return the column names of a CSV table, without reading the rest of it.

    Parameters
    ----------
    path : Path
        A CSV file; comma, semicolon or tab separated, with or without a byte-order mark.

    Returns
    -------
    list of str
        Column names without surrounding spaces.

    Raises
    ------
    PorevoxError
        If the file is missing, empty, not text, or names a column twice.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            line = stream.readline()
    except OSError as error:
        raise PorevoxError(f"Cannot read the table {path}: {error.strerror}; check the path.") from error
    except UnicodeDecodeError as error:
        raise PorevoxError(f"The table {path} is not UTF-8 text; save it as CSV in UTF-8.") from error
    header = [name.strip() for name in next(csv.reader([line], delimiter=_delimiter(line)), [])]
    if not any(header):
        raise PorevoxError(f"The table {path} is empty; it needs a header line and one row per structure.")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise PorevoxError(f"The table {path} names the column `{twice[0]}` twice; rename one of them.")
    return header


def _delimiter(header_line: str) -> str:
    """Return whichever delimiter the header holds most of outside quotes; units may hold the others."""
    return max(DELIMITERS, key=re.sub('"[^"]*"', "", header_line).count)


def rename(header: list[str], aliases: dict[str, list[str]]) -> dict[str, str]:
    """Return the canonical name of every column of a header.

    Parameters
    ----------
    header : list of str
        Column names as they stand in the file.
    aliases : dict
        For a canonical name, the other headers under which the column is met.

    Returns
    -------
    dict
        Name in the file -> canonical name.
    """
    canonical = {other: name for name, others in aliases.items() for other in others if name not in header}
    return {name: canonical.get(name, name) for name in header}


def check_columns(
    paths_and_specs: list[tuple[Path, dict]], needed: list[tuple[str, str]], where: str
) -> None:
    """Check that every column a study needs stands in one of its tables.

    Parameters
    ----------
    paths_and_specs : list of (Path, dict)
        The tables and their entries in the dataset (``id_column``, ``aliases``).
    needed : list of (str, str)
        Column name and the configuration key that asks for it.
    where : str
        Key of the study, for the message.

    Raises
    ------
    PorevoxError
        Names the first column that is missing and the columns there are.
    """
    known: list[str] = []
    for path, spec in paths_and_specs:
        names = list(rename(read_header(path), spec["aliases"]).values())
        if spec["id_column"] not in names:
            raise PorevoxError(
                f"The table {path} has no id column `{spec['id_column']}`; set id_column to one of "
                f"{_some(names)}."
            )
        known += names
    files = ", ".join(str(path) for path, _ in paths_and_specs)
    for column, key in needed:
        if column not in known:
            raise PorevoxError(
                f"`{where}.{key}` names the column `{column}`, which {files} does not have; "
                f"it has {_some(known)}."
            )


def _some(names: list[str], most: int = 12) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def normalise_id(name: str) -> str:
    """Return the id that a table means: without surrounding spaces and without a final ``.cif``."""
    name = unicodedata.normalize("NFC", name.strip())
    return name[:-4] if name.lower().endswith(".cif") else name


def read_table(path: Path, id_column: str, aliases: dict[str, list[str]]):
    """Read a table with every cell as text, indexed by id.

    Parameters
    ----------
    path : Path
        A CSV file.
    id_column : str
        Column that names the structure, as in the file or by its canonical name.
    aliases : dict
        See :func:`rename`.

    Returns
    -------
    pandas.DataFrame
        Text cells without surrounding spaces; index ``id``, which may hold duplicates.

    Raises
    ------
    PorevoxError
        If the file cannot be read as a table, or has no such column.
    """
    import pandas as pd

    header = read_header(path)
    text = Path(path).read_bytes().decode("utf-8-sig", errors="replace")
    delimiter = _delimiter(text.split("\n", 1)[0])
    try:
        table = pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            index_col=False,
        )
    except (pd.errors.ParserError, ValueError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise PorevoxError(f"The table {path} cannot be read as CSV: {reason}; mend that line.") from error
    names = rename(header, aliases)
    table.columns = [names[name.strip()] for name in table.columns]
    if id_column not in table.columns:
        raise PorevoxError(
            f"The table {path} has no id column `{id_column}`; it has {_some(list(table.columns))}."
        )
    table = table.apply(lambda cells: cells.str.strip())
    if delimiter == ";":
        # semicolons separate where the comma is the decimal sign
        numeric = table.columns != id_column
        table.loc[:, numeric] = table.loc[:, numeric].replace(r"^([-+]?\d+),(\d+)", r"\1.\2", regex=True)
    table.index = pd.Index([normalise_id(name) for name in table.pop(id_column)], name="id")
    return table[table.index != ""]


def to_numbers(cells) -> np.ndarray:
    """Return text cells as float64; what is empty, text, NaN or infinite becomes NaN.

    Parameters
    ----------
    cells : pandas.Series of str
        One column.

    Returns
    -------
    ndarray of float64, shape (n,)
        Finite numbers or NaN.
    """
    import pandas as pd

    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)
