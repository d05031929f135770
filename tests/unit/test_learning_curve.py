"""What the learning curve shows: which points, which range, which star."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from porevox import learning_curve as module
from porevox.errors import PorevoxError
from porevox.learning_curve import learning_curve

COLUMNS = ["model", "subset", "size", "n_train", "n_used", "seed", "n_test", "metric"]


@pytest.fixture
def figures(monkeypatch):
    """Figures instead of their files."""
    seen = []
    monkeypatch.setattr(module, "save_figure", lambda figure, stem: seen.append(figure))
    return seen


@pytest.fixture
def metrics(tmp_path):
    def write(model, curve, seeds=(0,), half_width=0.05, dropped=0):
        rows = []
        for size, r2 in curve.items():
            for seed in [*seeds, "mean", *(["ensemble"] if len(seeds) > 1 else [])]:
                own = {"mean": 0.0, "ensemble": 0.02}
                value = r2 + (own[seed] if seed in own else 0.01 * (seed - np.mean(seeds)))
                for subset, metric, shift in (
                    ("test", "R2", 0),
                    ("test", "MAE", 5),
                    ("validation", "R2", -9),
                ):
                    head = (model, subset, f"{size}", size, size - dropped, seed, 50, metric)
                    bounds = (value + shift + d for d in (0, -half_width, half_width))
                    rows.append((*head, *bounds))
        path = tmp_path / f"{model}.csv"
        columns = [*COLUMNS, "value", "ci_low", "ci_high"]
        pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
        return path

    return write


@pytest.fixture
def crossing(tmp_path):
    def write(reached=True, size=150.0, r2=0.7, bounded=False):
        path = tmp_path / "crossing.json"
        content = {"challenger": "retnet", "reference": "rf", "reached": reached, "size": size}
        content |= {"bounded_by_smallest": bounded, "reference_best_R2": r2}
        path.write_text(json.dumps(content | {"reference_best_size": 400, "statement": "x"}))
        return path

    return write


CURVES = {"retnet": {100: 0.6, 200: 0.8, 400: 0.9}, "rf": {100: 0.5, 200: 0.6, 400: 0.7}}


def draw(tmp_path, paths, crossing=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learning_curve(paths, crossing, tmp_path / "curve", "CH4 uptake", **options)
    return pd.read_csv(tmp_path / "curve.csv")


def legend(figure):
    """The legend's entries of models and marks, without those that explain the intervals."""
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    return [text for text in texts if "CI" not in text and "seeds" not in text]


def test_lines_hold_the_means_of_r2_on_the_test_set(metrics, tmp_path, figures):
    paths = {model: metrics(model, curve, (0, 1), dropped=3) for model, curve in CURVES.items()}
    table = draw(tmp_path, paths)
    axes = figures[0].axes[0]
    line = next(line for line in axes.lines if line.get_label() == "RetNet")
    assert line.get_xdata().tolist() == [97, 197, 397]
    assert line.get_ydata().tolist() == pytest.approx([0.6, 0.8, 0.9])
    assert axes.get_xticks().tolist() == [97, 197, 397] and axes.get_xscale() == "log"
    assert (table["kind"] == "seed").sum() == 2 * 3 * 2
    assert (table["kind"] == "curve").sum() == 2 * 3
    assert legend(figures[0]) == ["RetNet", "RF"]


def test_seeds_and_test_set_are_two_uncertainties(metrics, tmp_path, figures):
    table = draw(tmp_path, {"rf": metrics("rf", CURVES["rf"], (0, 1, 4))}, confidence=0.9)
    axes = figures[0].axes[0]
    bars = axes.collections[1].get_segments()
    assert [bar[:, 0].tolist() for bar in bars] == [[n, n] for n in CURVES["rf"]]
    mean = np.mean([0, 1, 4])
    expected = [0.5 + 0.01 * (seed - mean) for seed in (0, 4)]
    assert bars[0][:, 1].tolist() == pytest.approx(expected)
    row = table[table["kind"] == "curve"].iloc[0]
    assert row["n_seeds"] == 3 and row[["seed_min", "seed_max"]].tolist() == pytest.approx(expected)
    assert row["seed_sd"] == pytest.approx(0.01 * np.std([0, 1, 4], ddof=1))
    assert row["ci_low"] == pytest.approx(0.45) and len(axes.collections) == 2
    texts = [text.get_text() for text in figures[0].legends[0].get_texts()]
    assert texts[1:] == ["90 % CI over the test set, averaged over seeds", "single seeds, lowest to highest"]
    assert "ensemble" not in set(table["seed"])


def test_a_single_seed_has_no_spread_to_show(metrics, tmp_path, figures):
    table = draw(tmp_path, {"rf": metrics("rf", CURVES["rf"])})
    assert set(table["kind"]) == {"curve"} and len(figures[0].axes[0].collections) == 1
    assert "seed" not in figures[0].legends[0].get_texts()[-1].get_text()


def test_many_models_with_long_names_have_a_page_and_stay_in_it(metrics, tmp_path, figures):
    names = [f"model-{k}-" + "x" * 55 for k in range(9)]
    paths = {
        name: metrics(name, {n: r2 - 0.02 * k for n, r2 in CURVES["rf"].items()})
        for k, name in enumerate(names)
    }
    draw(tmp_path, paths)
    figure = figures[0]
    assert figure.get_size_inches()[0] == 7.0
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width + 1
    lowest = figure.axes[0].get_tightbbox().y0
    assert box.y1 <= lowest + 1  # below the axes, not on them
    looks = {
        (line.get_color(), line.get_marker()) for line in figure.axes[0].lines if line.get_label() in names
    }
    assert len(looks) == 9


def test_shaded_area_is_the_interval(metrics, tmp_path, figures):
    draw(tmp_path, {"rf": metrics("rf", CURVES["rf"])})
    axes = figures[0].axes[0]
    corners = axes.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == pytest.approx(0.45) and corners[:, 1].max() == pytest.approx(0.75)


def test_star_stands_at_the_crossing(metrics, crossing, tmp_path, figures):
    paths = {model: metrics(model, curve) for model, curve in CURVES.items()}
    table = draw(tmp_path, paths, crossing())
    star = next(line for line in figures[0].axes[0].lines if line.get_marker() == "*")
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (150, 0.7)
    assert star.get_markerfacecolor() == "white"
    assert legend(figures[0])[-1] == "RetNet reaches RF's best at ≈ 150"
    row = table[table["kind"] == "crossing"].iloc[0]
    assert (row["n_used"], row["value"]) == (150, 0.7)


def test_star_of_a_bound_says_so(metrics, crossing, tmp_path, figures):
    paths = {model: metrics(model, curve) for model, curve in CURVES.items()}
    draw(tmp_path, paths, crossing(size=100, bounded=True))
    assert legend(figures[0])[-1].endswith("≤ 100")


@pytest.mark.parametrize("reached", [False, None])
def test_no_star_where_there_is_no_crossing(metrics, crossing, tmp_path, figures, reached):
    paths = {model: metrics(model, curve) for model, curve in CURVES.items()}
    table = draw(tmp_path, paths, crossing(reached, None, None))
    assert "*" not in [line.get_marker() for line in figures[0].axes[0].lines]
    assert "crossing" not in set(table["kind"])


def test_control_far_below_is_named_and_does_not_squash_the_curves(metrics, tmp_path, figures):
    paths = {"rf": metrics("rf", CURVES["rf"]), "mean": metrics("mean", {100: -0.001, 400: -0.001})}
    draw(tmp_path, paths)
    assert figures[0].axes[0].get_ylim()[0] > 0.4
    assert legend(figures[0]) == ["RF", "Mean ($R^2$ = 0.00, below the axis)"]


def test_control_within_the_range_is_drawn(metrics, tmp_path, figures):
    paths = {"rf": metrics("rf", {100: 0.05, 400: 0.7}), "mean": metrics("mean", {100: 0, 400: 0})}
    draw(tmp_path, paths)
    axes = figures[0].axes[0]
    line = next(line for line in axes.lines if line.get_label() == "Mean")
    assert line.get_ydata().tolist() == [0, 0] and axes.get_ylim()[0] < 0
    assert legend(figures[0]) == ["RF", "Mean"]


def test_study_of_controls_alone_shows_them(metrics, tmp_path, figures):
    draw(tmp_path, {"mean": metrics("mean", {100: -0.1, 400: 0.0})})
    assert figures[0].axes[0].get_ylim()[0] < -0.1 and legend(figures[0]) == ["Mean"]


def test_very_bad_point_is_cut_off_and_marked(metrics, tmp_path, figures):
    paths = {"retnet": metrics("retnet", {50: -7.0, 400: 0.6}), "rf": metrics("rf", {50: 0.4, 400: 0.7})}
    table = draw(tmp_path, paths)
    axes = figures[0].axes[0]
    assert -0.5 < axes.get_ylim()[0] < 0
    marks = [line for line in axes.lines if line.get_marker() == 7 and len(line.get_xdata())]
    assert [line.get_xdata().tolist() for line in marks] == [[50]]
    assert "below the axis" in legend(figures[0])
    assert table["value"].min() == -7  # the table keeps what the figure cuts off


def test_range_follows_when_all_models_are_bad(metrics, tmp_path, figures):
    draw(tmp_path, {"rf": metrics("rf", {100: -3.0, 400: -1.0})})
    assert figures[0].axes[0].get_ylim()[0] < -3


def test_single_size_has_error_bars_side_by_side_and_no_star(metrics, crossing, tmp_path, figures):
    paths = {model: metrics(model, {400: r2}) for model, r2 in (("retnet", 0.8), ("rf", 0.7))}
    draw(tmp_path, paths, crossing(size=400, bounded=True))
    axes = figures[0].axes[0]
    places = [line.get_xdata()[0] for line in axes.lines if line.get_label() in ("RetNet", "RF")]
    assert places[0] < 400 < places[1]
    assert axes.get_xticks().tolist() == [400]
    assert "*" not in [line.get_marker() for line in axes.lines]
    assert len(axes.collections) == 2  # the bars; no areas


def test_undefined_r2_is_said(metrics, tmp_path, figures):
    draw(tmp_path, {"rf": metrics("rf", {100: np.nan, 400: np.nan})})
    assert "undefined" in figures[0].axes[0].texts[0].get_text()


def test_labels_of_crowded_sizes_do_not_touch(metrics, tmp_path, figures):
    sizes = [100, 500, 1000, 2000, 5000, 10_000, 15_000, 20_000, 32_432]
    draw(tmp_path, {"rf": metrics("rf", dict.fromkeys(sizes, 0.7))})
    figure, axes = figures[0], figures[0].axes[0]
    assert axes.get_xticks().tolist() == sizes
    labels = [label for label in axes.get_xticklabels() if label.get_text()]
    assert labels[0].get_text() == "100" and labels[-1].get_text() == "32\u2009432"
    boxes = [label.get_window_extent(figure.canvas.get_renderer()) for label in labels]
    assert all(a.x1 < b.x0 for a, b in zip(boxes, boxes[1:], strict=False))


def test_reruns_are_the_same_bytes(metrics, crossing, tmp_path):
    paths = {model: metrics(model, curve) for model, curve in CURVES.items()}
    contents = []
    for _ in range(2):
        draw(tmp_path, paths, crossing())
        contents.append([(tmp_path / f"curve.{k}").read_bytes() for k in ("pdf", "svg", "png", "csv")])
    assert contents[0] == contents[1]
    assert min(map(len, contents[0][:3])) > 5000


@pytest.mark.parametrize("content", [None, "nonsense\n1\n", "subset,metric\ntest,R2\n"])
def test_unreadable_table_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "rf.csv").write_text(content)
    with pytest.raises(PorevoxError, match=r"rf\.csv cannot be read"):
        draw(tmp_path, {"rf": tmp_path / "rf.csv"})
