"""Label and descriptor tables as they are met: commas or semicolons, BOM, text among numbers."""

import difflib
import unicodedata
from pathlib import Path

from porevox.errors import PorevoxError
from porevox.files.tablerows import open_table, read_header, table_name

__all__ = [
    "check_columns",
    "incomplete_rows",
    "normalise_id",
    "read_header",
    "read_table",
    "rename",
    "table_settings",
    "to_numbers",
]

#: Cells that are no value, as pandas reads them by default, and infinities.
NO_VALUE = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
        *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
        *(sign + name for sign in ("", "-", "+") for name in ("inf", "Inf", "INF", "infinity", "Infinity")),
    )
)


def table_settings(table: dict) -> dict:
    """Return what of a table's entry says how it is read; where it lies is told by its path.

    Parameters
    ----------
    table : dict
        A completed entry of a dataset's ``tables``.

    Returns
    -------
    dict
        ``id_column``, ``aliases``, ``member`` (of an archive, or None) and ``complete_rows``.
    """
    settings = {key: table[key] for key in ("id_column", "aliases", "complete_rows")}
    return {**settings, "member": table["file"].get("member")}


def rename(header: list[str], aliases: dict[str, list[str]]) -> dict[str, str]:
    """Return the canonical name of every column of a header.

    Parameters
    ----------
    header : list of str
        Column names as they stand in the file.
    aliases : dict
        For a canonical name, the other headers under which the column is met; of several that are in
        the file, the first here is meant, and the others keep their names.

    Returns
    -------
    dict
        Name in the file -> canonical name.
    """
    missing = {name: others for name, others in aliases.items() if name not in header}
    canonical = {next((o for o in others if o in header), None): name for name, others in missing.items()}
    return {name: canonical.get(name, name) for name in header}


def check_columns(
    paths_and_specs: list[tuple[Path, dict]], needed: list[tuple[str, str]], where: str
) -> None:
    """Check that every column a study needs stands in one of its tables.

    Parameters
    ----------
    paths_and_specs : list of (Path, dict)
        The tables and how they are read, see :func:`table_settings`.
    needed : list of (str, str)
        Column name and the configuration key that asks for it.
    where : str
        Key of the study, for the message.

    Raises
    ------
    PorevoxError
        Names the first column that is missing, the nearest one and the columns there are.
    """
    known: list[str] = []
    for path, spec in paths_and_specs:
        member = spec.get("member")
        names = list(rename(read_header(path, member), spec["aliases"]).values())
        if spec["id_column"] not in names:
            raise PorevoxError(
                f"The table {table_name(path, member)} has no id column `{spec['id_column']}`; set id_column "
                f"to one of {_some(names)}."
            )
        known += names
    files = ", ".join(table_name(path, spec.get("member")) for path, spec in paths_and_specs)
    for column, key in needed:
        if column not in known:
            raise PorevoxError(
                f"`{where}.{key}` names the column `{column}`, which {files} does not have; "
                f"{_nearest(column, known)}it has {_some(known)}."
            )


def _nearest(name: str, known: list[str]) -> str:
    """Ask whether the most similar name is meant, where one is similar whatever its case."""
    same = {other.casefold(): other for other in reversed(known)}
    close = difflib.get_close_matches(name.casefold(), same, n=1)
    return f"did you mean `{same[close[0]]}`? If so, say so here or under `aliases`; " if close else ""


def _some(names: list[str], most: int = 12) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def normalise_id(name: str) -> str:
    """Return the id that a table means: without surrounding spaces and without a final ``.cif``."""
    name = unicodedata.normalize("NFC", name.strip())
    return name[:-4] if name.lower().endswith(".cif") else name


def read_table(
    path: Path,
    id_column: str,
    aliases: dict[str, list[str]],
    member: str | None = None,
    columns: list[str] | None = None,
):
    """Read a table with every cell as text, indexed by id.

    Parameters
    ----------
    path : Path
        A CSV file, or an archive with one.
    id_column : str
        Column that names the structure, as in the file or by its canonical name.
    aliases : dict
        See :func:`rename`.
    member : str or None
        The table in the archive.
    columns : list of str or None
        Columns to keep, as far as the table has them; None: all. Large tables have many that nobody
        wants in memory.

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

    ids: list[str] = []
    with open_table(path, member) as opened:
        names, key = _names(opened.header, id_column, aliases, table_name(path, member))
        take = [i for i, name in enumerate(names) if i != key and (columns is None or name in columns)]
        kept: list[list[str]] = [[] for _ in take]
        for row in opened.rows:
            name = normalise_id(row[key])
            if name:
                ids.append(name)
                for cells, i in zip(kept, take, strict=True):
                    cells.append(row[i])
    index = pd.Index(ids, name="id", dtype=str)
    table = pd.DataFrame(dict(zip((names[i] for i in take), kept, strict=True)), index=index, dtype=str)
    if opened.delimiter == ";":
        # semicolons separate where the comma is the decimal sign
        table = table.replace(r"^([-+]?\d+),(\d+)", r"\1.\2", regex=True)
    return table


def _names(header: list[str], id_column: str, aliases: dict, where: str) -> tuple[list[str], int]:
    """Canonical names of a table's columns, and which of them names the structure."""
    names = list(rename(header, aliases).values())
    if id_column not in names:
        raise PorevoxError(
            f"The table {where} has no id column `{id_column}`; {_nearest(id_column, names)}it has "
            f"{_some(names)}."
        )
    return names, names.index(id_column)


def incomplete_rows(path: Path, spec: dict) -> dict[str, str]:
    """Find the rows of a table in which any cell is empty, NaN or infinite.

    The scripts of the thesis drop such rows for the Random Forest: ``DataFrame.dropna`` without a subset,
    after infinities have been made NaN, looks at every column and not only at those of the model
    (``rf.py`` of github.com/frudakis-research-group/retnet).

    Parameters
    ----------
    path : Path
        A CSV file, or an archive with one.
    spec : dict
        See :func:`table_settings`.

    Returns
    -------
    dict
        Id -> name of the first column without a value.

    Raises
    ------
    PorevoxError
        As for :func:`read_table`.
    """
    member = spec.get("member")
    found: dict[str, str] = {}
    with open_table(path, member) as opened:
        names, key = _names(opened.header, spec["id_column"], spec["aliases"], table_name(path, member))
        for row in opened.rows:
            if not NO_VALUE.isdisjoint(row):
                column = next((names[i] for i, cell in enumerate(row) if cell in NO_VALUE and i != key), None)
                if column is not None and row[key]:
                    found[normalise_id(row[key])] = column
    return found


def to_numbers(cells):
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
    import numpy as np
    import pandas as pd

    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)
