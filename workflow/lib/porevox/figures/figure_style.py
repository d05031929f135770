"""One look for every figure: fonts, colours, legends, and files that come out the same each time.

Figures are built with matplotlib's object interface (never pyplot), inside :func:`style`, so that
nothing is left behind in the process and no display is needed.
"""

import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine

from porevox.figures.figure_text import wrap_text
from porevox.learning.runs import write_atomically

#: Inches: one and two columns of a journal page.
ONE_COLUMN, TWO_COLUMNS = 3.35, 7.0
#: Okabe and Ito's palette and four of Tol's, told apart with every common colour blindness; dark and
#: light alternate so that neighbours differ in grey print, too.
COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"),
    *("#882255", "#999933", "#332288", "#000000"),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "p", ">")
LINES = (
    *("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 2))),
    *((0, (2, 1)), (0, (8, 1.5, 1, 1.5)), (0, (3, 1.5, 3, 1.5, 1, 1.5)), (0, (4, 3))),
)
CONTROL_COLOUR = "#7f7f7f"
INK = "#222222"

_SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "legend.frameon": False,
    "mathtext.default": "regular",
    "pdf.fonttype": 42,  # TrueType: text stays text in a vector editor
    "svg.hashsalt": "porevox",  # ids in SVG files are random without a salt
    "savefig.dpi": 300,
}


def style():
    """Settings of every figure, as a context manager that puts the former ones back.

    Returns
    -------
    context manager
        For ``with style(): ...`` around building and saving a figure.
    """
    # From matplotlib's own defaults: a matplotlibrc on one machine must not change the figures.
    defaults = {k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith("backend")}
    return matplotlib.rc_context({**defaults, **_SETTINGS})


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure that lays itself out.

    Parameters
    ----------
    width, height : float
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
        With its own Agg canvas.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)  # asked for above
    engine.set(w_pad=0.03, h_pad=0.03, wspace=0.03, hspace=0.03)
    return figure


def save_figure(figure: Figure, stem: str | Path) -> None:
    """Write a figure as PDF, SVG and PNG, byte by byte the same on every run.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Built inside :func:`style`, which must still be in force.
    stem : path
        Path without extension.
    """
    no_dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
    for kind, metadata in no_dates.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, metadata=metadata)
        write_atomically(f"{stem}.{kind}", buffer.getvalue())


def add_legend(figure: Figure, handles: Sequence[Artist], where: str) -> None:
    """Put a legend outside the axes, in as few rows as fit; the figure grows with them.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        From :func:`new_figure`.
    handles : sequence of matplotlib.artist.Artist
        With their labels; long ones are wrapped.
    where : str
        ``upper`` or ``lower``.
    """
    width, height = figure.get_size_inches()
    room, shape = width * 72 - 8, 32  # points; the second for a handle and the gaps around it
    lines = []
    for handle in handles:
        text = str(handle.get_label())
        share = (room - shape) / max(_text_width(figure, text), 1)
        if share < 1:
            handle.set_label(wrap_text(text, max(1, int(0.95 * share * len(text)))))
        lines.append(str(handle.get_label()).split("\n"))
    widths = [shape + max(_text_width(figure, line) for line in item) for item in lines]
    rows = next((r for r in range(1, len(handles)) if _columns_width(widths, r) <= room), len(handles))
    figure.set_size_inches(width, height + 0.14 * rows * max(map(len, lines)))
    figure.legend(
        handles=list(handles),
        loc="outside upper left" if where == "upper" else "outside lower left",
        ncols=math.ceil(len(handles) / rows),
        handlelength=2.6,
        columnspacing=1.0,
        labelspacing=0.3,
        borderaxespad=0.2,
    )


def _text_width(figure: Figure, text: str) -> float:
    """Width of one line of a legend's text in points."""
    font = FontProperties(size=_SETTINGS["legend.fontsize"])
    assert isinstance(figure.canvas, FigureCanvasAgg)  # see new_figure
    renderer = figure.canvas.get_renderer()
    pixels = renderer.get_text_width_height_descent(text, font, ismath="$" in text)[0]
    return pixels * 72 / figure.dpi


def _columns_width(widths: Sequence[float], rows: int) -> float:
    """Width of a legend whose entries run down columns, as matplotlib deals them out."""
    columns = math.ceil(len(widths) / rows)
    short, longer = divmod(len(widths), columns)
    total, start = 0.0, 0
    for column in range(columns):
        stop = start + short + (column < longer)
        total += max(widths[start:stop])
        start = stop
    return total


def model_styles(models: Sequence[str], controls: Iterable[str] = ()) -> dict[str, dict]:
    """Colour, marker and line of each model; controls are grey and thin.

    Parameters
    ----------
    models : sequence of str
        In the order of the config; a model keeps its style whatever is drawn later.
    controls : iterable of str
        Models that only say what no skill looks like.

    Returns
    -------
    dict of str to dict
        Keyword arguments for :meth:`matplotlib.axes.Axes.plot`.
    """
    styles: dict[str, dict[str, Any]] = {}
    controls = set(controls)
    for model in models:
        k = len(styles.keys() - controls)
        if model in controls:
            styles[model] = {"color": CONTROL_COLOUR, "linestyle": (0, (4, 2)), "linewidth": 0.8}
        else:
            styles[model] = {
                "color": COLOURS[k % len(COLOURS)],
                "marker": MARKERS[k % len(MARKERS)],
                "linestyle": LINES[(k + k // len(COLOURS)) % len(LINES)],
            }
    return styles
