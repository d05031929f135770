"""Columns of feature maps and strips: what is drawn, and that it fits on the page."""

import numpy as np
import pytest

from porevox.figures.figure_style import new_figure, style
from porevox.figures.layer_panels import Page, draw_maps, draw_strip


@pytest.fixture
def page():
    with style():
        figure = new_figure(7.0, 5.0)
        figure.set_layout_engine("none")
        yield Page(figure, 0.5, 0.25, 4.0)


def places(page):
    """(left, bottom, right, top) of all axes, inches."""
    width, height = page.figure.get_size_inches()
    boxes = [axes.get_position() for axes in page.figure.axes]
    return [(box.x0 * width, box.y0 * height, box.x1 * width, box.y1 * height) for box in boxes]


def test_maps_stand_below_each_other_with_the_first_axis_to_the_right(page):
    maps = np.arange(3 * 4 * 4.0).reshape(3, 4, 4)
    maps[1] = 7.0
    draw_maps(page, maps, 0.5, 0.1)
    assert page.x == pytest.approx(1.0)
    found = places(page)
    assert [top for *_, top in found] == pytest.approx([4.25, 3.65, 3.05])
    assert all((left, right) == (pytest.approx(0.5), pytest.approx(1.0)) for left, _, right, _ in found)
    first, flat, _ = page.figure.axes
    [image] = first.images
    np.testing.assert_array_equal(image.get_array(), maps[0].T)
    assert image.origin == "lower" and image.norm.vmax == maps[0].max() and not flat.images


def test_strips_are_centred_and_read_downwards(page):
    values = np.arange(84.0)
    axes = draw_strip(page, values, 0.2, 2.0)
    [(left, bottom, right, top)] = places(page)
    assert (right - left, bottom + top) == (pytest.approx(0.2), pytest.approx(2 * 2.25))
    np.testing.assert_array_equal(axes.images[0].get_array()[:, 0], values)
    assert axes.images[0].origin == "upper"


def test_words_and_arrows_stand_where_the_columns_are(page):
    page.write(0.5, "Conv1\n12 maps", "slice 5")
    page.arrow(0.4, "Conv4")
    page.say("3.2", ["mmol/g", "", "true: 3.1"])
    texts = {text.get_text(): text.get_position() for text in page.figure.texts}
    assert set(texts) == {"Conv1", "12 maps", "slice 5", "Conv4", "3.2", "mmol/g\ntrue: 3.1"}
    assert texts["Conv1"][0] * 7 == pytest.approx(0.75) and texts["Conv1"][1] * 5 > 4.25
    assert texts["slice 5"][1] * 5 < 0.25
    assert texts["3.2"] == (pytest.approx((7 + 0.9) / 2 / 7), pytest.approx(2.25 / 5))
    assert page.x == pytest.approx(0.9)
