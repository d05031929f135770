"""Published numbers beside those computed here: value, interval, verdict.

The protocol is the thesis': RetNet is scored on all test structures, the forest on those whose
descriptors are numbers (rows "own"). The same is done on the rows that both could predict ("common").
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from porevox.compare import find_crossing
from porevox.errors import PorevoxError
from porevox.evaluate import SEED_MEAN
from porevox.scores.joint import CurvePoint, joint_curves
from porevox.scores.pooled import read_runs
from porevox.thesis import FOREST, NETWORK

COLUMNS = [
    *("part", "quantity", "rows", "section", "published", "rounding"),
    *("value", "ci_low", "ci_high", "verdict"),
    *("n_train", "n_test", "published_n_train", "published_n_test", "note"),
]
#: What the verdicts mean; the interval is that of this run.
VERDICTS = {
    "inside": "the published number lies inside this run's interval",
    "above": "the published number lies above this run's interval",
    "below": "the published number lies below this run's interval",
    "agrees": "the same choice as published",
    "differs": "another choice than published",
    "undefined": "this run has no number to compare with",
}
OWN, COMMON = "own", "common"
#: Quantities in percent, and in structures; the others are R2 and a number of epochs.
PERCENT = ("gain_percent", "transfer_percent")
STRUCTURES = ("crossing",)


def verdict(published: float, low: float, high: float, rounding: float = 0.0) -> str:
    """Say where a published number lies with respect to an interval.

    Parameters
    ----------
    published : float
        As printed.
    low, high : float
        The interval; infinite where a bound is beyond what was computed, NaN where it is undefined.
    rounding : float
        Half a unit of the last printed digit: the number may be this much larger or smaller.

    Returns
    -------
    str
        ``inside``, ``above``, ``below`` or ``undefined``, see :data:`VERDICTS`.
    """
    if math.isnan(low) or math.isnan(high):
        return "undefined"
    if published + rounding < low:
        return "below"
    return "above" if published - rounding > high else "inside"


def compare_with_published(
    published: Mapping,
    metrics: Mapping[str, Mapping[str, str | Path]],
    runs: Mapping[str, Mapping[str, Sequence[str | Path]]],
    epochs_csv: str | Path | None,
    resamples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare this run with the published numbers.

    Parameters
    ----------
    published : mapping
        The content of resources/thesis.yaml.
    metrics : mapping
        For each part (``mofs``, ``cofs``) the metrics.csv of RetNet and of the forest, by model.
    runs : mapping
        For each part the folders of all runs of these models, by model.
    epochs_csv : path or None
        The epoch table of the MOFs; None where that study has none.
    resamples, seed, confidence
        As for :func:`porevox.evaluate.evaluate_model`.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`: R2 without unit, gains in percent, crossings in structures. Bounds are
        NaN for a choice, and infinite for a crossing that is not reached.

    Raises
    ------
    PorevoxError
        When a table or a run cannot be read, or the models of a part share no test structure.
    """
    rows: list[dict] = []
    last: dict[str, dict] = {OWN: {}, COMMON: {}}
    for part, printed in published["parts"].items():
        members = {name: read_runs(folders) for name, folders in runs[part].items()}
        for where in (OWN, COMMON):
            curves = joint_curves(members, resamples, seed, common=where == COMMON)
            scores = _own_scores(metrics[part]) if where == OWN else _scores(curves, confidence)
            rows += _part_rows(part, printed, where, curves, scores, confidence)
            last[where][part] = curves[NETWORK][-1]
    rows += [_transfer_row(published, where, points, confidence) for where, points in last.items()]
    rows.append(_epochs_row(published["epochs"], epochs_csv))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(part, quantity, rows, printed, value, interval, point=None, sizes=None, note="") -> dict:
    """One row; `sizes` are the published numbers of training and test structures."""
    low, high = map(float, interval)
    rounding = printed.get("rounding", 0.0)
    row = {"part": part, "quantity": quantity, "rows": rows, "section": printed["section"]}
    row |= {"published": printed["value"], "rounding": rounding, "value": value}
    row |= {"ci_low": low, "ci_high": high, "verdict": verdict(printed["value"], low, high, rounding)}
    if point is not None:
        row |= {"n_train": point.n_used, "n_test": point.n_test}
    if sizes is not None:
        row |= {"published_n_train": sizes["n_train"], "published_n_test": sizes["n_test"]}
    return row | {"note": "; ".join(filter(None, (printed.get("words", ""), note)))}


def _own_scores(tables: Mapping[str, str | Path]) -> dict[str, tuple]:
    """R2 and its interval of each model at its largest size, as the scores of the study have them."""
    found = {}
    for model, path in tables.items():
        try:
            table = pd.read_csv(path, dtype={"seed": str, "size": str})
            table = table[
                (table["subset"] == "test") & (table["metric"] == "R2") & (table["seed"] == SEED_MEAN)
            ]
            best = table.loc[table["n_train"].idxmax()]
        except (OSError, ValueError, KeyError) as error:
            raise PorevoxError(f"{path} cannot be read ({error!r}): evaluate {model} again.") from error
        found[model] = float(best["value"]), (best["ci_low"], best["ci_high"])
    return found


def _scores(curves: Mapping[str, Sequence[CurvePoint]], confidence: float) -> dict[str, tuple]:
    return {
        name: (points[-1].value, interval(points[-1].samples, confidence)) for name, points in curves.items()
    }


def _part_rows(part, printed, where, curves, scores, confidence) -> list[dict]:
    """Rows of one database on one choice of test rows."""
    network, forest = curves[NETWORK][-1], curves[FOREST][-1]
    rows = []
    for model, point in ((NETWORK, network), (FOREST, forest)):
        value, bounds = scores[model]
        rows.append(_row(part, f"{model}_R2", where, printed[f"{model}_R2"], value, bounds, point, printed))
    if "gain_percent" in printed:
        value, bounds = _gain(network, forest, confidence)
        gain = printed["gain_percent"]
        rows.append(_row(part, "gain_percent", where, gain, value, bounds, network, printed))
    value, bounds, note = _crossing(curves[NETWORK], forest, confidence)
    rows.append(_row(part, "crossing", where, printed["crossing"], value, bounds, network, printed, note))
    return rows


def _transfer_row(published, where, points, confidence) -> dict:
    """R2 of RetNet on COFs against that on MOFs; their test sets are resampled independently."""
    # one seed draws the resamples of both: beside its own number each would be tied to the other
    mofs = replace(points["mofs"], samples=np.roll(points["mofs"].samples, 1))
    value, bounds = _gain(points["cofs"], mofs, confidence)
    printed, sizes = published["transfer_percent"], published["parts"]["cofs"]
    return _row("both", "transfer_percent", where, printed, value, bounds, points["cofs"], sizes)


def _gain(point: CurvePoint, base: CurvePoint, confidence: float) -> tuple[float, np.ndarray]:
    """How much larger one R2 is than the other, in percent; undefined unless the other is positive."""
    samples = np.where(base.samples > 0, 100 * (point.samples / base.samples - 1), np.nan)
    if not base.value > 0 or np.isnan(samples).any():
        return math.nan, np.array([math.nan, math.nan])
    return 100 * (point.value / base.value - 1), interval(samples, confidence)


def _crossing(challenger: Sequence[CurvePoint], goal: CurvePoint, confidence: float):
    """Size at which a curve reaches what the reference has at its largest size, interval and a note.

    A resample in which it is not reached counts as infinite.
    """
    sizes = [point.n_used for point in challenger]
    value = _reached(sizes, [point.value for point in challenger], goal.value)
    resampled = np.column_stack([point.samples for point in challenger])
    rows = zip(resampled, goal.samples, strict=True)
    samples = np.array([_reached(sizes, row, best) for row, best in rows])
    bounds = interval(samples, confidence)
    note = ""
    if math.isinf(value):
        note = f"not reached within {sizes[-1]} structures"
    elif value <= sizes[0]:
        note = f"already reached at the smallest size, {sizes[0]}: an upper bound"
    elif bounds[0] <= sizes[0]:
        note = f"the lower bound is the smallest size, {sizes[0]}"
    return value, bounds, note


def _reached(sizes: Sequence[int], values: Sequence[float], goal: float) -> float:
    curve = [(size, float(value)) for size, value in zip(sizes, values, strict=True)]
    size = find_crossing(curve, [(sizes[-1], float(goal))], 0)["size"]
    return math.inf if size is None else size


def interval(samples: np.ndarray, confidence: float) -> np.ndarray:
    """Percentile interval of samples that may be infinite: bounds are samples, nothing is interpolated.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (resamples,); NaN is left out.
    confidence : float
        0.95 for a 95 % interval.

    Returns
    -------
    numpy.ndarray
        Lower and upper bound; NaN where no sample is a number.
    """
    numbers = samples[~np.isnan(samples)]
    if not numbers.size:
        return np.array([math.nan, math.nan])
    return np.quantile(numbers, [(1 - confidence) / 2, (1 + confidence) / 2], method="inverted_cdf")


def _epochs_row(printed: Mapping, epochs_csv: str | Path | None) -> dict:
    """Number of epochs with the highest validation R2 of RetNet, and whether it is the published one."""
    nothing = (math.nan, math.nan)
    if epochs_csv is None:
        note = "no epoch table: no validation set, or fewer than 10 epochs"
        return _row("mofs", "epochs", "", printed, math.nan, nothing, note=note)
    try:
        table = pd.read_csv(epochs_csv, dtype={"seed": str})
        table = table[(table["model"] == NETWORK) & table["validation_R2"].notna()]
        means = table[table["seed"] == SEED_MEAN]
        table = (means if len(means) else table).set_index("epochs")["validation_R2"]
    except (OSError, ValueError, KeyError) as error:
        raise PorevoxError(f"{epochs_csv} cannot be read ({error!r}): train the study again.") from error
    if len(table) < 2:
        return _row("mofs", "epochs", "", printed, math.nan, nothing, note="only one number of epochs")
    scores = ", ".join(f"{number:.0f} epochs {value:.3f}" for number, value in table.items())
    best = float(table.idxmax())
    row = _row("mofs", "epochs", "", printed, best, nothing, note=f"validation R2: {scores}")
    return row | {"verdict": "agrees" if best == printed["value"] else "differs"}
