"""The table of ``porevox predict`` in a terminal, however narrow."""

import textwrap

import pandas as pd

_BOLD, _RED, _PLAIN = "\033[1m", "\033[31m", "\033[0m"
#: Columns that the numbers take: value, interval, distance, mark, and what is between them.
_NUMBERS = 41
_LEAST_NAME = 10


def show(
    ranked: pd.DataFrame, rejected: list[tuple], record: dict, level: float, width: int, colour: bool
) -> str:
    """Write predictions for a person.

    Parameters
    ----------
    ranked : pandas.DataFrame
        See :func:`porevox.ranking.rank`.
    rejected : list of tuple
        Id, reason and detail of structures that could not be used.
    record : dict
        Of the model.
    level : float
        Nominal coverage of the intervals.
    width : int
        Columns of the terminal.
    colour : bool
        Whether names and warnings are marked with colours.

    Returns
    -------
    str
        Lines no longer than `width`, as far as it leaves room for the numbers.
    """
    target = record["target"]
    label = (target.get("label") or target["column"]) + (
        f" in {target['unit']}" if target.get("unit") else ""
    )
    model = f"{record['model']} ({record['type']}, {record['n_train']} training structures)"
    lines = _wrapped(f"{label}, by {model}", width)
    if len(ranked):
        lines += ["", *_rows(ranked, level, width, colour), *_notes(ranked, width, colour)]
    if rejected:
        lines += ["", "not used:"]
        for id, reason, detail in rejected:
            lines += _wrapped(f"{id}: {reason} ({detail})", width, "  ")
    return "\n".join(lines)


def _rows(ranked: pd.DataFrame, level: float, width: int, colour: bool) -> list[str]:
    room = max(_LEAST_NAME, width - _NUMBERS)
    longest = min(room, max(len("structure"), int(ranked["id"].str.len().max())))
    head = f"{'structure':<{longest}} {'predicted':>10} {f'{100 * level:g} % interval':>18} {'distance':>8}"
    lines = [_painted(head, _BOLD, colour)]
    low, high = (next(name for name in ranked if name.startswith(stem)) for stem in ("low", "high"))
    value = next(name for name in ranked if name.startswith("predicted"))
    for row in ranked.to_dict("records"):
        interval = f"{row[low]:.4g} to {row[high]:.4g}"
        mark = "!" if row["why"] or row["in_training_set"] != "no" else ""
        text = f"{_shortened(row['id'], longest):<{longest}} {row[value]:>10.4g} {interval:>18}"
        text += f" {row['distance']:>8.2f}"
        lines.append(text + (_painted(f" {mark}", _RED, colour) if mark else ""))
    return lines


def _notes(ranked: pd.DataFrame, width: int, colour: bool) -> list[str]:
    lines = []
    for row in ranked.to_dict("records"):
        known = "" if row["in_training_set"] == "no" else f"in the training set ({row['in_training_set']})"
        outside = f"out of domain, {row['why']}" if row["why"] else ""
        text = "; ".join(filter(None, [outside, known]))
        lines += _wrapped(f"! {row['id']}: {text}", width, "  ") if text else []
    closing = "distance: to the nearest training structure; beyond 1 the model has seen nothing like it"
    return ["", *lines, *_wrapped(closing, width)]


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=indent + "  " if indent else "  ")


def _shortened(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 3]}..."


def _painted(text: str, code: str, colour: bool) -> str:
    return f"{code}{text}{_PLAIN}" if colour else text
