"""Parity plots with the bootstrap histograms of R2 below them (thesis, figure 4.4)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from porevox.compare import display_name
from porevox.errors import PorevoxError
from porevox.figures.figure_style import (
    ONE_COLUMN,
    TWO_COLUMNS,
    add_legend,
    model_styles,
    new_figure,
    save_figure,
    style,
)
from porevox.figures.figure_text import count_text, plain_text, quantity, wrap_text
from porevox.figures.parity_panels import (
    TOP_COLOURS,
    Panel,
    annotate,
    circle,
    draw_histogram,
    draw_points,
    draw_top,
    histogram_bins,
)
from porevox.scores.bootstrap import bootstrap_metrics, percentile_interval
from porevox.scores.metrics import score
from porevox.scores.pooled import read_runs
from porevox.scores.scored_runs import Run, write_table

#: From this many points on, a scatter plot is a blot and density is drawn instead.
DENSE = 3000


def parity(
    runs: Mapping[str, Iterable[str | Path]],
    out_stem: str | Path,
    target_label: str,
    unit: str | None = None,
    resamples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
    labels: Mapping[str, str] | None = None,
    controls: Iterable[str] = ("mean",),
    top: int = 3,
) -> pd.DataFrame:
    """Draw predicted against true values of the test set, one column of panels per model.

    Each model is shown at its largest training-set size, with its lowest seed.

    Parameters
    ----------
    runs : mapping of str to iterable of path
        Folders of each model's runs, in the order of the panels; folds are pooled.
    out_stem : path
        Written: ``<out_stem>.pdf``, ``.svg``, ``.png``, ``.csv`` (id, y_true, a column
        ``y_pred_<model>`` each, in_common: scored by all models shown, top: 1 to 3) and
        ``<out_stem>_bootstrap.csv`` (the histograms).
    target_label, unit : str
        What is predicted, and its unit.
    resamples, seed, confidence
        As given to :func:`porevox.evaluate.evaluate_model`: the interval is then the same.
    labels : mapping, optional
        Names to show, by model.
    controls : iterable of str
        Models without a panel (unless there are no others).
    top : int
        How many of the best materials are circled, at most 3.

    Returns
    -------
    pandas.DataFrame
        The predictions drawn.

    Raises
    ------
    PorevoxError
        When a run cannot be read or has no test rows.
    """
    controls = set(controls) if not set(controls) >= set(runs) else set()
    styles = model_styles(list(runs), controls)
    panels = []
    for model in runs:
        if model not in controls:
            name = display_name(model, labels)
            run, several = _largest_run(runs[model], model)
            panels.append(_panel(run, several, name, styles[model]["color"], resamples, seed, confidence))
    table = _predictions(panels, top)
    with style():
        _draw(panels, table, out_stem, target_label, unit, confidence)
    write_table(table, f"{out_stem}.csv")
    write_table(_histograms(panels), f"{out_stem}_bootstrap.csv")
    return table


def _largest_run(folders: Iterable[str | Path], model: str) -> tuple[Run, bool]:
    """The run with most training structures (lowest seed), and whether there are more seeds."""
    found = read_runs(folders)
    if not found:
        raise PorevoxError(f"There is no run of {model} to plot: train it first.")
    largest = max(run.n_train for run in found)
    seeds = sorted((run for run in found if run.n_train == largest), key=lambda run: run.seed)
    if "test" not in seeds[0].rows:
        raise PorevoxError(f"{seeds[0].folder} holds no test predictions: the test set is empty.")
    return seeds[0], len(seeds) > 1


def _panel(run, several_seeds, name, colour, resamples, seed, confidence) -> Panel:
    rows = run.rows["test"]
    y_true, y_pred = rows["y_true"].to_numpy(float), rows["y_pred"].to_numpy(float)
    samples = bootstrap_metrics(y_true, y_pred, resamples, seed, ("R2",))[:, 0, 0]
    low, high = percentile_interval(samples, confidence)
    title = f"{plain_text(name)}, {count_text(run.n_used)} structures"
    return Panel(
        run=run,
        title=title + (f", seed {run.seed}" if several_seeds else ""),
        colour=colour,
        y_true=y_true,
        y_pred=y_pred,
        scores=score(y_true, y_pred, ("R2", "MAE")),
        samples=samples[np.isfinite(samples)],
        interval=(float(low), float(high)),
    )


def _predictions(panels: Sequence[Panel], top: int) -> pd.DataFrame:
    """All test rows of the models shown, side by side; the best by true value are numbered."""
    table = pd.DataFrame({"y_true": pd.concat([p.run.rows["test"]["y_true"] for p in panels])})
    table = table[~table.index.duplicated()].sort_index()
    for panel in panels:
        table[f"y_pred_{panel.run.model}"] = panel.run.rows["test"]["y_pred"]
    table["in_common"] = table.filter(regex="^y_pred_").notna().all(axis=1)
    best = table[table["in_common"]].sort_values("y_true", ascending=False, kind="stable")
    best = best.index[: min(top, len(TOP_COLOURS))]
    table["top"] = pd.Series(range(1, len(best) + 1), index=best, dtype="Int64")
    return table.rename_axis("id").reset_index()


def _histograms(panels: Sequence[Panel]) -> pd.DataFrame:
    """The bars of every model's bootstrap histogram, with R2 and its interval."""
    parts = []
    for panel in panels:
        counts, edges = histogram_bins(panel.samples)
        head = {"model": panel.run.model, "n_test": panel.y_true.size, "R2": panel.scores["R2"]}
        head |= dict(zip(("ci_low", "ci_high"), panel.interval, strict=True))
        bars = {"bin_low": edges[:-1], "bin_high": edges[1:], "resamples": counts}
        parts.append(pd.DataFrame(head | bars))
    return pd.concat(parts, ignore_index=True)


def _draw(panels, table, out_stem, target_label, unit, confidence) -> None:
    columns = min(3, len(panels))
    blocks = -(-len(panels) // columns)
    width = ONE_COLUMN if columns == 1 else TWO_COLUMNS
    side = width / columns
    figure = new_figure(width, blocks * (side + 1.1))
    grid = figure.add_gridspec(2 * blocks, columns, height_ratios=[side - 0.2, 0.75] * blocks)
    limits, ranges = _limits(panels), _histogram_ranges(panels)
    dense = max(panel.y_true.size for panel in panels) >= DENSE
    pairs: list[tuple[Axes, Axes]] = []
    hexbins: list[PolyCollection] = []
    for k, panel in enumerate(panels):
        row, column = divmod(k, columns)
        upper = figure.add_subplot(grid[2 * row, column])
        cells = draw_points(upper, panel, limits, dense)
        hexbins += [] if cells is None else [cells]
        draw_top(upper, panel, table)
        annotate(upper, panel, limits, unit)
        upper.set_title(
            wrap_text(panel.title, int(side * 72 / 6.5)),
            **{"loc": "left", "fontsize": 8, "fontweight": "bold", "color": panel.colour},
        )
        wrap = max(20, int(side * 72 / 6))
        upper.set_xlabel(wrap_text(quantity(target_label, unit, "true"), wrap))
        lower = figure.add_subplot(grid[2 * row + 1, column])
        draw_histogram(lower, panel, ranges[k], confidence)
        if column == 0:
            upper.set_ylabel(wrap_text(quantity(target_label, unit, "predicted"), wrap))
            lower.set_ylabel("resamples")
        pairs.append((upper, lower))
    if dense:
        counts: list[Any] = [cells.get_array() for cells in hexbins]
        norm = LogNorm(1, max(2, *(count.max() for count in counts)))
        for cells in hexbins:
            cells.set_norm(norm)
        uppers = [upper for upper, _ in pairs]
        figure.colorbar(hexbins[0], ax=uppers, label="structures per cell", aspect=40, pad=0.01)
    _top_legend(figure, table)
    _align(figure, pairs)
    save_figure(figure, out_stem)


def _limits(panels: Sequence[Panel]) -> tuple[float, float]:
    """Limits of all axes: every true value, and predictions unless they are far off."""
    y_true = np.concatenate([panel.y_true for panel in panels])
    values = np.concatenate([y_true, *(panel.y_pred for panel in panels)])
    span = np.ptp(y_true) or max(abs(y_true[0]), 1.0)
    low = max(values.min(), y_true.min() - span / 2)
    high = min(values.max(), y_true.max() + span / 2)
    margin = 0.04 * ((high - low) or span)
    return low - margin, high + margin


def _histogram_ranges(panels: Sequence[Panel]) -> list[tuple[float, float]]:
    """One range of R2 for all histograms, unless the narrowest would shrink to a line."""
    own = []
    for panel in panels:
        edges = histogram_bins(panel.samples)[1]
        margin = 0.05 * (edges[-1] - edges[0]) or 0.5
        own.append((edges[0] - margin, edges[-1] + margin))
    union = min(low for low, _ in own), max(high for _, high in own)
    narrowest = min(high - low for low, high in own)
    return [union] * len(own) if union[1] - union[0] < 8 * narrowest else own


def _align(figure: Figure, pairs: Sequence[tuple[Axes, Axes]]) -> None:
    """Give each histogram the width of the (square) panel above it, once the layout is done."""
    for _ in range(3):  # the layout settles once it has seen the square panels
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for upper, lower in pairs:
        upper.apply_aspect()
        above, below = upper.get_position(), lower.get_position()
        lower.set_position((above.x0, below.y0, above.width, below.height))


def _top_legend(figure: Figure, table: pd.DataFrame) -> None:
    """Names of the circled materials."""
    ranks = ("highest true value", "2nd", "3rd")
    handles = [
        Line2D(
            [],
            [],
            marker="o",
            markersize=6,
            linestyle="",
            label=f"{ranks[int(row.top) - 1]}: {plain_text(row.id)}",
            **circle(int(row.top) - 1),
        )
        for row in table.dropna(subset="top").sort_values("top").itertuples()
    ]
    if handles:
        add_legend(figure, handles, "lower")
