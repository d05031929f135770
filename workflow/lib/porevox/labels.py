"""Labels of structures, and the ledger of everything that cannot be used."""

from pathlib import Path

import pandas as pd

from porevox.errors import PorevoxError
from porevox.tables import read_table, to_numbers

DROP_COLUMNS = ["id", "stage", "reason", "detail", "affects"]


class Drops:
    """Ledger of what is not used, and by which models."""

    def __init__(self):
        self.rows: list[tuple[str, str, str, str, str]] = []

    def add(self, ids, stage: str, reason: str, detail: str = "", affects: str = "all") -> None:
        """Note ids that share a reason.

        Parameters
        ----------
        ids : iterable of str
            Structures or table rows.
        stage, reason : str
            Where it happened, and a key of :data:`porevox.errors.REASONS`.
        detail : str
            One sentence, or empty where the reason says it all.
        affects : {"all", "voxel_models", "descriptor_models"}
            Who cannot use them.
        """
        self.rows += [(name, stage, reason, detail, affects) for name in ids]

    def frame(self) -> pd.DataFrame:
        """Return the ledger as a table, sorted by stage, reason and id."""
        frame = pd.DataFrame(self.rows, columns=DROP_COLUMNS)
        return frame.sort_values(["stage", "reason", "id", "detail"], ignore_index=True)


def join_tables(tables: list[tuple[Path, dict]], columns: list[str], drops: Drops) -> pd.DataFrame:
    """Collect columns from several tables by id.

    A row that repeats an earlier one to the letter is dropped alone; an id whose rows contradict
    each other is dropped altogether, since nobody can say which is right.

    Parameters
    ----------
    tables : list of (Path, dict)
        Tables and their entries (``id_column``, ``aliases``).
    columns : list of str
        Columns to collect; the first table that has one wins.
    drops : Drops
        Ledger for duplicates.

    Returns
    -------
    pandas.DataFrame
        Text cells, index ``id`` without duplicates; cells without a row are empty.
    """
    joined = pd.DataFrame(index=pd.Index([], name="id"))
    missing = list(columns)
    contradicting: set[str] = set()
    for path, spec in tables:
        table = read_table(path, spec["id_column"], spec["aliases"])
        take = [name for name in missing if name in table.columns]
        missing = [name for name in missing if name not in take]
        table = table[take]
        first = ~table.index.duplicated()
        repeated = table[~first]
        same = (repeated.to_numpy() == table[first].loc[repeated.index].to_numpy()).all(axis=1)
        drops.add(repeated.index[same], "labels", "duplicate_label", f"The row is repeated in {path}.")
        contradicting |= set(repeated.index[~same])
        joined = joined.join(table[first], how="outer")
    drops.add(
        sorted(contradicting),
        "labels",
        "duplicate_label",
        "Rows of this id contradict each other: none is used.",
    )
    return joined.drop(index=sorted(contradicting)).fillna("")[columns]


def label_structures(
    structures: pd.Index, cells: pd.DataFrame, target: str, faulty: dict[str, str], drops: Drops
) -> pd.Series:
    """Return the finite labels of the structures there are, and account for all others.

    Parameters
    ----------
    structures : pandas.Index of str
        Ids of the manifest.
    cells : pandas.DataFrame
        Joined tables, see :func:`join_tables`.
    target : str
        Column with the label.
    faulty : dict
        Ids to leave out, each with the reason.
    drops : Drops
        Ledger.

    Returns
    -------
    pandas.Series of float64
        Label of each usable structure, index ``id``, sorted.

    Raises
    ------
    PorevoxError
        If no structure has a label.
    """
    contradicting = {row[0] for row in drops.rows if row[2] == "duplicate_label"} - set(cells.index)
    drops.add(cells.index.difference(structures), "labels", "no_structure")
    drops.add(structures.difference(cells.index).difference(list(contradicting)), "labels", "no_label")
    known = structures.intersection(cells.index)
    for name in known.intersection(list(faulty)):
        drops.add([name], "labels", "known_faulty", faulty[name])
    known = known.difference(list(faulty))
    values = pd.Series(to_numbers(cells.loc[known, target]), index=known)
    for name in values.index[values.isna()]:
        drops.add([name], "labels", "label_not_finite", f"{target} is {cells.at[name, target]!r}.")
    values = values.dropna().sort_index()
    if values.empty:
        raise PorevoxError(
            f"No structure of {len(structures)} has a finite label `{target}` among {len(cells)} rows: "
            f"compare the file names (such as {', '.join(structures[:1]) or '-'}) with the id column "
            f"(such as {', '.join(cells.index[:1]) or '-'})."
        )
    return values
