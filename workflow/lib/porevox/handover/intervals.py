"""Prediction intervals that go with a model: from its seeds' spread, or from its errors alone."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from porevox.errors import PorevoxError
from porevox.scores.intervals import conformal_factors
from porevox.scores.scored_runs import Run, stack_predictions
from porevox.uncertainty import FEWEST, LEVELS, calibrate

_FROM_TEST = (
    "There is no validation set to take the errors from, so that they are those of the test set: the "
    "intervals cannot be checked on it."
)


def calibrate_intervals(runs: Sequence[Run], unit: str = "") -> dict:
    """Find how far from a prediction the true value may lie.

    Parameters
    ----------
    runs : sequence of Run
        The seeds of one model at one size, in one split.
    unit : str
        The target's unit.

    Returns
    -------
    dict
        ``kind`` (``ensemble``: sigma follows the seeds' spread; ``residuals``: it is 1 in the
        target's unit), ``subset`` the errors are of, ``n`` of them, ``a``, ``b``, ``factors`` by
        nominal coverage, and a ``remark``. A level that so few errors cannot tell is left out.
    """
    if len(runs) > 1:
        with tempfile.TemporaryDirectory() as folder:
            found = calibrate([run.folder for run in runs], Path(folder) / "uncertainty.json", unit)
        if found["calibrated"]:
            kept = {key: found[key] for key in ("a", "b", "factors")}
            head = {"kind": "ensemble", "subset": "validation", "n": found["n_validation"]}
            return head | kept | {"remark": "The factors are quantiles found by counting (split conformal)."}
    return _from_residuals(runs)


def _from_residuals(runs: Sequence[Run]) -> dict:
    enough = all(len(run.rows.get("validation", ())) >= FEWEST for run in runs)
    subset = "validation" if enough else "test"
    y_true, y_pred = stack_predictions(runs, subset)
    errors = np.abs(y_pred.mean(axis=0) - y_true)
    # with n errors, the quantile of a level is among them only if ceil((n + 1) level) <= n
    levels = [level for level in LEVELS if (errors.size + 1) * level <= errors.size + 1e-9]
    factors = conformal_factors(errors, levels)
    named = {f"{level:g}": float(factor) for level, factor in zip(levels, factors, strict=True)}
    head = {"kind": "residuals", "subset": subset, "n": int(errors.size), "a": 1.0, "b": 0.0}
    return head | {"factors": named, "remark": "" if enough else _FROM_TEST}


def half_widths(spread: np.ndarray, calibration: Mapping, level: float) -> np.ndarray:
    """Half the width of central intervals.

    Parameters
    ----------
    spread : numpy.ndarray, shape (n,)
        Standard deviation (n - 1) of the seeds' predictions, in the target's unit; NaN with one seed.
    calibration : mapping
        See :func:`calibrate_intervals`.
    level : float
        Nominal coverage.

    Returns
    -------
    numpy.ndarray, shape (n,)
        In the target's unit.

    Raises
    ------
    PorevoxError
        The calibration does not reach this level.
    """
    factor = calibration["factors"].get(f"{level:g}")
    if factor is None:
        known = ", ".join(calibration["factors"]) or "none"
        raise PorevoxError(
            f"The model has no intervals of {level:.0%}, since it was calibrated on {calibration['n']} "
            f"structures only: use one of {known}."
        )
    varying = np.nan_to_num(np.asarray(spread, float)) * calibration["b"]
    return factor * np.hypot(calibration["a"], varying)
