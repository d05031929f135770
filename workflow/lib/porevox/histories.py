"""How the trainings of a study went: loss, validation error and learning rate by epoch."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from porevox.compare import display_name
from porevox.errors import PorevoxError
from porevox.figures.figure_style import INK, TWO_COLUMNS, add_legend, new_figure, save_figure, style
from porevox.figures.figure_text import count_text, plain_text, pretty_unit
from porevox.scores.scored_runs import write_table

#: Columns of history.csv that are drawn, and what they are.
QUANTITIES = {
    "train_loss": "training loss",
    "validation_mse": "validation MSE",
    "learning_rate": "learning rate",
}
#: The part of the colour map that is neither too dark to tell apart nor too pale to see.
_COLOURS = (0.0, 0.88)
#: Points of so few epochs are marked.
_FEW = 12


def histories(
    runs: Mapping[str, Iterable[str | Path]], out_stem: str | Path, unit: str | None = None
) -> pd.DataFrame:
    """Draw the training histories of all runs: a row of panels per model, a colour per size.

    Parameters
    ----------
    runs : mapping of str to iterable of path
        Folders of each model's runs, at least one, in the order of the rows.
    out_stem : path
        Written: ``<out_stem>.pdf``, ``.svg``, ``.png`` and ``.csv`` (all histories, one below the
        other: model, n_train, seed, and the columns of history.csv).
    unit : str, optional
        Of the target; the validation error has its square.

    Returns
    -------
    pandas.DataFrame
        The histories.

    Raises
    ------
    PorevoxError
        A run cannot be read.
    """
    parts = [_read(Path(folder), model) for model, folders in runs.items() for folder in folders]
    table = pd.concat(parts, ignore_index=True)
    with style():
        save_figure(_draw(table, list(runs), unit), out_stem)
    write_table(table, f"{out_stem}.csv")
    return table


def _read(folder: Path, model: str) -> pd.DataFrame:
    """The history of one run, with what run it is."""
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        history = pd.read_csv(folder / "history.csv")
        history[["epoch", *QUANTITIES]] = history[["epoch", *QUANTITIES]].astype(float)
        head = {"model": model, "n_train": int(record["n_train"]), "seed": int(record["seed"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PorevoxError(
            f"The training history in {folder} cannot be read ({error!r}): train the model again."
        ) from error
    return history.assign(**head)[[*head, *history.columns]]


def _draw(table: pd.DataFrame, models: Sequence[str], unit: str | None) -> Figure:
    shown = [name for name in QUANTITIES if table[name].notna().any()]
    widths = [1.0 if name == "learning_rate" else 1.6 for name in shown]
    figure = new_figure(TWO_COLUMNS, 2.0 * len(models) + 0.25)
    panels = figure.subplots(len(models), len(shown), squeeze=False, sharex="row", width_ratios=widths)
    sizes = sorted(table["n_train"].unique())
    colours = size_colours(sizes)
    for line, model in zip(panels, models, strict=True):
        rows = table[table["model"] == model]
        for axes, name in zip(line, shown, strict=True):
            if name == "learning_rate" and rows.groupby("epoch")[name].nunique().max() == 1:
                common = rows.drop_duplicates("epoch").assign(n_train=sizes[0])
                _draw_quantity(axes, common, name, {sizes[0]: INK})
            else:
                _draw_quantity(axes, rows, name, colours)
            axes.set_ylabel(_label(name, unit))
            axes.set_xlabel("epoch")
        line[0].set_title(plain_text(display_name(model)), loc="left", fontsize=8, fontweight="bold")
    handles = [Line2D([], [], color=colours[size], label=count_text(size)) for size in sizes]
    handles[0].set_label(f"{handles[0].get_label()} training structures")
    add_legend(figure, handles, "lower")
    return figure


def size_colours(sizes: Sequence[int]) -> dict[int, str]:
    """Return a colour for each training-set size, from dark (few) to pale (many).

    Parameters
    ----------
    sizes : sequence of int
        In rising order.

    Returns
    -------
    dict of int to str
    """
    places = np.linspace(*_COLOURS, len(sizes)) if len(sizes) > 1 else [0.4]
    return {
        size: to_hex(matplotlib.colormaps["viridis"](place))
        for size, place in zip(sizes, places, strict=True)
    }


def _label(name: str, unit: str | None) -> str:
    """Name of a quantity; the validation error is in the square of the target's unit."""
    unit = pretty_unit(unit)
    if name != "validation_mse" or not unit:
        return QUANTITIES[name]
    return f"{QUANTITIES[name]}\n(square of {unit})"


def _draw_quantity(axes: Axes, rows: pd.DataFrame, name: str, colours: Mapping[int, str]) -> None:
    """One panel: a thin line per run, and the geometric mean of several seeds."""
    for size, runs in rows.groupby("n_train"):
        runs = runs[runs[name] > 0]  # an epoch that was not validated, or what no logarithm has
        several = runs["seed"].nunique() > 1
        look: dict[str, Any] = {"linewidth": 0.5, "alpha": 0.55} if several else {"linewidth": 1.0}
        for _, run in runs.groupby("seed"):
            look["marker"] = "." if len(run) < _FEW else ""  # a line through one point is not seen
            axes.plot(run["epoch"], run[name], color=colours[size], **look)
        if several:
            mean = np.exp(np.log(runs[name]).groupby(runs["epoch"]).mean())
            axes.plot(mean.index, mean, color=colours[size], linewidth=1.2)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
