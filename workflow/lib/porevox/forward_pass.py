"""One structure on its way through a trained network, layer by layer (thesis 4.1, figure 4.1)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from porevox.compare import display_name
from porevox.figures.chosen import OPEN_K, named_row, passed_row, scalar_columns
from porevox.figures.figure_style import TWO_COLUMNS, new_figure, save_figure, style
from porevox.figures.figure_text import (
    column_label,
    count_text,
    plain_text,
    pretty_label,
    pretty_unit,
    wrap_text,
)
from porevox.figures.layer_panels import N_MAPS, Page, draw_maps, draw_slice, draw_strip
from porevox.figures.network_input import NetworkInput, network_input
from porevox.figures.voxel_view import common_reach, draw_space, energy_scale, potential_scale
from porevox.learning.layers import layer_outputs
from porevox.learning.savedmodel import load_retnet, raw_scalars
from porevox.learning.torchsetup import torch_session
from porevox.learning.view import seen_by_model
from porevox.learning.voxelset import load_dataset, load_voxels
from porevox.scores.scored_runs import write_table

#: Layers whose feature maps are drawn, and the slice (from 0) that is taken of the first and the others.
N_LAYERS, SLICES = 5, (4, 0)
_SIDE, _GAP = 0.50, 0.06


def forward_pass(
    dataset_dir: str | Path,
    run: str | Path,
    out_stem: str | Path,
    structure: str | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Draw what the layers of a RetNet make of one structure.

    Parameters
    ----------
    dataset_dir : path
        A dataset folder (table.csv, dataset.json).
    run : path
        Folder of a trained RetNet (model.safetensors, model.json).
    out_stem : path
        Written: ``<out_stem>.pdf``, ``.svg``, ``.png`` and ``.csv`` (the numbers drawn: layer, map, i, j,
        value; i and j along the second and third axis of a slice, none for numbers without a place).
    structure : str, optional
        Id of the structure; by default IRMOF-1 if the dataset has it, else the first test structure.
    threads : int

    Returns
    -------
    pandas.DataFrame
        The numbers drawn.

    Raises
    ------
    PorevoxError
        The dataset or the model cannot be read, or the dataset does not have the structure.
    """
    model, meta = load_retnet(Path(run))
    dataset, columns = seen_by_model(load_dataset(dataset_dir), meta), scalar_columns(meta)
    row = passed_row(dataset, columns) if structure is None else named_row(dataset, structure, columns)
    voxels, scalars = load_voxels(dataset, row), raw_scalars(meta, dataset, row)
    with torch_session(threads, torch.device("cpu")):
        outputs = {name: values[0] for name, values in layer_outputs(model, meta, voxels, scalars).items()}
    seen = network_input(dataset, row)
    with style():
        save_figure(_draw(seen, outputs, meta, row), out_stem)
    table = _numbers(seen, outputs)
    write_table(table, f"{out_stem}.csv")
    return table


def slices(outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what is drawn of the feature maps.

    Parameters
    ----------
    outputs : mapping of str to array
        Of one structure; see :func:`porevox.learning.layers.layer_outputs`.

    Returns
    -------
    dict of str to (k, p, p) array
        Of each of the first layers, a slice across the first axis of at most eight maps.
    """
    maps = [(name, values) for name, values in outputs.items() if values.ndim == 4][:N_LAYERS]
    return {name: values[:N_MAPS, _slice(k, values.shape[1])] for k, (name, values) in enumerate(maps)}


def _slice(layer: int, n: int) -> int:
    """Which slice of n is shown of a layer, counted from 0; a small grid may not have a fifth one."""
    return min(SLICES[layer > 0], n - 1)


def _draw(seen: NetworkInput, outputs: dict, meta: dict, row: pd.DataFrame) -> Figure:
    height = N_MAPS * _SIDE + (N_MAPS - 1) * _GAP
    figure = new_figure(TWO_COLUMNS, height + 0.85)
    figure.set_layout_engine("none")
    title = f"{plain_text(seen.id)} through {display_name(meta['model'])}"
    figure.text(0.01, 0.985, title, fontsize=8, fontweight="bold", ha="left", va="top")
    page = Page(figure, 0.08, 0.22, height)
    _draw_input(page, seen)
    for k, (name, maps) in enumerate(slices(outputs).items()):
        page.arrow(0.17)
        channels, *_, n = outputs[name].shape
        page.write(_SIDE, f"{name}\n{channels} × {n}³", f"slice {_slice(k, n) + 1}")
        draw_maps(page, maps, _SIDE, _GAP)
    _draw_end(page, outputs, meta, row)
    return figure


def _draw_input(page: Page, seen: NetworkInput) -> None:
    """The voxels as a surface in space, and the slice that the first layer's maps are taken at."""
    side, box = 1.08, seen.box()
    page.write(side, f"Input\n{len(seen.values)}³ voxels")
    reach = common_reach(box) if seen.potential else 0.0
    upper = page.axes(side, page.height / 2 + 0.05, side)
    draw_space(upper, box, reach / 2 if seen.potential else OPEN_K, seen.potential, 24)
    upper.margins(0.02)
    number = _slice(0, len(seen.values))
    part = number / (len(box.field) - 1)
    scale = potential_scale(box, reach) if seen.potential else energy_scale(box, seen.quantity, (part,) * 3)
    inner = 0.8 * side
    page.x += (side - inner) / 2
    lower = page.axes(inner, page.height / 2 - inner - 0.15, inner)
    field = np.minimum(seen.field[number], 1e30)
    draw_slice(lower, field, cmap=scale.colours, norm=scale.norm)
    lower.set_xlabel(f"slice {number + 1} across a", fontsize=6, labelpad=2)
    page.x += (side + inner) / 2


def _draw_end(page: Page, outputs: dict, meta: dict, row: pd.DataFrame) -> None:
    """The layers without a place in space, and the prediction."""
    hidden = [name for name, values in outputs.items() if values.ndim == 4]
    flat, n_maps = outputs["Flatten"], len(outputs[hidden[-1]])
    # one line per feature map; what enters beside them is left to the table
    page.arrow(0.42, "\n".join(hidden[N_LAYERS:]))
    page.write(0.28, f"Flatten\n{count_text(flat.size)}")
    draw_strip(page, flat[: len(flat) // n_maps * n_maps].reshape(n_maps, -1), 0.28, page.height)
    dense = [name for name in outputs if name.startswith("Dense")]
    for name in dense:
        values, is_last = outputs[name], name == dense[-1]
        page.arrow(0.30)
        page.write(0.14, f"{name}\n{len(values)}")
        strip = draw_strip(page, values, 0.14, page.height * (0.5 if is_last else 0.8))
        strip.set_xlabel("fingerprint" if is_last else "", fontsize=6, labelpad=2)
    page.arrow(0.24)
    _write_prediction(page, float(outputs["Output"][0]), meta, row)


def _write_prediction(page: Page, y_pred: float, meta: dict, row: pd.DataFrame) -> None:
    """The number that comes out, its unit, and what would have been right."""
    target, true = meta["target"], row["y"].iloc[0]
    subset = {"train": "training"}.get(row["subset"].iloc[0], row["subset"].iloc[0])
    unit = wrap_text(pretty_unit(target.get("unit")), 16)
    page.say(_number(y_pred), [unit, f"true: {_number(true)}", f"({subset} set)"])
    label = pretty_label(column_label(target["column"], target.get("label")))
    page.figure.text(0.99, 0.985, f"predicted: {label}", fontsize=7, ha="right", va="top")


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "\u2212")


def _numbers(seen: NetworkInput, outputs: dict) -> pd.DataFrame:
    parts = [_tidy("Input", seen.values[_slice(0, len(seen.values))][None])]
    parts += [_tidy(name, maps) for name, maps in slices(outputs).items()]
    parts += [_tidy(name, values) for name, values in outputs.items() if values.ndim == 1]
    return pd.concat(parts, ignore_index=True)


def _tidy(layer: str, values: np.ndarray) -> pd.DataFrame:
    """One row per number; maps are counted from 1, as numbers of a vector are."""
    places = np.indices(values.shape).reshape(values.ndim, -1)
    table = pd.DataFrame({"layer": layer, "map": places[0] + 1})
    for axis, name in enumerate("ij", start=1):
        table[name] = pd.array(places[axis] if values.ndim > axis else [None] * values.size, dtype="Int64")
    return table.assign(value=values.ravel())
