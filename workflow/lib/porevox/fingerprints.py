"""Fingerprints that a RetNet has learned: as they are, and as a map (thesis 4.1, figure 4.2)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from porevox.compare import display_name
from porevox.errors import PorevoxError
from porevox.figures.chosen import drawable_rows, scalar_columns
from porevox.figures.figure_style import COLOURS, ONE_COLUMN, TWO_COLUMNS, new_figure, save_figure, style
from porevox.figures.figure_text import column_label, count_text, plain_text, quantity, wrap_text
from porevox.figures.principal_axes import principal_axes
from porevox.learning.savedmodel import fingerprint_rows, load_retnet
from porevox.learning.torchsetup import torch_session
from porevox.learning.view import seen_by_model
from porevox.learning.voxelset import load_dataset
from porevox.scores.scored_runs import write_table

#: Training structures in the heat map, as in the thesis.
N_SHOWN = 100


def fingerprints(
    dataset_dir: str | Path,
    run: str | Path,
    heat_stem: str | Path,
    map_stem: str | Path,
    threads: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the fingerprints of the first training structures, and a map of those of the test set.

    Parameters
    ----------
    dataset_dir : path
        A dataset folder (table.csv, dataset.json).
    run : path
        Folder of a trained RetNet (model.safetensors, model.json).
    heat_stem, map_stem : path
        Written: ``.pdf``, ``.svg``, ``.png`` and ``.csv`` of each figure. Rows of the first table: id,
        y_true, f1 to f20. Rows of the second: id, y_true, pc1, pc2, f1 to f20.
    threads : int

    Returns
    -------
    heat, test : pandas.DataFrame
        The tables.

    Raises
    ------
    PorevoxError
        The dataset or the model cannot be read, or there is nothing to draw.
    """
    model, meta = load_retnet(Path(run))
    dataset = seen_by_model(load_dataset(dataset_dir), meta)
    rows = drawable_rows(dataset, scalar_columns(meta))
    parts = {name: rows[rows["subset"] == name] for name in ("train", "test")}
    parts["train"] = parts["train"].head(N_SHOWN)
    for name, part in parts.items():
        if part.empty:
            raise PorevoxError(
                f"The {name} set has no structure with voxels, so there are no fingerprints to draw."
            )
    with torch_session(threads, torch.device("cpu")):
        found = {name: fingerprint_rows(model, meta, dataset, part) for name, part in parts.items()}
    places, explained = principal_axes(found["test"])
    heat, test = (_table(parts[name], found[name]) for name in ("train", "test"))
    test.insert(2, "pc1", places[:, 0])
    test.insert(3, "pc2", places[:, 1])
    with style():
        save_figure(_draw_heat(heat, found["train"], meta), heat_stem)
        save_figure(_draw_map(test, explained, meta), map_stem)
    write_table(heat, f"{heat_stem}.csv")
    write_table(test, f"{map_stem}.csv")
    return heat, test


def _table(rows: pd.DataFrame, values: np.ndarray) -> pd.DataFrame:
    columns = {f"f{k + 1}": values[:, k] for k in range(values.shape[1])}
    return pd.DataFrame({"id": rows["id"].to_numpy(), "y_true": rows["y"].to_numpy(), **columns})


def _target(meta: dict, width: int, kind: str = "true") -> str:
    """Label of an axis: what is predicted, and its unit."""
    target = meta["target"]
    label = column_label(target["column"], target.get("label"))
    return wrap_text(quantity(label, target.get("unit"), kind), width)


def _draw_heat(heat: pd.DataFrame, values: np.ndarray, meta: dict) -> Figure:
    """The uptakes above, the fingerprints of the same structures below."""
    m, k = values.shape
    figure = new_figure(TWO_COLUMNS, 3.0)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[1, 3.4])
    numbers = np.arange(1, m + 1)
    upper.plot(numbers, heat["y_true"], "o", color=COLOURS[0], markersize=2.5, markeredgewidth=0)
    upper.set_ylabel(_target(meta, 20, ""), rotation=0, ha="right", va="center", fontsize=7)
    upper.yaxis.set_major_locator(MaxNLocator(2))
    upper.margins(y=0.1)
    edges = np.arange(0.5, m + 1), np.arange(0.5, k + 1)
    look = {"cmap": "viridis", "rasterized": True}
    image = lower.pcolormesh(*edges, values.T, **look)
    lower.set(xlim=(0.5, m + 0.5), ylim=(k + 0.5, 0.5), yticks=[1, *range(5, k + 1, 5)])
    lower.set_xlabel(f"training structure of {plain_text(display_name(meta['model']))}")
    lower.set_ylabel("component")
    bar = figure.colorbar(image, ax=lower, pad=0.01, aspect=20)
    bar.set_label("fingerprint")
    bar.outline.set_linewidth(0.6)
    return figure


def _draw_map(test: pd.DataFrame, explained: np.ndarray, meta: dict) -> Figure:
    figure = new_figure(ONE_COLUMN, 2.7)
    axes = figure.add_subplot()
    # in an order that has nothing to do with the uptake: no colour lies on top of the others
    order = np.random.default_rng(0).permutation(len(test))
    drawn = test.iloc[order]
    many = len(test)
    points = axes.scatter(
        drawn["pc1"],
        drawn["pc2"],
        c=drawn["y_true"],
        s=float(np.clip(2500 / many, 1.5, 14)),
        cmap="viridis",
        norm=Normalize(*np.quantile(test["y_true"], (0.02, 0.98))),
        linewidths=0,
        rasterized=many > 1000,
    )
    setters: tuple[Callable[[str], Any], ...] = (axes.set_xlabel, axes.set_ylabel)
    for set_label, number, part in zip(setters, (1, 2), explained, strict=True):
        set_label(f"principal component {number} ({100 * part:.1f} % of variance)")
    limits = np.array([_limits(test[name].to_numpy()) for name in ("pc1", "pc2")])
    axes.set(xlim=limits[0], ylim=limits[1])
    places = test[["pc1", "pc2"]].to_numpy()
    beyond = int(((places < limits[:, 0]) | (places > limits[:, 1])).any(axis=1).sum())
    said = f"{count_text(many)} test structures" + (
        f", {count_text(beyond)} beyond the axes" if beyond else ""
    )
    axes.set_title(said, fontsize=7, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    bar = figure.colorbar(points, ax=axes, pad=0.02, aspect=25, extend="both")
    bar.set_label(_target(meta, 40))
    bar.outline.set_linewidth(0.6)
    return figure


def _limits(values: np.ndarray) -> tuple[float, float]:
    """Limits of an axis: all values, unless a few lie so far off that they would leave the page empty."""
    low, high = np.quantile(values, (0.01, 0.99))
    reach = 0.5 * (high - low)
    inner = values[(values >= low - reach) & (values <= high + reach)]
    margin = 0.05 * np.ptp(inner) or 1.0
    return float(inner.min() - margin), float(inner.max() + margin)
