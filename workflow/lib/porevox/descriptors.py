"""Descriptors of structures: numbers or nothing, and a note of every one that is missing."""

from pathlib import Path

import numpy as np
import pandas as pd

from porevox.errors import PorevoxError
from porevox.labels import Drops
from porevox.tables import incomplete_rows, to_numbers


def add_descriptors(
    table: pd.DataFrame, cells: pd.DataFrame, columns: list[str], drops: Drops
) -> pd.DataFrame:
    """Add descriptor columns as numbers; what is not finite stays empty and is noted.

    Parameters
    ----------
    table : pandas.DataFrame
        With a column ``id``.
    cells : pandas.DataFrame
        Joined tables.
    columns : list of str
        Descriptor columns.
    drops : Drops
        Ledger; the structures are noted for the descriptor models.

    Returns
    -------
    pandas.DataFrame
        The table with the columns added.

    Raises
    ------
    PorevoxError
        When the table has a column of that name already: a label must not become a descriptor.
    """
    rows = cells.loc[table["id"]]
    for column in columns:
        if column in table:
            raise PorevoxError(
                f"The descriptor `{column}` has the name of a column of the dataset's own table: rename it "
                "in your table."
            )
        values = to_numbers(rows[column])
        table[column] = values
        for name in rows.index[np.isnan(values)]:
            detail = f"{column} is {cells.at[name, column]!r}."
            drops.add([name], "dataset", "descriptor_not_finite", detail, "descriptor_models")
    return table


def drop_incomplete(
    table: pd.DataFrame, tables: list[tuple[Path, dict]], descriptors: list[str], drops: Drops
) -> pd.DataFrame:
    """Take the descriptors from structures whose row is incomplete, where a table's entry says so.

    Parameters
    ----------
    table : pandas.DataFrame
        With a column ``id`` and the descriptors.
    tables : list of (Path, dict)
        Tables and how they are read; those with ``complete_rows`` count.
    descriptors : list of str
        Columns of the descriptor models.
    drops : Drops
        Ledger; the structures are noted for the descriptor models.

    Returns
    -------
    pandas.DataFrame
        The table without these descriptors: descriptor models leave such structures out, others do not.
    """
    found: dict[str, str] = {}
    for path, spec in tables if descriptors else ():
        if spec.get("complete_rows"):
            found = incomplete_rows(path, spec) | found
    there = [name for name in descriptors if name in table]
    complete = table[there].notna().all(axis=1)
    rows = table.index[complete & table["id"].isin(list(found))] if there else []
    for name in table.loc[rows, "id"]:
        drops.add([name], "dataset", "incomplete_row", f"{found[name]} has no value.", "descriptor_models")
    table.loc[rows, there] = float("nan")
    return table
