"""How sure is an ensemble? The spread over its seeds, made an error bar on the validation structures."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from porevox.errors import PorevoxError
from porevox.learning.runs import write_json
from porevox.scores.intervals import conformal_factors, fit_scale
from porevox.scores.pooled import read_runs
from porevox.scores.scored_runs import Run, stack_predictions

#: Nominal coverages of central intervals.
LEVELS = (0.5, 0.68, 0.8, 0.9, 0.95)
#: Validation structures below which two numbers and a 95 % quantile would be guesses.
FEWEST = 20
#: Spread, relative to the largest prediction, that is rounding.
AGREED = 1e-9
HOW = (
    "sigma^2 = a^2 + (b * s)^2, with s the standard deviation of the seeds' predictions (n - 1); a and b by "
    "maximum likelihood of Gaussian errors of the seeds' mean on the validation structures; a central "
    "interval of a level is the mean +- factor * sigma, factor being that quantile of |error| / sigma "
    "there (split conformal)"
)


def calibrate(run_folders: Iterable[str | Path], out_json: str | Path, unit: str = "") -> dict:
    """Fit how errors grow with the spread over seeds, on the validation structures of one model and size.

    Parameters
    ----------
    run_folders : iterable of path
        One run per seed; folds of a cross-validation are pooled.
    out_json : path
        uncertainty.json: model, size, n_train, n_seeds, n_validation, calibrated (bool), why not
        (``why``, or null), ``a`` (in ``unit``), ``b``, ``factors`` (by nominal coverage), ``unit`` and
        ``how``. Without calibration a, b and factors are null.
    unit : str
        The target's unit.

    Returns
    -------
    dict
        What was written.

    Raises
    ------
    PorevoxError
        When a run cannot be read, there are fewer than two, or they are of different models, sizes or
        structures.
    """
    runs = members(run_folders)
    found: dict[str, Any] = {"a": None, "b": None, "factors": None}
    n = 0
    why: str | None = "there is no validation set (split.validation is 0)"
    if all("validation" in run.rows for run in runs):
        errors, spread = ensemble_errors(runs, "validation")
        n, why = errors.size, _objection(errors, spread)
        if why is None:
            a, b = fit_scale(errors, spread)
            factors = conformal_factors(np.abs(errors) / np.hypot(a, b * spread), LEVELS)
            named = {f"{level:g}": float(factor) for level, factor in zip(LEVELS, factors, strict=True)}
            found = {"a": a, "b": b, "factors": named}
    head = {"model": runs[0].model, "size": runs[0].size, "n_train": runs[0].n_train}
    head |= {"n_seeds": len(runs), "n_validation": int(n), "calibrated": why is None, "why": why}
    parameters = head | found | {"unit": unit, "how": HOW}
    write_json(out_json, parameters)
    return parameters


def predictive_std(spread: np.ndarray, parameters: Mapping) -> np.ndarray:
    """Return the standard deviation to expect of an ensemble's errors.

    Parameters
    ----------
    spread : numpy.ndarray
        Standard deviation (n - 1) of the seeds' predictions, any shape, in the target's unit.
    parameters : mapping
        See :func:`calibrate`.

    Returns
    -------
    numpy.ndarray
        sqrt(a^2 + (b spread)^2), same shape and unit.

    Raises
    ------
    PorevoxError
        When the ensemble was not calibrated; says why.
    """
    _check_calibrated(parameters)
    return np.hypot(parameters["a"], parameters["b"] * np.asarray(spread, float))


def half_width(spread: np.ndarray, parameters: Mapping, level: float) -> np.ndarray:
    """Return half the width of central prediction intervals.

    Parameters
    ----------
    spread, parameters
        As for :func:`predictive_std`.
    level : float
        Nominal coverage, one of :data:`LEVELS`.

    Returns
    -------
    numpy.ndarray
        Same shape and unit as ``spread``.

    Raises
    ------
    PorevoxError
        When the ensemble was not calibrated, or not for this level.
    """
    sigma = predictive_std(spread, parameters)
    factor = parameters["factors"].get(f"{level:g}")
    if factor is None:
        known = ", ".join(parameters["factors"])
        raise PorevoxError(f"There is no interval of level {level:g} for {parameters['model']}: use {known}.")
    return factor * sigma


def _check_calibrated(parameters: Mapping) -> None:
    if not parameters["calibrated"]:
        raise PorevoxError(
            f"The ensemble of {parameters['model']} at size {parameters['size']} is not calibrated: "
            f"{parameters['why']}."
        )


def members(run_folders: Iterable[str | Path]) -> list[Run]:
    """Return the runs of one ensemble, in order of their seeds.

    Parameters
    ----------
    run_folders : iterable of path
        One run per seed; folds of a cross-validation are pooled.

    Returns
    -------
    list of Run
        At least two.

    Raises
    ------
    PorevoxError
        When a run cannot be read, there are fewer than two, or they are of different models or sizes.
    """
    runs = sorted(read_runs(run_folders), key=lambda run: run.seed)
    if len(runs) < 2:
        raise PorevoxError("An ensemble needs at least two seeds: give `seeds` two numbers or more.")
    kinds = {(run.model, run.size) for run in runs}
    if len(kinds) > 1 or len({run.seed for run in runs}) < len(runs):
        folders = ", ".join(str(run.folder) for run in runs[:2])
        raise PorevoxError(f"{folders}: an ensemble is one model at one size with different seeds.")
    for run in runs:
        if "test" not in run.rows:
            raise PorevoxError(f"{run.folder} holds no test predictions: the test set is empty.")
    return runs


def ensemble_errors(runs: Sequence[Run], subset: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the errors of an ensemble and the spread of its members.

    Parameters
    ----------
    runs : sequence of Run
        The members.
    subset : str
        ``test`` or ``validation``.

    Returns
    -------
    errors : numpy.ndarray
        Members' mean minus true value, shape (n,), in the target's unit.
    spread : numpy.ndarray
        Standard deviation (n - 1) of the members, same shape and unit.
    """
    y_true, y_pred = stack_predictions(runs, subset)
    spread = y_pred.std(axis=0, ddof=1)
    # equal predictions, but sums in another order
    spread[spread <= AGREED * np.abs(y_pred).max()] = 0.0
    return y_pred.mean(axis=0) - y_true, spread


def _objection(errors: np.ndarray, spread: np.ndarray) -> str | None:
    """Why these validation rows cannot calibrate, or None."""
    if errors.size < FEWEST:
        return f"{errors.size} validation structures are too few (at least {FEWEST} are needed)"
    if not spread.any():
        return "its seeds agree on every structure, so that their spread says nothing"
    return None
