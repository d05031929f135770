"""The symmetry operations of the training, drawn on one structure's voxels (thesis, figure 3.2)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from porevox.figures.chosen import OPEN_K, named_row, open_row
from porevox.figures.figure_style import TWO_COLUMNS, new_figure, save_figure, style
from porevox.figures.figure_text import plain_text, wrap_text
from porevox.figures.moved_voxels import Move, draw_moved_slice, draw_moved_surface, moves
from porevox.figures.network_input import NetworkInput, network_input
from porevox.figures.voxel_box import pore_middle
from porevox.figures.voxel_view import Scale, common_reach, energy_scale, potential_scale
from porevox.learning.view import seen_by
from porevox.learning.voxelset import load_dataset
from porevox.scores.scored_runs import write_table


def augmentations(
    dataset_dir: str | Path,
    out_stem: str | Path,
    structure: str | None = None,
    octahedral: bool = False,
    roll: bool = False,
    view: Mapping | None = None,
) -> pd.DataFrame:
    """Draw one structure's voxels before and after an operation of each kind.

    Parameters
    ----------
    dataset_dir : path
        A dataset folder (table.csv, dataset.json).
    out_stem : path
        Written: ``<out_stem>.pdf``, ``.svg``, ``.png`` and ``.csv`` (the slices drawn: operation, i and
        j along the slice's axes, network_input, and energy_K or potential_V).
    structure : str, optional
        Id of the structure; by default the first training structure with open pores.
    octahedral : bool
        Show an operation beyond the thesis' 13, too.
    roll : bool
        Show a periodic shift, too.
    view : mapping, optional
        Channels and transform of the network that is shown; see :func:`porevox.learning.view.seen_by`.

    Returns
    -------
    pandas.DataFrame
        The values drawn.

    Raises
    ------
    PorevoxError
        The dataset cannot be read, or does not have the structure.
    """
    dataset, _ = seen_by(load_dataset(dataset_dir), dict(view or {}))
    row = open_row(dataset) if structure is None else named_row(dataset, structure)
    seen = network_input(dataset, row)
    shown = moves(octahedral, roll, len(seen.values), seen.grid.endpoint)
    part = 0.5 if seen.potential else pore_middle(seen.box(), OPEN_K)[2]
    with style():
        save_figure(_draw(seen, shown, part), out_stem)
    table = _slices(seen, shown, part)
    write_table(table, f"{out_stem}.csv")
    return table


def _draw(seen: NetworkInput, shown: Sequence[Move], part: float) -> Figure:
    box = seen.box()
    reach = common_reach(box) if seen.potential else 0.0
    level = float(f"{reach / 2:.1g}") if seen.potential else OPEN_K
    scale = potential_scale(box, reach) if seen.potential else _scale(seen, shown, part)
    side = TWO_COLUMNS / max(4, len(shown))
    figure = new_figure(side * len(shown), 1.95 * side + 0.75)
    figure.suptitle(plain_text(seen.id), x=0.01, ha="left", fontsize=8, fontweight="bold")
    panels = figure.subplots(2, len(shown), squeeze=False, height_ratios=[1.15, 1.0])
    for (upper, lower), move in zip(panels.T, shown, strict=True):
        upper.set_title(wrap_text(move.title, int(side * 72 / 5)), fontsize=8)
        draw_moved_surface(upper, seen, move, level)
        image = draw_moved_slice(lower, seen, move, part, scale)
        if lower is not panels[1, 0]:
            lower.set_ylabel("")
    bar = figure.colorbar(image, ax=list(panels[1]), extend=scale.extend, aspect=14, pad=0.01)
    bar.set_label(f"{scale.label}\nat {part:.2f} of c")
    bar.outline.set_linewidth(0.6)
    return figure


def _scale(seen: NetworkInput, shown: Sequence[Move], part: float) -> Scale:
    """One colour scale for the slices of all panels."""
    lowest = min(float(_slice(seen, move(seen.field), part).min()) for move in shown)
    field = seen.box().field
    flat = seen.box(np.full(seen.field.shape, lowest))
    scale = energy_scale(flat, seen.quantity, (0.5, 0.5, 0.5))
    return Scale(field, scale.label, scale.colours, scale.norm, scale.extend)


def _slice(seen: NetworkInput, values: np.ndarray, part: float) -> np.ndarray:
    """The plane of grid points across c that a panel shows, (n, n)."""
    last = len(values) - 1 if seen.grid.endpoint or seen.grid.kind == "cubic_box" else len(values)
    return values[:, :, round(part * last) % len(values)]


def _slices(seen: NetworkInput, shown: Sequence[Move], part: float) -> pd.DataFrame:
    n = len(seen.values)
    i, j = np.indices((n, n)).reshape(2, -1)
    unit = "potential_V" if seen.potential else "energy_K"
    parts = []
    for move in shown:
        values, field = (_slice(seen, move(array), part).ravel() for array in (seen.values, seen.field))
        parts.append(
            pd.DataFrame({"operation": move.title, "i": i, "j": j, "network_input": values, unit: field})
        )
    return pd.concat(parts, ignore_index=True)
