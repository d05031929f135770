"""How many structures came in, how many were used, and what became of the others."""

from collections import Counter
from collections.abc import Iterable, Mapping

from porevox.errors import REASONS
from porevox.pages.html import Markup, element, joined, table

#: Reasons that concern a file of the source or a row of a table, and cost no structure of the manifest.
NOT_STRUCTURES = ("unsafe_path", "duplicate_id", "not_a_file", "bad_name", "no_structure", "duplicate_label")
#: Who does without a structure, in words.
AFFECTED = {
    "all": "all models",
    "voxel_models": "models that see voxels",
    "descriptor_models": "models that see descriptors",
}


def ledger_sentences(
    n_structures: int,
    n_usable: int,
    drops: Iterable[dict[str, str]],
    totals: Mapping[str, int] | None = None,
) -> list[str]:
    """Say what became of a dataset's structures.

    Parameters
    ----------
    n_structures, n_usable : int
        That came in, and that some model could use.
    drops : iterable of dict
        Rows of drops.csv.
    totals : mapping, optional
        Number of drops by "stage/reason", where the table does not list every one.

    Returns
    -------
    list of str
        One sentence on structures that no model could use, one on those that only some could, one on
        files and rows that were never a structure of their own.
    """
    drops = list(drops)
    rows = [row for row in drops if row["reason"] in NOT_STRUCTURES]
    partly = [row for row in drops if row["affects"] != "all" and row["reason"] not in NOT_STRUCTURES]
    lost = [row for row in drops if row["affects"] == "all" and row["reason"] not in NOT_STRUCTURES]
    told = _reasons(lost) or ("none was dropped" if n_structures == n_usable else "")
    said = [f"{n_structures:,} structures in, {n_usable:,} used{'; ' if told else ''}{told}."]
    if partly:
        said.append(f"Used by some of the models only: {_reasons(partly)}.")
    if rows:
        said.append(f"Files and table rows set aside: {_reasons(rows, totals)}.")
    return said


def _reasons(drops: list[dict[str, str]], totals: Mapping[str, int] | None = None) -> str:
    """Reasons in order of how many ids they concern, the first five by name."""
    counts = Counter(reason for _, reason in {(row["id"], row["reason"]) for row in drops})
    for stage, reason in {(row["stage"], row["reason"]) for row in drops}:
        counts[reason] = max(counts[reason], (totals or {}).get(f"{stage}/{reason}", 0))
    told = [f"{count:,} because {REASONS.get(reason, reason)}" for reason, count in _sorted(counts)[:5]]
    if len(counts) > 5:
        told.append(f"{len(counts) - 5} more reasons in the table")
    return "; ".join(told)


def _sorted(counts: Counter) -> list[tuple]:
    """Largest first, and in order of names where equal: the same page each time."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def ledger_table(drops: Iterable[dict[str, str]], totals: Mapping[str, int] | None = None) -> Markup:
    """Count the ledger by stage, reason and who is affected.

    Parameters
    ----------
    drops : iterable of dict
        Rows of drops.csv.
    totals : mapping, optional
        See :func:`ledger_sentences`.

    Returns
    -------
    Markup
        A table; empty where nothing was dropped.
    """
    counts = Counter((row["stage"], row["reason"], row["affects"]) for row in drops)
    for stage, reason, affects in counts:
        if reason in NOT_STRUCTURES:
            total = (totals or {}).get(f"{stage}/{reason}", 0)
            counts[stage, reason, affects] = max(counts[stage, reason, affects], total)
    rows = [
        (
            element("code", reason),
            f"{count:,}",
            stage,
            REASONS.get(reason, ""),
            AFFECTED.get(affects, affects),
        )
        for (stage, reason, affects), count in _sorted(counts)
    ]
    return table(("reason", "rows", "stage", "meaning", "lost for"), rows) if rows else joined(())
