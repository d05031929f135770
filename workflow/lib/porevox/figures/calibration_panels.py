"""The drawing of calibration: observed against nominal coverage, and error against predicted error."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

from porevox.figures.figure_style import (
    CONTROL_COLOUR,
    INK,
    TWO_COLUMNS,
    add_legend,
    model_styles,
    new_figure,
    save_figure,
    style,
)
from porevox.figures.figure_text import pretty_unit, wrap_text

#: What is added to a model's look, by the kind of intervals.
LOOKS: dict[str, dict[str, Any]] = {"raw": {"markerfacecolor": "white", "alpha": 0.55}, "calibrated": {}}
DIAGONAL: dict[str, Any] = {"color": CONTROL_COLOUR, "linewidth": 0.7, "linestyle": (0, (5, 3)), "zorder": 0}


def draw_calibration(
    table: pd.DataFrame,
    names: Mapping[str, str],
    notes: Mapping[str, str],
    out_stem: str | Path,
    unit: str | None = None,
) -> pd.DataFrame:
    """Draw how often intervals hold the true value, and errors against those predicted.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of calibration.csv.
    names : mapping
        Names to show of all models, in the order of the legend.
    notes : mapping
        Why some models are not calibrated: those whose seeds agree have nothing to draw.
    out_stem : path
        Written: ``<out_stem>.pdf``, ``.svg`` and ``.png``.
    unit : str, optional
        The target's unit.

    Returns
    -------
    pandas.DataFrame
        The rows drawn.
    """
    drawn = table[table["quantity"].isin(["coverage", "rms_std", "RMSE"])]
    width = table[(table["quantity"] == "width") & (table["intervals"] == "raw")]
    spread = width.groupby("model")["value"].max()
    drawn = drawn[drawn["model"].map(spread > 0).astype(bool)].reset_index(drop=True)
    styles = model_styles(list(names))
    with style():
        figure = new_figure(TWO_COLUMNS, 2.9)
        left, right = figure.subplots(1, 2)
        handles = _draw_coverage(left, drawn, names, styles)
        _draw_errors(right, drawn, styles, unit)
        if drawn.empty:
            reason = "; ".join(f"{names[model]}: {why}" for model, why in notes.items())
            left.text(0.5, 0.5, wrap_text(reason, 36), transform=left.transAxes, ha="center", va="center")
        add_legend(figure, handles, "lower")
        save_figure(figure, out_stem)
    return drawn


def _draw_coverage(axes: Axes, drawn: pd.DataFrame, names: Mapping, styles: Mapping) -> list[Line2D]:
    """Observed against nominal coverage in percent; raw spread faint and hollow."""
    rows = drawn[drawn["quantity"] == "coverage"]
    axes.plot([0, 100], [0, 100], **DIAGONAL)
    if len(rows):
        level = np.linspace(0, 1, 101)
        noise = 1.96 * np.sqrt(level * (1 - level) / rows["n_test"].min())
        bounds = (100 * np.clip(level + sign * noise, 0, 1) for sign in (-1, 1))
        axes.fill_between(100 * level, *bounds, color=CONTROL_COLOUR, alpha=0.2, linewidth=0, zorder=0)
    handles = []
    for model in rows["model"].unique():
        look = styles[model]
        for kind, extra in LOOKS.items():
            part = rows[(rows["model"] == model) & (rows["intervals"] == kind)]
            axes.plot(100 * part["at"], 100 * part["value"], **look, **extra)
        handles.append(Line2D([], [], label=names[model], **look))
    faint: dict[str, Any] = {"color": INK, "marker": "o", "markerfacecolor": "white", "alpha": 0.55}
    handles.append(Line2D([], [], label="raw spread of the seeds", **faint))
    handles.append(Line2D([], [], label="as it should be", **DIAGONAL))
    low = 0 if rows.empty else 5 * np.floor(min(20 * rows["value"].min(), 9))
    axes.set(xlim=(45, 100), ylim=(max(0, low - 3), 101))
    axes.set_xlabel("nominal coverage (%)")
    axes.set_ylabel("test structures inside (%)")
    return handles


def _draw_errors(axes: Axes, drawn: pd.DataFrame, styles: Mapping, unit: str | None) -> None:
    """Root mean square error against the predicted one, in quartiles of the spread."""
    rows = drawn[drawn["quantity"] != "coverage"]
    values = rows.loc[rows["value"] > 0, "value"]
    for model in rows["model"].unique():
        for kind, extra in LOOKS.items():
            part = rows[(rows["model"] == model) & (rows["intervals"] == kind)]
            part = part.pivot(index="at", columns="quantity", values="value")
            if len(part):
                axes.plot(part["rms_std"], part["RMSE"], **styles[model], **extra)
    if len(values):
        low, high = values.min() / 1.2, values.max() * 1.2
        axes.plot([low, high], [low, high], **DIAGONAL)
        axes.set(xscale="log", yscale="log", xlim=(low, high))
        axes.set_ylim(max(low, rows.loc[rows["quantity"] == "RMSE", "value"].min() / 1.5), high)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(FormatStrFormatter("%g"))
            axis.set_minor_locator(NullLocator())
    unit = pretty_unit(unit)
    unit = f" ({unit})" if unit else ""
    axes.set_xlabel(f"predicted standard deviation{unit}")
    axes.set_ylabel(f"RMSE{unit}, quartiles of spread")
