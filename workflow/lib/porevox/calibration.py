"""Are the error bars of ensembles right? Calibrated on validation structures, judged on those of the test."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from porevox.compare import display_name
from porevox.errors import PorevoxError
from porevox.figures.calibration_panels import draw_calibration
from porevox.scores.intervals import by_quartile, coverage
from porevox.scores.scored_runs import Run, write_table
from porevox.uncertainty import LEVELS, ensemble_errors, half_width, members, predictive_std

COLUMNS = [
    *("model", "size", "n_train", "n_seeds", "n_validation", "n_test"),
    *("intervals", "quantity", "at", "value"),
]


def calibration(
    ensembles: Mapping[str, tuple[str | Path, Iterable[str | Path]]],
    out_csv: str | Path,
    out_stem: str | Path,
    unit: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Judge the intervals of ensembles on the test structures, and draw what came out.

    Parameters
    ----------
    ensembles : mapping
        By model uncertainty.json and the folders of its runs, in the order of the config.
    out_csv : path
        calibration.csv: model, size, n_train, n_seeds, n_validation, n_test, intervals (``raw``: mean
        +- normal quantile times spread; ``calibrated``), quantity, at, value. Quantities: ``coverage``
        and ``width`` (mean, of the whole interval) at each nominal level; ``spearman`` of spread and
        |error|; and at each quartile of the spread (1 to 4) ``rms_std``, ``MAE`` and ``RMSE``.
        Widths and errors are in the target's unit. Models that are not calibrated have raw rows only.
    out_stem : path
        Written: ``<out_stem>.pdf``, ``.svg``, ``.png`` and ``.csv`` (the rows drawn).
    unit : str, optional
        The target's unit.
    labels : mapping, optional
        Names to show, by model.

    Returns
    -------
    pandas.DataFrame
        The content of calibration.csv.

    Raises
    ------
    PorevoxError
        When a run or uncertainty.json cannot be read.
    """
    rows, notes = [], {}
    for model, (path, folders) in ensembles.items():
        parameters = _read_parameters(path)
        if not parameters["calibrated"]:
            notes[model] = parameters["why"]
        rows += _judge(members(folders), parameters)
    table = pd.DataFrame(rows, columns=COLUMNS)
    write_table(table, out_csv)
    names = {model: display_name(model, labels) for model in ensembles}
    drawn = draw_calibration(table, names, notes, out_stem, unit)
    write_table(drawn, f"{out_stem}.csv")
    return table


def _read_parameters(path: str | Path) -> dict:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PorevoxError(f"{path} cannot be read ({error}): calibrate the model again.") from error


def _judge(runs: Sequence[Run], parameters: Mapping) -> list[tuple]:
    """Rows of calibration.csv of one ensemble."""
    errors, spread = ensemble_errors(runs, "test")
    head = (*(parameters[key] for key in COLUMNS[:5]), errors.size)
    widths = {"raw": [NormalDist().inv_cdf((1 + level) / 2) * spread for level in LEVELS]}
    sigmas = {"raw": spread}
    if parameters["calibrated"]:
        widths["calibrated"] = [half_width(spread, parameters, level) for level in LEVELS]
        sigmas["calibrated"] = predictive_std(spread, parameters)
    rows = []
    for kind, half_widths in widths.items():
        for level, half in zip(LEVELS, half_widths, strict=True):
            rows.append((*head, kind, "coverage", level, coverage(errors, half)))
            rows.append((*head, kind, "width", level, float(2 * np.mean(half))))
        rows += [(*head, kind, *row) for row in _quartile_rows(errors, spread, sigmas[kind])]
    constant = np.ptp(spread) == 0 or np.ptp(np.abs(errors)) == 0
    rho = np.nan if constant else spearmanr(spread, np.abs(errors)).statistic
    rows.append((*head, "raw", "spearman", np.nan, rho))
    return rows


def _quartile_rows(errors: np.ndarray, spread: np.ndarray, sigma: np.ndarray) -> list[tuple]:
    """Quantity, quartile and value: what is expected and what happens where the seeds (dis)agree."""
    if errors.size < 4:
        return []
    parts = {"rms_std": sigma**2, "MAE": np.abs(errors), "RMSE": errors**2}
    rows = []
    for quantity, values in parts.items():
        for number, part in enumerate(by_quartile(values, spread), 1):
            mean = float(np.mean(part))
            rows.append((quantity, number, mean if quantity == "MAE" else mean**0.5))
    return rows
