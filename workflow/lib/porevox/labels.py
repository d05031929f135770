"""Labels of structures, and the ledger of everything that cannot be used."""

import logging
from collections import Counter
from pathlib import Path

import pandas as pd

from porevox.errors import PorevoxError
from porevox.sample import left_out
from porevox.tables import check_columns, normalise_id, read_table, to_numbers

LOG = logging.getLogger("porevox")
DROP_COLUMNS = ["id", "stage", "reason", "detail", "affects"]
#: Rows of a label table without a structure are listed up to this number, and counted beyond it.
MOST_LISTED = 1000
#: Share of the structures without a label from which on the user is warned.
MANY = 0.1


class Drops:
    """Ledger of what is not used, and by which models."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str, str]] = []
        #: Rows that are counted without being listed, by stage and reason.
        self.unlisted: Counter[tuple[str, str]] = Counter()
        #: What the user should look at, one sentence each.
        self.warnings: list[str] = []

    def add(
        self,
        ids,
        stage: str,
        reason: str,
        detail: str = "",
        affects: str = "all",
        most: int | None = None,
    ) -> None:
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
        most : int or None
            List no more than this, and count the others in a row without an id; None: list all.
        """
        ids = list(ids)
        self.rows += [(name, stage, reason, detail, affects) for name in ids[:most]]
        if most is not None and len(ids) > most:
            rest = len(ids) - most
            self.unlisted[stage, reason] += rest
            self.rows.append(("", stage, reason, f"... and {rest} more.", affects))

    def warn(self, sentence: str) -> None:
        """Tell the user something, in the log and in the summary.

        Parameters
        ----------
        sentence : str
            What was noticed, and what to compare.
        """
        LOG.warning("%s", sentence)
        self.warnings.append(sentence)

    def frame(self) -> pd.DataFrame:
        """Return the ledger as a table, sorted by stage, reason and id."""
        frame = pd.DataFrame(self.rows, columns=DROP_COLUMNS)
        return frame.sort_values(["stage", "reason", "id", "detail"], ignore_index=True)

    def counts(self) -> dict[str, int]:
        """Return how many ids were dropped, by ``stage/reason`` and in order."""
        frame = self.frame()
        listed = frame[frame["id"] != ""].groupby(["stage", "reason"])["id"].nunique()
        return {"/".join(key): int(n) + self.unlisted[key] for key, n in listed.items()}


def check_needed(tables: list[tuple[Path, dict]], study: dict) -> None:
    """Check that the tables have what a study needs, before anything is read of them.

    Downloads are not there when a run is planned, so that this may be the first look at them.

    Parameters
    ----------
    tables : list of (Path, dict)
        Tables and how they are read, see :func:`porevox.tables.table_settings`.
    study : dict
        See :func:`porevox.specs.dataset_spec`.

    Raises
    ------
    PorevoxError
        Names the first column that is missing, and the nearest there is.
    """
    groups = [study["split"]["group_column"]] if study["split"]["kind"] == "group" else []
    needed = [(study["target"]["column"], "target")]
    needed += [(column, "descriptors") for column in study["descriptors"]]
    needed += [(column, "split.group_column") for column in groups]
    check_columns(tables, needed, f"studies.{study['study']}")
    bounded = [(rule["column"], "faulty_where") for rule in study.get("faulty_where", ())]
    check_columns(tables, bounded, f"datasets.{study['dataset']}")


def join_tables(tables: list[tuple[Path, dict]], columns: list[str], drops: Drops) -> pd.DataFrame:
    """Collect columns from several tables by id.

    A row that repeats an earlier one to the letter is dropped alone; an id whose rows contradict
    each other is dropped altogether, since nobody can say which is right.

    Parameters
    ----------
    tables : list of (Path, dict)
        Tables and how they are read, see :func:`porevox.tables.table_settings`.
    columns : list of str
        Columns to collect; the first table that has one wins.
    drops : Drops
        Ledger for duplicates.

    Returns
    -------
    pandas.DataFrame
        Text cells, index ``id`` without duplicates; cells without a row are empty, those of the first
        column missing: an id without a label is told from an empty label.
    """
    joined = pd.DataFrame(index=pd.Index([], name="id"))
    missing = list(columns)
    contradicting: set[str] = set()
    for path, spec in tables:
        table = read_table(path, spec["id_column"], spec["aliases"], spec.get("member"), missing)
        take = [name for name in missing if name in table.columns]
        missing = [name for name in missing if name not in take]
        if not take:  # what its rows name and repeat is nobody's business
            continue
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
    return joined.drop(index=sorted(contradicting)).fillna(dict.fromkeys(columns[1:], ""))[columns]


def faulty_rows(cells: pd.DataFrame, known: dict[str, str], rules: list[dict]) -> dict[str, str]:
    """Find the rows that a dataset's entry calls faulty, by name or by what they hold.

    Parameters
    ----------
    cells : pandas.DataFrame
        Joined tables, see :func:`join_tables`.
    known : dict
        Ids, with or without a final ``.cif`` as in tables, each with the reason.
    rules : list of dict
        ``column``, ``min`` and ``max`` (either may be None) and ``reason``.

    Returns
    -------
    dict
        Id -> reason. A cell without a finite number is not outside of any limits.
    """
    found: dict[str, str] = {}
    for rule in rules:
        values = pd.Series(to_numbers(cells[rule["column"]]), index=cells.index)
        low, high = (float("nan") if rule[key] is None else rule[key] for key in ("min", "max"))
        for name in values.index[(values < low) | (values > high)]:
            cell = cells.at[name, rule["column"]]
            found.setdefault(name, f"{rule['reason']} ({rule['column']} is {cell}).")
    return found | {normalise_id(name): reason for name, reason in known.items()}


def label_structures(
    structures: pd.Index,
    cells: pd.DataFrame,
    target: str,
    faulty: dict[str, str],
    drops: Drops,
    sampled: bool = False,
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
        Ids to leave out, each with the reason, see :func:`faulty_rows`.
    drops : Drops
        Ledger.
    sampled : bool
        Whether the structures are a sample: labels of those beyond it are not drops.

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
    strangers = cells.index.difference(structures)
    if sampled:
        strangers = strangers.difference(list(left_out(strangers, structures)))
    drops.add(strangers, "labels", "no_structure", most=MOST_LISTED)
    cells = cells[cells[target].notna()]  # other tables may have rows of more structures
    unlabelled = structures.difference(cells.index).difference(list(contradicting))
    drops.add(unlabelled, "labels", "no_label")
    known = structures.intersection(cells.index)
    if known.empty:
        raise PorevoxError(
            f"0 of {len(structures):,} structures have a label `{target}`; first ids on each side: "
            f"{_first(structures)} are structures, {_first(cells.index)} rows of the tables: correct "
            "`id_column`, or the names on one side."
        )
    if len(unlabelled) > MANY * len(structures):
        drops.warn(
            f"{len(unlabelled):,} of {len(structures):,} structures have no label, such as "
            f"{_first(unlabelled)}; rows without a structure: {_first(strangers)}."
        )
    return _finite_labels(known, cells, target, faulty, drops)


def _finite_labels(
    known: pd.Index, cells: pd.DataFrame, target: str, faulty: dict[str, str], drops: Drops
) -> pd.Series:
    for name in known.intersection(list(faulty)):
        drops.add([name], "labels", "known_faulty", faulty[name])
    known = known.difference(list(faulty))
    values = pd.Series(to_numbers(cells.loc[known, target]), index=known)
    for name in values.index[values.isna()]:
        drops.add([name], "labels", "label_not_finite", f"{target} is {cells.at[name, target]!r}.")
    if values.notna().any():
        return values.dropna().sort_index()
    shown = ", ".join(map(repr, cells.loc[known[:3], target])) or "all in faulty rows"
    raise PorevoxError(
        f"0 of {len(values):,} structures have a finite label `{target}`: its first cells are {shown}; name "
        "another column, or mend the table."
    )


def _first(ids: pd.Index, n: int = 3) -> str:
    return ", ".join(ids[:n]) or "none"
