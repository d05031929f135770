"""What one model's parity plot and bootstrap histogram show."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from porevox.figures import parity_panels as module
from porevox.figures.parity_panels import (
    Panel,
    annotate,
    draw_histogram,
    draw_points,
    draw_top,
    histogram_bins,
)
from porevox.scores.scored_runs import Run

IDS = ["a", "b", "c", "d"]


def panel(y_true, y_pred, samples=(0.7, 0.8, 0.9), r2=0.8):
    y_true, y_pred = np.asarray(y_true, float), np.asarray(y_pred, float)
    ids = IDS if y_true.size == len(IDS) else range(y_true.size)
    rows = pd.DataFrame({"y_true": y_true, "y_pred": y_pred}, index=ids)
    run = Run(Path("run"), "rf", "4", 4, 4, 0, {"test": rows})
    scores = {"R2": r2, "MAE": float(np.abs(y_true - y_pred).mean())}
    return Panel(run, "RF", "#0072B2", y_true, y_pred, scores, np.asarray(samples, float), (0.71, 0.89))


@pytest.fixture
def axes():
    return Figure().subplots()


def test_the_diagonal_is_where_both_are_equal(axes):
    draw_points(axes, panel([1, 2, 3, 4], [1, 2, 3, 5]), (0, 6), dense=False)
    (line,) = axes.lines
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    (points,) = axes.collections
    np.testing.assert_array_equal(points.get_offsets()[-1], [4, 5])  # true across, predicted up


def test_dense_panels_count_every_structure(axes):
    rng = np.random.default_rng(0)
    y_true = rng.uniform(0, 10, 5000)
    cells = draw_points(axes, panel(y_true, y_true + rng.normal(0, 1, 5000)), (-5, 15), dense=True)
    assert cells.get_array().sum() == 5000
    assert cells.get_array().min() >= 1


def test_circles_stand_at_the_best_materials(axes):
    table = pd.DataFrame({"id": IDS, "top": pd.array([None, 3, 2, 1], "Int64")})
    draw_top(axes, panel([1, 2, 3, 4], [1, 2, 3, 5]), table)
    places = {text.get_text(): text.xy for text in axes.texts}
    assert places == {"1": (4, 5), "2": (3, 3), "3": (2, 2)}
    assert [line.get_markeredgecolor() for line in axes.lines] == list(reversed(module.TOP_COLOURS))


@pytest.mark.parametrize(("y_pred", "corner"), [([9, 9, 1, 9], "right"), ([1, 9, 1, 1], "left")])
def test_words_stand_where_fewer_points_are(axes, y_pred, corner):
    # points above the diagonal push the words below it, and the other way round
    annotate(axes, panel([1, 2, 8, 9], y_pred), (0, 10), "mmol/g")
    (words,) = axes.texts
    assert words.get_ha() == corner
    assert "n = 4" in words.get_text() and "mmol" in words.get_text()


def test_what_lies_beyond_the_axes_is_counted_and_a_minus_is_a_minus(axes):
    annotate(axes, panel([1, 2, 3, 4], [1, 2, 30, -4], r2=-0.5), (0, 10), None)
    words = axes.texts[0].get_text()
    assert "2 beyond the axes" in words and "\u22120.500" in words


def test_an_undefined_score_is_called_so(axes):
    annotate(axes, panel([1, 1, 1, 1], [1, 2, 3, 4], r2=float("nan")), (0, 10), None)
    assert "undefined" in axes.texts[0].get_text()


@pytest.mark.parametrize("samples", [[0.1, 0.2, 0.2, 0.9], [1.0, 1.0, 1.0], []])
def test_every_resample_is_in_a_bar(samples):
    counts, edges = histogram_bins(np.array(samples))
    assert counts.sum() == len(samples)
    assert len(edges) == len(counts) + 1


def test_bounds_of_the_interval_are_drawn_and_written(axes):
    draw_histogram(axes, panel([1, 2, 3, 4], [1, 2, 3, 5]), (0.5, 1.0), 0.9)
    assert [line.get_xdata()[0] for line in axes.lines] == [0.71, 0.89]
    assert axes.get_title(loc="right") == "90 % CI [0.710, 0.890]"


def test_no_resample_is_no_histogram(axes):
    draw_histogram(axes, panel([1, 2, 3, 4], [1, 2, 3, 5], samples=()), (0.5, 1.0), 0.95)
    assert [text.get_text() for text in axes.texts] == ["undefined"] and not axes.lines
