"""The drawing of permutation importances: one panel of bars per model."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from porevox.figures.figure_style import INK, ONE_COLUMN, TWO_COLUMNS, new_figure, save_figure, style
from porevox.figures.figure_text import count_text, plain_text, wrap_text

#: Inputs shown at most; with more the names could not be read.
MOST_SHOWN = 25
_PANELS_IN_A_ROW = 3
#: Inches: one bar, what a panel has above and below, and the widest names.
_BAR, _FRAME, _NAME_LETTERS = 0.2, 0.75, 26


def draw_importance(
    table: pd.DataFrame, names: Mapping[str, str], colours: Mapping[str, str], out_stem: str | Path
) -> None:
    """Draw horizontal bars, the inputs in the order of their largest importance in any model.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns model, feature, n_used, seeds, R2, importance, importance_std.
    names, colours : mapping of str to str
        By model, in the order of the panels.
    out_stem : path
        Written: ``<out_stem>.pdf``, ``.svg`` and ``.png``.
    """
    order = table.groupby("feature", sort=False)["importance"].max()
    order = list(order.sort_values(ascending=False, kind="stable").index)
    shown, left_out = order[:MOST_SHOWN], len(order) - MOST_SHOWN
    blocks = -(-len(names) // _PANELS_IN_A_ROW)
    columns = -(-len(names) // blocks)
    with style():
        width = ONE_COLUMN if columns == 1 else TWO_COLUMNS
        figure = new_figure(width, blocks * (_BAR * len(shown) + _FRAME))
        grid = figure.subplots(blocks, columns, squeeze=False, sharex=True, sharey=True)
        panels = list(grid.flat)
        for axes, model in zip(panels, names, strict=False):
            part = table[table["model"] == model].set_index("feature")
            letters = int(width / columns * 72 / (7.5 if columns > 1 else 6))
            _draw_panel(axes, part, shown, colours[model], wrap_text(plain_text(names[model]), letters))
        _label(panels[: len(names)], shown, columns)
        for axes in panels[len(names) :]:
            axes.remove()
        if left_out > 0:
            figure.supxlabel(f"{left_out} inputs of less importance are in the table only", fontsize=7)
        save_figure(figure, out_stem)


def _draw_panel(axes: Axes, part: pd.DataFrame, shown: Sequence[str], colour: str, title: str) -> None:
    """Bars of one model; an input that it does not have is marked as such."""
    for place, feature in enumerate(shown):
        if feature not in part.index:
            axes.annotate(
                "not an input",
                (0, place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=6,
                color="#7f7f7f",
            )
            continue
        row = part.loc[feature]
        axes.barh(place, row["importance"], height=0.7, color=colour, alpha=0.75, linewidth=0)
        axes.errorbar(
            row["importance"],
            place,
            xerr=row["importance_std"],
            color=INK,
            linewidth=0.8,
            capsize=1.8,
            capthick=0.8,
        )
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.spines["left"].set_visible(False)
    first = part.iloc[0]
    said = [f"$R^2$ = {first['R2']:.3f}".replace("-", "\u2212"), f"n = {count_text(first['n_used'])}"]
    said += [f"{first['seeds']} seeds"] if first["seeds"] > 1 else []
    axes.set_title(title, loc="left", fontsize=8, fontweight="bold", color=colour, pad=14)
    axes.text(0, 1.0, ", ".join(said), transform=axes.transAxes, fontsize=7, va="bottom")


def _label(panels: Sequence[Axes], shown: Sequence[str], columns: int) -> None:
    """Names of the inputs at the left, best on top; what the bars mean below each column."""
    words = [wrap_text(plain_text(name), _NAME_LETTERS) for name in shown]
    for number, axes in enumerate(panels):
        axes.set_yticks(np.arange(len(shown)), words)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0, labelleft=number % columns == 0)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        if number + columns >= len(panels):
            axes.tick_params(axis="x", labelbottom=True)
            axes.set_xlabel("drop of $R^2$")
