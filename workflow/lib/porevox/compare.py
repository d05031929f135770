"""Does the challenger beat the reference, and with how few structures?

Both are scored on the rows that both could predict, and on the same resamples of them: what they
find hard alike then cancels, and the interval of the difference is narrower (and fairer) than two
separate intervals let one guess.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from porevox.errors import PorevoxError
from porevox.learning.runs import write_json
from porevox.scores.bootstrap import bootstrap_metrics, percentile_interval
from porevox.scores.metrics import METRICS, CountScorer
from porevox.scores.pooled import read_runs
from porevox.scores.scored_runs import Run, stack_predictions, write_table

COMPARISON_COLUMNS = [
    *("challenger", "reference", "n_train", "n_used_challenger", "n_used_reference", "metric"),
    *("value", "ci_low", "ci_high", "challenger_value", "reference_value"),
    *("n_test_challenger", "n_test_reference", "n_test_common"),
]
ROLES = ("challenger", "reference")
DISPLAY_NAMES = {
    "retnet": "RetNet",
    "retnet-plain": "RetNet, not augmented",
    "thesis": "RetNet, thesis",
    "best": "RetNet, best",
    "best-methane": "RetNet, best",
    "rf": "RF",
    "kernel": "Kernel ridge",
    "boosting": "Boosting",
    "lasso": "LASSO",
    "physics": "Physics",
    "mean": "Mean",
}


def display_name(model: str, labels: Mapping[str, str] | None = None) -> str:
    """Name of a model as it is shown to readers.

    Parameters
    ----------
    model : str
        The model's key in the config.
    labels : mapping, optional
        Names to show, by key; they go before the built-in ones.

    Returns
    -------
    str
        The name to show; the key itself where there is no other.
    """
    return (labels or {}).get(model) or DISPLAY_NAMES.get(model, model)


def compare(
    runs: Mapping[str, Iterable[str | Path]],
    pairs: Sequence[Mapping[str, str]],
    out_csv: str | Path,
    out_json: str | Path,
    resamples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
    labels: Mapping[str, str] | None = None,
) -> dict:
    """Compare pairs of models at each training-set size they share, and find where two curves meet.

    Parameters
    ----------
    runs : mapping of str to iterable of path
        Folders of every run, by model; models that no pair names are ignored, and the splits of a
        cross-validation are pooled.
    pairs : sequence of mapping
        Keys of ``runs`` as ``challenger`` and ``reference``. A pair of which one is missing gives no
        rows.
    out_csv : path
        comparison.csv: per pair, common size (``n_train``) and metric the difference challenger minus
        reference on the common test rows with its paired interval (value, ci_low, ci_high), both
        models' own values there, and how many rows each was scored on. Values average over seeds.
    out_json : path
        crossing.json of the first pair, see :func:`find_crossing`.
    resamples, seed, confidence
        As in :func:`porevox.evaluate.evaluate_model`.
    labels : mapping, optional
        Names to show in the statement, by model.

    Returns
    -------
    dict
        The content of crossing.json.

    Raises
    ------
    PorevoxError
        When a run cannot be read, two models of a pair share no test row, or disagree on a true value.
    """
    named = {name for pair in pairs for name in pair.values()}
    members = {name: read_runs(folders) for name, folders in runs.items() if name in named}
    rows, crossings = [], []
    for pair in pairs:
        own = {role: members.get(pair[role], []) for role in ROLES}
        shown = [display_name(pair[role], labels) for role in ROLES]
        table, crossing = _compare_pair(pair, own, shown, resamples, seed, confidence)
        rows += table
        crossings.append({role: pair[role] for role in ROLES} | crossing)
    write_table(pd.DataFrame(rows, columns=COMPARISON_COLUMNS), out_csv)
    write_json(out_json, crossings[0])
    return crossings[0]


def _compare_pair(
    pair: Mapping[str, str],
    members: Mapping[str, Sequence[Run]],
    shown: Sequence[str],
    resamples: int,
    seed: int,
    confidence: float,
) -> tuple[list[tuple], dict]:
    """Rows of comparison.csv for one pair, and where its curves cross."""
    if not all(members.values()):
        return [], _crossing(f"No comparison: {' or '.join(shown)} was not trained.")
    names = {role: pair[role] for role in ROLES}
    curves, samples, common = _score_on_common(members, resamples, seed)
    table = _difference_rows(names, members, curves, samples, common, confidence)
    challenger, reference = ([_r2_point(point) for point in curves[role]] for role in ROLES)
    return table, find_crossing(challenger, reference, common, *shown)


def _score_on_common(
    members: Mapping[str, Sequence[Run]], resamples: int, seed: int
) -> tuple[dict, dict, int]:
    """Score both models on the rows all of their runs share.

    Returns per role a list of (n_train, n_used, values (4,)) in order of size, per (role, n_train)
    the resampled values averaged over seeds (resamples, 4), and the number of common rows.
    """
    runs = [run for group in members.values() for run in group]
    for run in runs:
        if "test" not in run.rows:
            raise PorevoxError(f"{run.folder} holds no test predictions: the test set is empty.")
    common = sorted(set.intersection(*(set(run.rows["test"].index) for run in runs)))
    if not common:
        raise PorevoxError(
            f"{runs[0].folder} and {runs[-1].folder} share no test structure: "
            "compare models of the same split."
        )
    y_true, y_pred = stack_predictions(runs, "test", common)
    values = CountScorer(y_true, y_pred)(np.ones((1, y_true.size)))[0]
    drawn = bootstrap_metrics(y_true, y_pred, resamples, seed)
    curves: dict[str, list[tuple]] = {}
    samples: dict[tuple[str, int], np.ndarray] = {}
    for role, group in members.items():
        curves[role] = []
        for n_train in sorted({run.n_train for run in group}):
            columns = [k for k, run in enumerate(runs) if run in group and run.n_train == n_train]
            n_used = runs[columns[0]].n_used
            curves[role].append((n_train, n_used, values[columns].mean(axis=0)))
            samples[role, n_train] = drawn[:, columns].mean(axis=1)
    return curves, samples, len(common)


def _difference_rows(names, members, curves, samples, common, confidence) -> list[tuple]:
    """Rows of comparison.csv."""
    scored = [len(members[role][0].rows["test"]) for role in names]
    points = {role: {n: (used, values) for n, used, values in curves[role]} for role in names}
    rows = []
    for n_train in sorted(points["challenger"].keys() & points["reference"].keys()):
        used, values = zip(*(points[role][n_train] for role in names), strict=True)
        differences = samples["challenger", n_train] - samples["reference", n_train]
        low, high = percentile_interval(differences, confidence)
        for j, metric in enumerate(METRICS):
            own = (values[0][j], values[1][j])
            rows.append(
                (*names.values(), n_train, *used, metric)
                + (own[0] - own[1], low[j], high[j], *own, *scored, common)
            )
    return rows


def _r2_point(point: tuple[int, int, np.ndarray]) -> tuple[int, float]:
    return point[1], float(point[2][METRICS.index("R2")])


def find_crossing(
    challenger: Sequence[tuple[int, float]],
    reference: Sequence[tuple[int, float]],
    n_common: int,
    challenger_name: str = "challenger",
    reference_name: str = "reference",
) -> dict:
    """Find the training-set size at which the challenger reaches the reference's best R2.

    Parameters
    ----------
    challenger, reference : sequence of (int, float)
        Training structures used and R2 on the common test rows, in rising order of size.
    n_common : int
        Number of common test rows.
    challenger_name, reference_name : str
        Names for the statement.

    Returns
    -------
    dict
        reached (bool), size (float or None), bounded_by_smallest (bool: already reached at the
        smallest size, which is then only an upper bound), reference_best_R2,
        reference_best_size, challenger_largest_size, n_common, statement.

    Notes
    -----
    "Best" is the highest R2 over all of the reference's sizes. The thesis (section 4.2) takes the R2
    at the largest size, which is the same as long as more data do not hurt. The first size at or
    above that R2 counts; between it and the size before, R2 is taken as linear in log10(size).
    """
    usable = [point for point in challenger if math.isfinite(point[1])]
    candidates = [point for point in reference if math.isfinite(point[1])]
    if not usable or not candidates:
        return _crossing("No comparison: R2 is undefined on the common test rows.", n_common)
    best_size, best = max(candidates, key=lambda point: point[1])
    facts = {"best": best, "best_size": best_size, "largest": usable[-1][0]}
    goal = f"{reference_name}'s best R2 ({best:.2f}, at {best_size} structures)"
    place = next((i for i, (_, r2) in enumerate(usable) if r2 >= best), None)
    if place is None:
        sentence = f"{challenger_name} does not reach {goal} within {usable[-1][0]} structures"
        return _crossing(sentence, n_common, **facts)
    if place == 0:
        size = float(usable[0][0])
        sentence = f"{challenger_name} reaches {goal} with at most {usable[0][0]} structures"
        return _crossing(sentence, n_common, size=size, bounded=True, **facts)
    (size_before, r2_before), (size_after, r2_after) = usable[place - 1 : place + 1]
    share = (best - r2_before) / (r2_after - r2_before)
    size = 10 ** (math.log10(size_before) * (1 - share) + math.log10(size_after) * share)
    sentence = f"{challenger_name} reaches {goal} with about {round_size(size)} structures"
    return _crossing(sentence, n_common, size=size, **facts)


def round_size(size: float) -> int:
    """Round a number of structures to two digits, as much as an interpolation is worth.

    Parameters
    ----------
    size : float
        At least 1.

    Returns
    -------
    int
        Such as 300 for 296.3 or 6900 for 6934.
    """
    unit = 10 ** max(0, math.floor(math.log10(size)) - 1)
    return round(size / unit) * unit


def _crossing(
    statement, n_common=0, size=None, bounded=False, best=None, best_size=None, largest=None
) -> dict:
    return {
        "reached": size is not None,
        "size": size,
        "bounded_by_smallest": bounded,
        "reference_best_R2": best,
        "reference_best_size": best_size,
        "challenger_largest_size": largest,
        "n_common": n_common,
        "statement": statement,
    }
