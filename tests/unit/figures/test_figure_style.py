"""The look of figures: no traces left, the same bytes each time, models told apart."""

import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from porevox.figures.figure_style import (
    COLOURS,
    CONTROL_COLOUR,
    LINES,
    MARKERS,
    ONE_COLUMN,
    TWO_COLUMNS,
    add_legend,
    model_styles,
    new_figure,
    save_figure,
    style,
)


def draw(stem):
    with style():
        figure = new_figure(ONE_COLUMN, 2)
        axes = figure.add_subplot()
        (line,) = axes.plot([1, 2], [1, 2], marker="o", label="model")
        axes.set_xlabel("$R^2$ (Å)")
        add_legend(figure, [line], "upper")
        save_figure(figure, stem)


def test_files_are_the_same_each_time_and_undated(tmp_path):
    draw(tmp_path / "a.b")
    draw(tmp_path / "c")
    for kind in ("pdf", "svg", "png"):
        content = (tmp_path / f"a.b.{kind}").read_bytes()
        assert content == (tmp_path / f"c.{kind}").read_bytes()
        assert b"CreationDate" not in content and b"dc:date" not in content
    assert len(list(tmp_path.iterdir())) == 6


def test_settings_are_put_back_and_the_users_do_not_leak_in():
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30}):
        with style():
            assert matplotlib.rcParams["axes.facecolor"] == "white"
            assert matplotlib.rcParams["font.size"] == 8
        assert matplotlib.rcParams["font.size"] == 30
    assert dict(matplotlib.rcParams) == before


def test_models_differ_in_colour_marker_and_line_and_in_grey():
    styles = model_styles(["a", "mean", "b", "c"], ["mean"])
    shown = [styles[name] for name in "abc"]
    for key in ("color", "marker", "linestyle"):
        assert len({str(look[key]) for look in shown}) == 3
    assert styles["mean"]["color"] == CONTROL_COLOUR and "marker" not in styles["mean"]
    grey = [sum(w * c for w, c in zip((0.3, 0.59, 0.11), to_rgb(k), strict=True)) for k in COLOURS]
    assert abs(grey[0] - grey[1]) > 0.1
    assert len(COLOURS) == len(MARKERS) == len(LINES)


#: Linear RGB as seen with protanopia, deuteranopia and tritanopia (Machado et al., IEEE Trans. Vis.
#: Comput. Graph. 15, 1291 (2009), severity 1.0), and by everyone else.
VISION = [
    np.eye(3),
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
]


def lab(colour, vision):
    """CIE L*a*b* of a colour as seen."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(vision) @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt((to_xyz @ seen) / to_xyz.sum(axis=1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION)
def test_colours_are_told_apart_with_any_colour_blindness(vision):
    seen = [lab(colour, vision) for colour in COLOURS]
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
    assert min(distances) > 12  # 2 is what one notices side by side


def test_a_model_keeps_its_style_when_a_control_comes_or_goes():
    assert model_styles(["a", "b"])["b"] == model_styles(["mean", "a", "b"], ["mean"])["b"]


def test_many_models_still_differ():
    styles = model_styles([f"m{k}" for k in range(9)])
    looks = {(s["color"], s["marker"], str(s["linestyle"])) for s in styles.values()}
    assert len(looks) == 9


@pytest.mark.parametrize(
    "labels",
    [
        ["RetNet", "RF"],
        ["RetNet", "RF", "boosting on histograms", "Mean ($R^2$ = 0.00, below the axis)"],
        ["a_very_long_model_name_without_any_space_" * 3, "short", "WWWWWWWWWWWWWWWWWWWWWWWWWW"],
    ],
)
@pytest.mark.parametrize("width", [ONE_COLUMN, TWO_COLUMNS])
def test_legend_stays_inside_the_figure(labels, width):
    with style():
        figure = new_figure(width, 2)
        figure.add_subplot()
        add_legend(figure, [Line2D([], [], label=label) for label in labels], "lower")
        figure.draw_without_rendering()
        box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width + 1
    assert figure.get_size_inches()[1] > 2
