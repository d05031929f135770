"""What came out of a study, in sentences made from its numbers."""

import csv
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from porevox.pages.html import number, unit_text

#: In the overview's table. Not Top10: of some hundred structures its interval is too wide to choose by.
METRICS = ("R2", "MAE", "RMSE", "Spearman")


@dataclass(frozen=True)
class FullSize:
    """One model at its largest training-set size: ``scores`` maps a metric to value, low and high."""

    model: str
    n_train: str
    n_used: str
    n_test: int
    n_seeds: int
    scores: dict[str, tuple[float, float, float]]


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """Read a CSV.

    Parameters
    ----------
    path : path-like
        With a header.

    Returns
    -------
    list of dict
        Cells as text, by column.
    """
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _value(text: str) -> float:
    return float(text) if text else math.nan


def full_size(metrics: Iterable[dict[str, str]]) -> list[FullSize]:
    """Pick the scores of every model on the test set at its largest size, averaged over seeds.

    Parameters
    ----------
    metrics : iterable of dict
        Rows of metrics.csv, in order of size.

    Returns
    -------
    list of FullSize
        In the order of the study's list of models.
    """
    rows = [row for row in metrics if row.get("subset", "test") == "test"]
    found = []
    for model in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == model]
        largest = max((row["n_train"] for row in own), key=float)
        own = [row for row in own if row["n_train"] == largest]
        means = [row for row in own if row["seed"] == "mean"]
        scores = {row["metric"]: _score(row) for row in means}
        seeds = {row["seed"] for row in own} - {"mean", "ensemble"}
        if means:
            head = (model, largest, means[0]["n_used"], int(float(means[0]["n_test"])))
            found.append(FullSize(*head, len(seeds), scores))
    return found


def _score(row: dict[str, str]) -> tuple[float, float, float]:
    value, low, high = (_value(row[key]) for key in ("value", "ci_low", "ci_high"))
    return value, low, high


def with_interval(score: tuple[float, float, float], digits: int = 3) -> str:
    """Write a score with its interval.

    Parameters
    ----------
    score : tuple of float
        Value, low and high.
    digits : int
        After the point.

    Returns
    -------
    str
        Such as ``0.616 [0.495, 0.693]``; a dash where the metric is not defined.
    """
    value, low, high = (number(x, digits) for x in score)
    return value if math.isnan(score[0]) else f"{value} [{low}, {high}]"


def sentences(
    models: list[FullSize],
    comparison: Iterable[dict[str, str]],
    crossing: str,
    names: dict[str, str],
    unit: str,
    confidence: float,
) -> list[str]:
    """Judge a study.

    Parameters
    ----------
    models : list of FullSize
        See :func:`full_size`.
    comparison : iterable of dict
        Rows of comparison.csv.
    crossing : str
        What crossing.json states.
    names : dict of str
        Names to show, by model.
    unit : str
        The target's.
    confidence : float
        Of the intervals.

    Returns
    -------
    list of str
        Which model has the highest R2 (and whether that is better than nothing), what the
        comparisons show, and where the learning curves cross.
    """
    scored = [model for model in models if not math.isnan(_r2(model)[0])]
    if not scored:
        return ["No R² is defined: the test set is too small, or its values are all equal."]
    best = max(scored, key=lambda model: _r2(model)[0])
    said = [_best(best, names, unit, confidence)]
    if _r2(best)[1] <= 0:
        said.append(
            "That interval holds 0: this test set does not show that any model is better than naming the "
            "mean for every structure."
        )
    said += _smallest_error(scored, best, names, unit)
    if len({model.n_test for model in scored}) > 1:
        said.append("The models could not all predict the same structures: compare them by the differences.")
    return said + differences(comparison, names) + ([f"{crossing}."] if crossing else [])


def _r2(model: FullSize) -> tuple[float, float, float]:
    return model.scores.get("R2", (math.nan,) * 3)


def _best(best: FullSize, names: dict[str, str], unit: str, confidence: float) -> str:
    value, low, high = map(number, _r2(best))
    mae = best.scores.get("MAE", (math.nan,))[0]
    off = "" if math.isnan(mae) else f", wrong by {mae:.3g} {unit_text(unit)}".rstrip() + " on average (MAE)"
    name = names.get(best.model, best.model)
    return (
        f"Highest R²: {name}, {value} ({100 * confidence:g} % CI {low} to {high}) "
        f"on {best.n_test:,} structures that it did not learn from, after {_count(best.n_train)} "
        f"training structures{off}."
    )


def _smallest_error(models: list[FullSize], best: FullSize, names: dict[str, str], unit: str) -> list[str]:
    """Say so where the error that counts all structures alike speaks for another model."""
    errors = {model.model: model.scores["MAE"][0] for model in models if "MAE" in model.scores}
    least = min(errors, key=errors.__getitem__, default=best.model)
    if least == best.model:
        return []
    return [
        f"{names.get(least, least)} has the smallest MAE, {errors[least]:.3g} {unit_text(unit)}".rstrip()
        + ": R² weighs the few structures that are far off, the MAE all alike."
    ]


def _count(text: str) -> str:
    return f"{float(text):,.0f}"


def differences(comparison: Iterable[dict[str, str]], names: dict[str, str]) -> list[str]:
    """Say of every pair of models whether its difference of R2 at the largest common size is shown.

    Parameters
    ----------
    comparison : iterable of dict
        Rows of comparison.csv.
    names : dict of str
        Names to show, by model.

    Returns
    -------
    list of str
        One sentence per pair.
    """
    last: dict[tuple[str, str], dict[str, str]] = {}
    for row in comparison:
        pair = row["challenger"], row["reference"]
        if row["metric"] == "R2" and row["value"]:
            last[pair] = max(last.get(pair, row), row, key=lambda r: float(r["n_train"]))
    return [_difference(row, names) for row in last.values()]


def _difference(row: dict[str, str], names: dict[str, str]) -> str:
    value, low, high = _score(row)
    challenger, reference = (names.get(row[role], row[role]) for role in ("challenger", "reference"))
    if low > 0 or high < 0:
        better, worse = (challenger, reference) if value > 0 else (reference, challenger)
        shown = f"{better} is better than {worse} on these structures, beyond what redrawing them would undo"
    else:
        shown = "the interval holds 0, so these structures do not show which of the two is better"
    return (
        f"{challenger} minus {reference} at {_count(row['n_train'])} training structures: "
        f"ΔR² = {_signed(value)} [{_signed(low)}, {_signed(high)}]; {shown}."
    )


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value)


def crossing_statement(path: str | Path) -> str:
    """Read what crossing.json states, without a full stop.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    str
        With R2 written as R².
    """
    statement = json.loads(Path(path).read_text(encoding="utf-8"))["statement"]
    return statement.rstrip(".").replace("R2", "R²")
