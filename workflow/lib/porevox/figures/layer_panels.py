"""The drawing of a network's layers: columns of feature maps, strips of numbers, words between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from porevox.figures.figure_style import CONTROL_COLOUR, INK

#: Feature maps per layer, as in the thesis' figure 4.1.
N_MAPS = 8
COLOURS = "viridis"


@dataclass
class Page:
    """A figure that is filled from left to right; all lengths in inches.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Without a layout engine: everything has a place of its own.
    x : float
        Where the next column begins.
    bottom, height : float
        Of the columns.
    """

    figure: Figure
    x: float
    bottom: float
    height: float

    def axes(self, width: float, bottom: float, height: float) -> Axes:
        """Return new axes without ticks at the current x; `bottom` from the foot of the columns.

        Parameters
        ----------
        width, bottom, height : float
            Inches.

        Returns
        -------
        matplotlib.axes.Axes
        """
        total = self.figure.get_size_inches()
        (across, up), at = total, self.bottom + bottom
        axes = self.figure.add_axes((self.x / across, at / up, width / across, height / up))
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(True)
        axes.spines[:].set_linewidth(0.4)
        return axes

    def write(self, width: float, above: str, below: str = "") -> None:
        """Write the name of a column over it, and what it holds beneath; both centred.

        Parameters
        ----------
        width : float
            Of the column, inches.
        above : str
            The name in bold; a second line in small letters.
        below : str
        """
        total = self.figure.get_size_inches()
        x = (self.x + width / 2) / total[0]
        head, _, rest = above.partition("\n")
        top = self.bottom + self.height
        look: dict[str, Any] = {"ha": "center", "va": "bottom"}
        self.figure.text(x, (top + 0.17) / total[1], head, fontsize=7, fontweight="bold", **look)
        self.figure.text(x, (top + 0.05) / total[1], rest, fontsize=6, **look)
        self.figure.text(x, (self.bottom - 0.05) / total[1], below, fontsize=6, ha="center", va="top")

    def arrow(self, width: float, words: str = "") -> None:
        """Fill a gap with an arrow to the right at half height; `words` stand above it.

        Parameters
        ----------
        width : float
            Of the gap, inches; x moves on by it.
        words : str
        """
        total = self.figure.get_size_inches()
        y = (self.bottom + self.height / 2) / total[1]
        start, end = (self.x + 0.03) / total[0], (self.x + width - 0.03) / total[0]
        look: dict[str, Any] = {"arrowstyle": "-|>,head_length=0.3,head_width=0.15", "color": INK}
        look |= {"linewidth": 0.7, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 10}
        patch = FancyArrowPatch((start, y), (end, y), transform=self.figure.transFigure, **look)
        self.figure.add_artist(patch)
        middle = (start + end) / 2
        self.figure.text(middle, y + 0.05 / total[1], words, fontsize=6, ha="center", va="bottom")
        self.x += width

    def say(self, word: str, under: Sequence[str]) -> None:
        """Write a word at half height into what is left of the page, and small lines under it.

        Parameters
        ----------
        word : str
        under : sequence of str
            Empty ones are left out.
        """
        total = self.figure.get_size_inches()
        x, middle = (total[0] + self.x) / 2 / total[0], self.bottom + self.height / 2
        look: dict[str, Any] = {"ha": "center", "fontsize": 9, "fontweight": "bold", "va": "center"}
        self.figure.text(x, middle / total[1], word, **look)
        lines = "\n".join(filter(None, under))
        self.figure.text(x, (middle - 0.1) / total[1], lines, fontsize=6, ha="center", va="top")


def draw_maps(page: Page, maps: np.ndarray, side: float, gap: float) -> None:
    """Draw slices of feature maps below each other, each with colours of its own; move to the right.

    Parameters
    ----------
    page : Page
    maps : (k, p, p) float array
        At most :data:`N_MAPS`; a map that is the same everywhere is left grey.
    side, gap : float
        Of the squares, inches.
    """
    for number, values in enumerate(maps):
        bottom = page.height - (number + 1) * side - number * gap
        axes = page.axes(side, bottom, side)
        if np.ptp(values) > 0:
            draw_slice(axes, values, cmap=COLOURS)
        else:
            axes.set_facecolor(CONTROL_COLOUR)
    page.x += side


def draw_slice(axes: Axes, values: np.ndarray, **look) -> None:
    """Draw a plane of voxels: its first axis to the right, its second one upwards.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    values : (p, q) float array
    **look
        For :meth:`matplotlib.axes.Axes.imshow`.
    """
    axes.imshow(values.T, origin="lower", interpolation="nearest", aspect="auto", **look)


def draw_strip(page: Page, values: np.ndarray, width: float, height: float) -> Axes:
    """Draw a vector as a strip that is read downwards, or a matrix with one row of it per line.

    Parameters
    ----------
    page : Page
        The strip is centred on its columns' height.
    values : (k,) or (k, l) float array
    width, height : float
        Inches.

    Returns
    -------
    matplotlib.axes.Axes
    """
    axes = page.axes(width, (page.height - height) / 2, height)
    image = values.reshape(len(values), -1)
    axes.imshow(image, cmap=COLOURS, interpolation="nearest", aspect="auto")
    page.x += width
    return axes
