"""The drawing of one model's parity plot and of the bootstrap histogram below it."""

from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from porevox.figures.figure_style import INK
from porevox.figures.figure_text import count_text, pretty_unit
from porevox.scores.scored_runs import Run

#: Circles of the materials with the highest, second and third highest true value.
TOP_COLOURS = ("#D55E00", "#0072B2", "#009E73")


@dataclass(frozen=True, eq=False)
class Panel:
    """What one model's two panels show.

    ``y_true`` and ``y_pred`` have shape (n_test,) and the target's unit, ``scores`` holds R2 and
    MAE, ``samples`` the resampled R2 that are defined, ``interval`` the bounds of R2.
    """

    run: Run
    title: str
    colour: str
    y_true: np.ndarray
    y_pred: np.ndarray
    scores: dict[str, float]
    samples: np.ndarray
    interval: tuple[float, float]


def draw_points(axes: Axes, panel: Panel, limits: tuple[float, float], dense: bool) -> PolyCollection | None:
    """Draw predicted against true values, and the diagonal.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Made square.
    panel : Panel
        One model.
    limits : tuple of float
        Of both axes, in the target's unit.
    dense : bool
        Whether to draw density (structures per hexagonal cell) instead of points.

    Returns
    -------
    matplotlib.collections.PolyCollection or None
        The cells, for a norm and a colour bar shared by all panels.
    """
    cells = None
    if dense:
        cells = axes.hexbin(
            panel.y_true,
            panel.y_pred,
            gridsize=55,
            extent=(*limits, *limits),
            mincnt=1,
            cmap=ListedColormap(matplotlib.colormaps["Greys"](np.linspace(0.3, 1, 256))),
            linewidths=0.1,
            rasterized=True,
        )
    else:
        few = panel.y_true.size < 500
        axes.scatter(
            panel.y_true,
            panel.y_pred,
            s=12 if few else 6,
            color="#4d4d4d",
            alpha=float(np.clip(10 / np.sqrt(panel.y_true.size), 0.25, 0.7)),
            linewidths=0,
            rasterized=panel.y_true.size > 1000,
        )
    axes.plot(limits, limits, color=INK, linewidth=0.7, linestyle=(0, (5, 3)), zorder=2)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    return cells


def draw_top(axes: Axes, panel: Panel, table: pd.DataFrame) -> None:
    """Circle the best materials and number them, for those who see or print no colour.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The parity plot.
    panel : Panel
        One model.
    table : pandas.DataFrame
        Columns id and top (1 to 3, missing for the others).
    """
    halo = [withStroke(linewidth=2, foreground="white")]
    best = table.dropna(subset="top").sort_values("top", ascending=False)
    for row in best.itertuples():  # the first lies on top of the others
        place = int(row.top) - 1
        x, y = panel.run.rows["test"].loc[row.id, ["y_true", "y_pred"]]
        axes.plot(x, y, "o", markersize=7, path_effects=halo, **circle(place))
        axes.annotate(
            str(row.top),
            (x, y),
            xytext=((5, 3), (-9, 4), (5, -8))[place],  # apart, where the circles are not
            textcoords="offset points",
            fontsize=7,
            color=TOP_COLOURS[place],
            path_effects=halo,
        )


def circle(place: int) -> dict:
    """Look of the circle around a material.

    Parameters
    ----------
    place : int
        0 for the highest true value.

    Returns
    -------
    dict
        Keyword arguments for a marker.
    """
    return {"markerfacecolor": "none", "markeredgecolor": TOP_COLOURS[place], "markeredgewidth": 1.2}


def annotate(axes: Axes, panel: Panel, limits: tuple[float, float], unit: str | None) -> None:
    """Write R2, MAE and n into whichever corner off the diagonal holds fewer points.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The parity plot.
    panel : Panel
        One model.
    limits : tuple of float
        Of both axes, in the target's unit.
    unit : str or None
        The target's.
    """
    lines = [f"$R^2$ = {_number(panel.scores['R2'])}"]
    lines.append(f"MAE = {panel.scores['MAE']:.3g} {pretty_unit(unit)}".rstrip())
    lines.append(f"n = {count_text(panel.y_true.size)}")
    outside = int(((panel.y_pred < limits[0]) | (panel.y_pred > limits[1])).sum())
    if outside:
        lines.append(f"{count_text(outside)} beyond the axes")
    x, y = ((v - limits[0]) / (limits[1] - limits[0]) for v in (panel.y_true, panel.y_pred))
    above, below = ((x < 0.5) & (y > 0.72)).sum(), ((x > 0.5) & (y < 0.28)).sum()
    upper_left = above <= below
    axes.text(
        0.03 if upper_left else 0.97,
        0.97 if upper_left else 0.03,
        "\n".join(lines),
        transform=axes.transAxes,
        ha="left" if upper_left else "right",
        va="top" if upper_left else "bottom",
        fontsize=7,
        linespacing=1.3,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5},
    )


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", "\u2212") if np.isfinite(value) else "undefined"


def histogram_bins(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bars of the histogram of resampled R2.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (m,), finite; m may be 0.

    Returns
    -------
    counts : numpy.ndarray
        Shape (b,) int.
    edges : numpy.ndarray
        Shape (b + 1,).
    """
    if samples.size == 0:
        return np.zeros(0, int), np.zeros(1)
    if np.ptp(samples) < 1e-9:  # a perfect model: every resample gives the same R2
        return np.histogram(samples, 1, (samples[0] - 0.0005, samples[0] + 0.0005))
    return np.histogram(samples, 40)


def draw_histogram(axes: Axes, panel: Panel, limits: tuple[float, float], confidence: float) -> None:
    """Draw the histogram of the resampled R2, with dashed lines at the interval's bounds.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The panel below the parity plot.
    panel : Panel
        One model.
    limits : tuple of float
        Range of R2.
    confidence : float
        Of the interval, such as 0.95.
    """
    axes.set_xlabel("bootstrap $R^2$")
    if not panel.samples.size:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "undefined", transform=axes.transAxes, ha="center", va="center")
        return
    counts, edges = histogram_bins(panel.samples)
    axes.stairs(counts, edges, fill=True, color=panel.colour, alpha=0.45)
    axes.stairs(counts, edges, color=panel.colour, linewidth=0.6)
    for bound in panel.interval:
        axes.axvline(bound, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
    low, high = map(_number, panel.interval)
    axes.set_title(f"{100 * confidence:g} % CI [{low}, {high}]", loc="right", fontsize=7, pad=2)
    axes.set_xlim(limits)
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(useOffset=False)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(2, integer=True))
