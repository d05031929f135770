"""What the panels of permutation importances show."""

import numpy as np
import pandas as pd
import pytest

from porevox.figures import importance_panels as module
from porevox.figures.figure_style import ONE_COLUMN, TWO_COLUMNS
from porevox.figures.importance_panels import MOST_SHOWN, draw_importance


def table(values):
    """Rows of {model: {feature: importance}}."""
    rows = [(model, feature, value) for model, part in values.items() for feature, value in part.items()]
    found = pd.DataFrame(rows, columns=["model", "feature", "importance"])
    return found.assign(n_used=1200, seeds=2, R2=-0.25, importance_std=0.02)


@pytest.fixture
def draw(monkeypatch, tmp_path):
    def drawn(values):
        seen = []
        monkeypatch.setattr(module, "save_figure", lambda figure, stem: seen.append(figure))
        names = {model: f"Model ${model}" for model in values}
        draw_importance(table(values), names, dict.fromkeys(values, "#0072B2"), tmp_path / "figure")
        seen[0].draw_without_rendering()
        return seen[0]

    return drawn


def bars(axes):
    """Width of each bar by the name at its height, which stands at the first panel of all."""
    names = [label.get_text() for label in axes.figure.axes[0].get_yticklabels()]
    return {names[round(bar.get_y() + bar.get_height() / 2)]: bar.get_width() for bar in axes.patches}


def test_bars_lie_at_their_names_the_largest_on_top(draw):
    values = {"rf": {"a": 0.1, "b": 0.4}, "boost": {"a": 0.2, "energy histogram": 0.9}}
    figure = draw(values)
    left, right = figure.axes
    assert bars(left) == values["rf"] and bars(right) == values["boost"]
    low, high = left.get_ylim()
    assert low > high  # the first is on top
    assert [label.get_text() for label in left.get_yticklabels()] == ["energy histogram", "b", "a"]
    assert left.get_title(loc="left") == "Model \\$rf"
    words = {text.get_text() for text in left.texts}
    assert "not an input" in words and "$R^2$ = \u22120.250, n = 1200, 2 seeds" in words
    assert left.get_xlim() == right.get_xlim()


@pytest.mark.parametrize(("models", "shape"), [(1, (1, 1)), (3, (1, 3)), (4, (2, 2)), (5, (2, 3))])
def test_panels_and_width(draw, models, shape):
    figure = draw({f"m{k}": {"a": 0.3, "b": -0.01} for k in range(models)})
    assert len(figure.axes) == models
    assert figure.axes[0].get_gridspec().get_geometry() == shape
    assert figure.get_size_inches()[0] == (ONE_COLUMN if models == 1 else TWO_COLUMNS)
    # every column says what its bars are
    lowest = figure.axes[-shape[1] :]
    assert all(axes.get_xlabel() == "drop of $R^2$" for axes in lowest)


def test_error_bars_are_one_standard_deviation_to_each_side(draw):
    axes = draw({"rf": {"a": 0.3}}).axes[0]
    ends = np.concatenate([segment[:, 0] for bar in axes.collections for segment in bar.get_segments()])
    assert (ends.min(), ends.max()) == pytest.approx((0.28, 0.32))


def test_what_does_not_fit_is_said(draw):
    figure = draw({"rf": {f"feature_{k}": 1.0 / (k + 1) for k in range(MOST_SHOWN + 3)}})
    assert len(figure.axes[0].patches) == MOST_SHOWN
    assert "3 inputs of less importance" in figure._supxlabel.get_text()
    assert f"feature_{MOST_SHOWN - 1}" in bars(figure.axes[0])


def test_long_names_stay_inside_the_figure(draw):
    figure = draw({"rf": {"a_descriptor_with_an_endless_name_and_a_unit_cm3_per_cm3": 0.2, "b": 0.1}})
    renderer = figure.canvas.get_renderer()
    for axes in figure.axes:
        box = axes.get_tightbbox(renderer)
        assert box.x0 >= -1 and box.x1 <= figure.bbox.width + 1
