"""Published numbers against the intervals of a run: one panel for each kind of number."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from porevox.figures.figure_style import COLOURS, TWO_COLUMNS, add_legend, new_figure, save_figure, style
from porevox.figures.figure_text import count_text, plain_text

#: Inches: one row of a panel, and what stands above and below.
_ROW, _FRAME = 0.28, 0.65
_NOTHING = "not reached, or undefined"


def draw_verdicts(
    table: pd.DataFrame, panels: Mapping[str, Sequence[str]], out_stem: str | Path, confidence: float = 0.95
) -> None:
    """Draw for each number this run's value and interval, and the published one.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns quantity, name (to show), published, value, ci_low and ci_high; infinite bounds run to the
        edge of the panel, a value that is undefined or infinite is not drawn.
    panels : mapping of str to sequence of str
        Label of the axis -> quantities in that panel. A panel of crossings is logarithmic.
    out_stem : path
        Written: ``<out_stem>.pdf``, ``.svg`` and ``.png``.
    confidence : float
        Of the intervals, for the legend.
    """
    parts = {label: table[table["quantity"].isin(names)] for label, names in panels.items()}
    parts = {label: part for label, part in parts.items() if len(part)}
    with style():
        heights = [_ROW * len(part) + _FRAME for part in parts.values()]
        figure = new_figure(TWO_COLUMNS, sum(heights))
        grid = figure.subplots(len(parts), 1, squeeze=False, height_ratios=heights)
        for axes, (label, part) in zip(grid.flat, parts.items(), strict=True):
            _draw_panel(axes, part, label)
        add_legend(figure, _legend(confidence), "lower")
        save_figure(figure, out_stem)


def _draw_panel(axes: Axes, part: pd.DataFrame, label: str) -> None:
    if (part["quantity"] == "crossing").all():
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count_text(value)))
    _set_range(axes, part)
    low, high = axes.get_xlim()
    for place, row in enumerate(part.itertuples()):
        axes.axhline(place, color="#dddddd", linewidth=0.5, zorder=0)
        axes.plot(row.published, place, "D", color=COLOURS[1], markersize=5, markerfacecolor="none", zorder=4)
        if not np.isnan(row.ci_low):
            ends = np.clip([row.ci_low, row.ci_high], low, high)
            axes.plot(ends, [place, place], color=COLOURS[0], linewidth=2, solid_capstyle="butt", zorder=2)
        if np.isfinite(row.value):
            axes.plot(row.value, place, "o", color=COLOURS[0], zorder=3)
        else:
            axes.annotate(
                _NOTHING, (high, place), (-3, 3), textcoords="offset points", ha="right", fontsize=6
            )
    axes.set_yticks(range(len(part)), [plain_text(name) for name in part["name"]])
    axes.set_ylim(len(part) - 0.5, -0.5)
    axes.set_xlabel(label)


def _set_range(axes: Axes, part: pd.DataFrame) -> None:
    """Room for all that is finite, with a little to spare."""
    numbers = part[["published", "value", "ci_low", "ci_high"]].to_numpy(float)
    numbers = numbers[np.isfinite(numbers)]
    low, high = numbers.min(), numbers.max()
    if axes.get_xscale() == "log":
        axes.set_xlim(low / 1.5, high * 1.5)
    else:
        margin = 0.08 * (high - low) or 0.05
        axes.set_xlim(low - margin, high + margin)


def _legend(confidence: float) -> list[Line2D]:
    this: dict[str, Any] = {"color": COLOURS[0], "marker": "o", "linewidth": 2}
    printed: dict[str, Any] = {
        "color": COLOURS[1],
        "marker": "D",
        "markerfacecolor": "none",
        "linestyle": "",
        "markersize": 5,
    }
    words = f"this run, {100 * confidence:g} % interval"
    return [Line2D([], [], **this, label=words), Line2D([], [], **printed, label="published")]
