"""The stage *screen_map*: where new structures lie among those that a model was trained on."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from porevox.errors import PorevoxError
from porevox.figures.figure_style import COLOURS, TWO_COLUMNS, new_figure, save_figure, style
from porevox.figures.figure_text import column_label, count_text, quantity, wrap_text
from porevox.handover.domain import Domain, read_domain
from porevox.handover.record import read_record
from porevox.scores.scored_runs import write_table

_TRAINING = "#b5b5b5"
#: Above so many points a vector drawing of them would be of no use to anyone.
_MANY = 2000
#: Distances beyond are drawn at the edge.
_FURTHEST = 10.0


def screen_map(model_dir: str | Path, ranked_csv: str | Path, stem: str | Path) -> pd.DataFrame:
    """Draw the overview of a screening.

    Parameters
    ----------
    model_dir : path
        The model's folder.
    ranked_csv : path
        See :func:`porevox.ranking.rank`.
    stem : path
        Written: ``<stem>.pdf``, ``.svg``, ``.png`` and ``.csv`` (id, set, pc1, pc2, value, distance).

    Returns
    -------
    pandas.DataFrame
        The rows drawn: the training structures with their labels, the new ones with their predictions.

    Raises
    ------
    PorevoxError
        The model or the table cannot be read.
    """
    record, domain = read_record(model_dir), read_domain(Path(model_dir))
    new = read_ranked(ranked_csv)
    places, explained = domain.map(domain.vectors)
    old = pd.DataFrame({"id": domain.ids, "set": "training", "pc1": places[:, 0], "pc2": places[:, 1]})
    old["value"] = domain.labels
    value = next(name for name in new.columns if name.startswith("predicted"))
    drawn = new.rename(columns={value: "value"}).assign(set="new")
    columns = ["id", "set", "pc1", "pc2", "value", "distance"]
    with style():
        figure = _draw(old, drawn, explained, record, domain)
        save_figure(figure, stem)
    table = pd.concat([old, drawn[columns]], ignore_index=True)
    write_table(table, f"{stem}.csv")
    return table


def read_ranked(path: str | Path) -> pd.DataFrame:
    """Read ranked.csv; ids stay text.

    Parameters
    ----------
    path : path

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    PorevoxError
        It is missing or broken.
    """
    text = {name: str for name in ("id", "nearest_training_id", "out_of_domain", "why", "in_training_set")}
    try:
        table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values={"spread": [""]})
    except (OSError, ValueError) as error:
        raise PorevoxError(f"{path} cannot be read ({error}): screen again.") from error
    for name in table.columns.difference(list(text)):
        table[name] = pd.to_numeric(table[name], errors="coerce")
    return table


def _draw(
    old: pd.DataFrame, new: pd.DataFrame, explained: np.ndarray, record: dict, domain: Domain
) -> Figure:
    target = record["target"]
    label = column_label(target["column"], target.get("label"))
    figure = new_figure(TWO_COLUMNS, 2.75)
    panels = figure.subplots(1, 3, width_ratios=[1.25, 1, 1])
    norm = Normalize(*np.quantile(old["value"], (0.02, 0.98)))
    points = _draw_places(panels[0], old, new, norm, explained)
    bar = figure.colorbar(points, ax=panels[0], pad=0.02, aspect=25, extend="both")
    bar.set_label(wrap_text(quantity(label, target.get("unit"), "predicted"), 34), fontsize=7)
    bar.outline.set_linewidth(0.6)
    _draw_values(panels[1], old["value"], new["value"])
    panels[1].set_xlabel(wrap_text(quantity(label, target.get("unit")), 26))
    _draw_distances(panels[2], new)
    panels[2].set_ylabel(wrap_text(quantity(label, target.get("unit"), "predicted"), 34))
    figure.suptitle(
        f"{count_text(len(new))} new structures, {count_text((new['out_of_domain'] == 'yes').sum())} of "
        "them out of "
        f"domain; {count_text(len(domain.ids))} training structures in grey",
        x=0.01,
        ha="left",
        fontsize=8,
    )
    return figure


def _draw_places(axes: Axes, old: pd.DataFrame, new: pd.DataFrame, norm: Normalize, explained: np.ndarray):
    size = float(np.clip(4000 / max(len(old), len(new)), 1.0, 14))
    rasterized = len(old) + len(new) > _MANY
    axes.scatter(
        old["pc1"], old["pc2"], s=size, color=_TRAINING, linewidths=0, rasterized=rasterized, zorder=1
    )
    outside = (new["out_of_domain"] == "yes").to_numpy()
    look: dict[str, Any] = {"cmap": "viridis", "norm": norm, "rasterized": rasterized}
    inside = new[~outside]
    points = axes.scatter(
        inside["pc1"], inside["pc2"], c=inside["value"], s=1.5 * size, linewidths=0, zorder=3, **look
    )
    far = new[outside]
    axes.scatter(
        far["pc1"], far["pc2"], c=far["value"], s=1.5 * size, marker="x", linewidths=0.7, zorder=2, **look
    )
    for set_label, number in ((axes.set_xlabel, 1), (axes.set_ylabel, 2)):
        set_label(f"principal component {number} ({100 * explained[number - 1]:.0f} %)")
    axes.set_title("a  crosses: out of domain", fontsize=7, loc="left")
    return points


def _draw_values(axes: Axes, old: pd.Series, new: pd.Series) -> None:
    low, high = min(old.min(), new.min()), max(old.max(), new.max())
    bins = np.linspace(low, high if high > low else low + 1, 31).tolist()
    axes.hist(old, bins, density=True, color=_TRAINING, label="training, true")
    axes.hist(
        new, bins, density=True, histtype="step", color=COLOURS[0], linewidth=1.2, label="new, predicted"
    )
    axes.set(yticks=[], ylabel="share of structures")
    axes.legend(loc="upper right")
    axes.set_title("b", fontsize=7, loc="left")


def _draw_distances(axes: Axes, new: pd.DataFrame) -> None:
    distance = new["distance"].clip(upper=_FURTHEST)
    size = float(np.clip(4000 / len(new), 1.0, 14))
    outside = (new["out_of_domain"] == "yes").to_numpy()
    for mask, marker, colour in ((~outside, "o", COLOURS[0]), (outside, "x", COLOURS[1])):
        widths = 0 if marker == "o" else 0.7
        axes.scatter(
            distance[mask],
            new["value"][mask],
            s=size,
            marker=marker,
            color=colour,
            linewidths=widths,
            rasterized=len(new) > _MANY,
        )
    axes.axvline(1, color="#555555", linewidth=0.8, linestyle=(0, (4, 2)))
    axes.set_xlabel("distance to the training set")
    axes.set_xlim(left=0)
    axes.set_title("c  dashed: limit of the domain", fontsize=7, loc="left")
