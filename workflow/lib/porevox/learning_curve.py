"""Learning curves: R2 on the test set against the number of training structures (thesis, 4.3)."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from porevox.compare import display_name, round_size
from porevox.errors import PorevoxError
from porevox.evaluate import ENSEMBLE, SEED_MEAN
from porevox.figures.figure_style import (
    CONTROL_COLOUR,
    INK,
    ONE_COLUMN,
    TWO_COLUMNS,
    add_legend,
    model_styles,
    new_figure,
    save_figure,
    style,
)
from porevox.figures.figure_text import count_text, pretty_label, wrap_text
from porevox.scores.scored_runs import write_table

#: Below this R2 a curve leaves the axes when another model does better (an untrained network can
#: reach -10, which would flatten everything of interest).
LOWEST_R2 = -0.25
#: Single seeds.
DOTS: dict[str, Any] = {"marker": ".", "markersize": 3, "markeredgewidth": 0, "linestyle": ""}
#: More curves than this need the width of a page.
CROWD = 5


#: What the curves' rows say of their seeds.
SPREAD = ["n_seeds", "seed_min", "seed_max", "seed_sd"]


def learning_curve(
    metrics_csvs: Mapping[str, str | Path],
    crossing_json: str | Path | None,
    out_stem: str | Path,
    target_label: str,
    labels: Mapping[str, str] | None = None,
    controls: Iterable[str] = ("mean",),
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Draw R2 against training-set size, one line per model with its confidence interval.

    The shaded interval is that of the test set, the thin bars that of training: from the lowest to
    the highest of the seeds, each of them a dot.

    Parameters
    ----------
    metrics_csvs : mapping of str to path
        Each model's metrics.csv, in the order in which the legend names them.
    crossing_json : path or None
        crossing.json; the white star stands where the challenger reaches the reference's best R2.
    out_stem : path
        Written: ``<out_stem>.pdf``, ``.svg``, ``.png`` and ``.csv`` (the values drawn: kind is
        curve, seed, control or crossing; a curve's rows have ci_low and ci_high, and n_seeds,
        seed_min, seed_max and seed_sd of their seeds).
    target_label : str
        What is predicted, for the axis.
    labels : mapping, optional
        Names to show, by model.
    controls : iterable of str
        Models drawn as a thin grey line, and only where it fits the range of the others.
    confidence : float
        Of the intervals, for the legend.

    Returns
    -------
    pandas.DataFrame
        The values drawn.

    Raises
    ------
    PorevoxError
        When a table cannot be read or none holds an R2 of the test set.
    """
    controls = set(controls)
    if controls >= set(metrics_csvs):
        controls = set()  # a study of controls alone: they are what there is to see
    table = _read_curves(metrics_csvs, controls)
    crossing = _read_crossing(crossing_json)
    names = {model: display_name(model, labels) for model in metrics_csvs}
    names |= {model: display_name(model, labels) for model in crossing.get("models", ())}
    styles = model_styles(list(metrics_csvs), controls)
    wide = table.loc[table["kind"] == "curve", "model"].nunique() > CROWD
    with style():
        figure = new_figure(TWO_COLUMNS if wide else ONE_COLUMN, 3.6 if wide else 2.45)
        axes = figure.add_subplot()
        _set_ranges(axes, table, crossing)
        handles: list[Line2D | Patch] = [*_draw_models(axes, table, names, styles)]
        handles += _draw_crossing(axes, crossing, names)
        axes.set_xlabel("training structures")
        axes.set_ylabel(wrap_text(f"test $R^2$, {pretty_label(target_label)}", 32))
        handles += _explain(table, confidence)
        add_legend(figure, handles, "lower")
        save_figure(figure, out_stem)
    if crossing:
        star = {"kind": "crossing", "model": crossing["challenger"], "n_used": crossing["size"]}
        star["value"] = crossing["reference_best_R2"]
        table = pd.concat([table, pd.DataFrame([star])], ignore_index=True)
    write_table(table, f"{out_stem}.csv")
    return table


def _read_curves(paths: Mapping[str, str | Path], controls: set[str]) -> pd.DataFrame:
    """R2 rows of the test set of every model, with their kind: curve, seed or control."""
    columns = ["model", "n_train", "n_used", "seed", "n_test", "value", "ci_low", "ci_high"]
    parts = []
    for model, path in paths.items():
        try:
            rows = pd.read_csv(path, dtype={"seed": str, "size": str})
            rows = rows[(rows["subset"] == "test") & (rows["metric"] == "R2")][columns]
        except (OSError, ValueError, KeyError) as error:
            raise PorevoxError(f"{path} cannot be read ({error}): evaluate {model} again.") from error
        if rows.empty:
            raise PorevoxError(f"{path} holds no R2 of the test set: evaluate {model} again.")
        rows = rows[rows["seed"] != ENSEMBLE]
        mean = rows["seed"] == SEED_MEAN
        several = (~mean).groupby(rows["n_train"]).transform("sum") > 1
        rows = rows.join(_seed_spread(rows[~mean]), on="n_train")
        rows.loc[~mean, SPREAD] = np.nan
        if model in controls:
            rows = rows[mean].assign(kind="control")
        else:
            rows = rows[mean | several].assign(kind=np.where(mean, "curve", "seed")[mean | several])
        parts.append(rows.assign(model=model).sort_values(["kind", "n_train"], kind="stable"))
    table = pd.concat(parts, ignore_index=True)
    return table[["kind", *columns, *SPREAD]]


def _seed_spread(seeds: pd.DataFrame) -> pd.DataFrame:
    """Number, lowest, highest and standard deviation of the seeds' R2 at each size."""
    values = seeds.groupby("n_train")["value"]
    return values.agg(["count", "min", "max", "std"]).set_axis(SPREAD, axis=1)


def _read_crossing(path: str | Path | None) -> dict:
    """The crossing, or an empty dict where there is none to draw."""
    if path is None:
        return {}
    try:
        crossing = json.loads(Path(path).read_text(encoding="utf-8"))
        if not crossing["reached"]:
            return {}
    except (OSError, ValueError, KeyError) as error:
        raise PorevoxError(f"{path} cannot be read ({error!r}): compare the models again.") from error
    return crossing | {"models": (crossing["challenger"], crossing["reference"])}


def _set_ranges(axes: Axes, table: pd.DataFrame, crossing: dict) -> None:
    """Logarithmic sizes with a tick at each one used; R2 as wide as the models need."""
    own = table[table["kind"] != "control"]
    axes.set_xscale("log")
    sizes = own.groupby("n_train")["n_used"].max().to_numpy(float)
    low, high = min(own["n_used"].min(), sizes.min()), sizes.max()
    margin = 2.0 if len(sizes) == 1 else (high / low) ** 0.05
    axes.set_xlim(low / margin, high * margin)
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    figure = axes.get_figure(root=True)
    assert figure is not None  # which the axes were made in
    points = 60.0 * figure.get_size_inches()[0] - 15  # width of the axes, roughly
    axes.xaxis.set_major_formatter(FixedFormatter(_tick_labels(sizes, low, high, points)))
    values = own[["value", "ci_low", "ci_high"]].to_numpy(float)
    values = values[np.isfinite(values)]
    if not values.size:
        axes.text(0.5, 0.5, "$R^2$ is undefined", transform=axes.transAxes, ha="center")
        return
    bottom, top = values.min(), max(values.max(), crossing.get("reference_best_R2") or -math.inf)
    if bottom < LOWEST_R2 and own["value"].max() > 0:
        bottom = LOWEST_R2
    middle, span = (bottom + top) / 2, max(top - bottom, 0.04)
    bottom, top = min(bottom, middle - span / 2), max(top, middle + span / 2)
    control = table.loc[table["kind"] == "control", "value"].min()
    if bottom - 0.15 * span < control < bottom:
        bottom = control
    axes.set_ylim(bottom - 0.06 * span, top + 0.06 * span)


def _tick_labels(sizes: np.ndarray, low: float, high: float, width: float) -> list[str]:
    """Label as many sizes as fit side by side: the ends first, then from the left."""
    texts = [count_text(size) for size in sizes]
    points = width / math.log10(high / low) if high > low else 0.0
    places = np.log10(sizes / low) * points
    kept: list[int] = []
    for k in dict.fromkeys([len(sizes) - 1, 0, *range(len(sizes))]):
        if all(
            abs(places[k] - places[other]) > 2.2 * (len(texts[k]) + len(texts[other])) + 8 for other in kept
        ):
            kept.append(k)
    return [text if k in kept else "" for k, text in enumerate(texts)]


def _draw_models(
    axes: Axes, table: pd.DataFrame, names: Mapping[str, str], styles: Mapping[str, dict]
) -> list[Line2D]:
    """Draw each model (controls last) and return what the legend shows."""
    handles, below = [], False
    bottom = axes.get_ylim()[0]
    models = list(table.loc[table["kind"] == "curve", "model"].unique())
    one_size = table.loc[table["kind"] == "curve", "n_train"].nunique() == 1
    for place, model in enumerate(models):
        rows = table[(table["model"] == model) & (table["kind"] == "curve")].dropna(subset="value")
        seeds = table[(table["model"] == model) & (table["kind"] == "seed")]
        # At a single size the models would hide each other: they stand side by side.
        shift = 1.12 ** (place - (len(models) - 1) / 2) if one_size else 1.0
        alpha = min(0.2, 0.8 / len(models))
        handles += _draw_curve(axes, rows, seeds, shift, styles[model], names[model], alpha)
        off = rows[rows["value"] < bottom]
        if len(off):  # an empty line outside the axes would still claim room at the figure's corner
            below = True
            marks: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "clip_on": False}
            marks |= {"linestyle": "", "marker": 7, "color": styles[model]["color"]}
            axes.plot(off["n_used"] * shift, [0.02] * len(off), **marks)
    if below:
        handles.append(Line2D([], [], marker=7, color=INK, linestyle="", label="below the axis"))
    for model in table.loc[table["kind"] == "control", "model"].unique():
        rows = table[(table["model"] == model) & (table["kind"] == "control")]
        handles += _draw_control(axes, rows, styles[model], names[model], one_size)
    return handles


def _draw_curve(
    axes: Axes, rows: pd.DataFrame, seeds: pd.DataFrame, shift: float, look: dict, name: str, alpha: float
) -> list[Line2D]:
    """One model: a line with its shaded interval, or one point with an error bar; and its seeds."""
    x, y = rows["n_used"].to_numpy(float) * shift, rows["value"].to_numpy(float)
    low, high = rows["ci_low"].to_numpy(float), rows["ci_high"].to_numpy(float)
    if len(rows) > 1:
        axes.fill_between(x, low, high, color=look["color"], alpha=alpha, linewidth=0)
    else:
        axes.vlines(x, low, high, color=look["color"], linewidth=1.0)
        for bound in (low, high):
            axes.plot(x, bound, marker="_", markersize=6, color=look["color"], linestyle="")
    if len(seeds):
        beside = shift if len(rows) > 1 else shift * 1.02  # not on top of the interval's bar
        x_seeds = seeds["n_used"] * beside
        axes.plot(x_seeds, seeds["value"], color=look["color"], **DOTS)
        ends = seeds.groupby("n_used")["value"].agg(["min", "max"])
        axes.vlines(ends.index * beside, ends["min"], ends["max"], color=look["color"], linewidth=0.6)
    return axes.plot(x, y, label=name, markeredgecolor="white", markeredgewidth=0.4, **look)


def _explain(table: pd.DataFrame, confidence: float) -> list[Line2D | Patch]:
    """What the shaded areas (or bars) and, with several seeds, the thin bars mean."""
    curve, seeds = table[table["kind"] == "curve"], table[table["kind"] == "seed"]
    label = f"{100 * confidence:g} % CI over the test set"
    label += ", averaged over seeds" if len(seeds) else ""
    handles: list[Line2D | Patch]
    if curve["n_train"].nunique() > 1:
        handles = [Patch(facecolor=CONTROL_COLOUR, alpha=0.3, linewidth=0, label=label)]
    else:
        handles = [Line2D([], [], color=INK, linewidth=1.0, marker="|", linestyle="-", label=label)]
    if len(seeds):
        handles.append(Line2D([], [], color=INK, label="single seeds, lowest to highest", **DOTS))
        handles[-1].set(linestyle="-", linewidth=0.6)
    return handles


def _draw_control(axes: Axes, rows: pd.DataFrame, look: dict, name: str, one_size: bool) -> list[Line2D]:
    """A control's line where it fits the range, else its value in the legend."""
    value = rows.sort_values("n_train")["value"].iloc[-1]
    bottom, top = axes.get_ylim()
    if not math.isfinite(value):
        return []
    if not bottom <= value <= top:
        value = round(value, 2) + 0.0  # no "-0.00"
        place = "below" if value < bottom else "above"
        label = f"{name} ($R^2$ = {value:.2f}, {place} the axis)".replace("= -", "= \u2212")
        return [Line2D([], [], label=label, **look)]
    if one_size or len(rows) == 1:
        return [axes.axhline(value, label=name, zorder=0, **look)]
    return axes.plot(rows["n_used"], rows["value"], label=name, zorder=0, **look)


def _draw_crossing(axes: Axes, crossing: dict, names: Mapping[str, str]) -> list[Line2D]:
    """White star where the challenger reaches the reference's best R2, with guide lines."""
    if not crossing or len(axes.get_xticks()) == 1:
        return []  # without a curve there is no place where it crosses
    x, y = crossing["size"], crossing["reference_best_R2"]
    guide: dict[str, Any] = {"color": CONTROL_COLOUR, "linewidth": 0.6, "linestyle": (0, (1, 1.5))}
    guide |= {"zorder": 1}
    axes.plot([x, x], [axes.get_ylim()[0], y], **guide)
    axes.plot([x, crossing["reference_best_size"]], [y, y], **guide)
    sign = "\u2264" if crossing["bounded_by_smallest"] else "\u2248"
    challenger, reference = (names[model] for model in crossing["models"])
    label = f"{challenger} reaches {reference}'s best at {sign} {count_text(round_size(x))}"
    star: dict[str, Any] = {"marker": "*", "markersize": 9, "markerfacecolor": "white"}
    star |= {"markeredgewidth": 0.8, "linestyle": ""}
    return axes.plot(x, y, color=INK, zorder=6, label=label, **star)
