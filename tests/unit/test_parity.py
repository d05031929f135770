"""What the parity plots show, and the tables behind them."""

import json
import warnings

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection, PolyCollection

from porevox import parity as module
from porevox.errors import PorevoxError
from porevox.figures.parity_panels import TOP_COLOURS, histogram_bins
from porevox.parity import parity
from porevox.scores.bootstrap import bootstrap_metrics, percentile_interval

N = 60
RNG = np.random.default_rng(0)
IDS = np.array([f"str_m{k}" for k in range(N)])
TRUTH = RNG.gamma(3, 20, N)
PREDICTED = {"retnet": TRUTH + RNG.normal(0, 10, N), "rf": TRUTH + RNG.normal(0, 25, N)}


@pytest.fixture
def figures(monkeypatch):
    """Figures instead of their files."""
    seen = []
    monkeypatch.setattr(module, "save_figure", lambda figure, stem: seen.append(figure))
    return seen


@pytest.fixture
def write_run(tmp_path):
    def write(model, y_pred, n_train=100, seed=0, rows=slice(None), ids=IDS, y_true=TRUTH):
        folder = tmp_path / model / f"n{n_train}" / f"seed{seed}"
        folder.mkdir(parents=True)
        table = pd.DataFrame({"id": ids, "subset": "test", "y_true": y_true, "y_pred": y_pred})
        table[rows].to_csv(folder / "predictions.csv", index=False)
        info = {"model": model, "size": n_train, "n_train": n_train, "n_used": n_train}
        (folder / "run.json").write_text(json.dumps(info | {"seed": seed}))
        return folder

    return write


def draw(tmp_path, runs, **options):
    options = {"unit": "cm3(STP)/cm3", "resamples": 200} | options
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parity(runs, tmp_path / "parity", "CH4 uptake", **options)
    return pd.read_csv(tmp_path / "parity.csv"), pd.read_csv(tmp_path / "parity_bootstrap.csv")


def panels(figure):
    """The parity plots, without histograms and colour bar."""
    return [axes for axes in figure.axes if axes.get_aspect() == 1]


def test_one_panel_per_model_with_the_largest_size_and_lowest_seed(write_run, tmp_path, figures):
    runs = {
        "retnet": [write_run("retnet", PREDICTED["retnet"] + n + s, n, s) for n in (9, 100) for s in (2, 1)],
        "rf": [write_run("rf", PREDICTED["rf"])],
        "mean": [write_run("mean", np.full(N, TRUTH.mean()))],
    }
    table, _ = draw(tmp_path, runs)
    titles = [axes.get_title(loc="left") for axes in panels(figures[0])]
    assert titles == ["RetNet, 100 structures, seed 1", "RF, 100 structures"]
    expected = pd.Series(PREDICTED["retnet"] + 101, IDS).sort_index()
    np.testing.assert_allclose(table["y_pred_retnet"], expected, rtol=1e-9)
    assert table["id"].tolist() == sorted(IDS)
    assert "y_pred_mean" not in table


def test_axes_are_square_share_limits_and_name_unit(write_run, tmp_path, figures):
    draw(tmp_path, {model: [write_run(model, values)] for model, values in PREDICTED.items()})
    first, second = panels(figures[0])
    assert first.get_xlim() == first.get_ylim() == second.get_xlim() == second.get_ylim()
    assert first.get_xlim()[0] < TRUTH.min() and first.get_xlim()[1] > TRUTH.max()
    assert "true" in first.get_xlabel() and "predicted" in first.get_ylabel()
    assert "cm$^{3}$(STP)" in first.get_xlabel() and "CH$_{4}$" in first.get_ylabel()
    points = next(c for c in first.collections if isinstance(c, PathCollection)).get_offsets()
    np.testing.assert_allclose(points[:, 0], pd.Series(TRUTH, IDS).sort_index())
    text = first.texts[-1].get_text()
    assert "$R^2$ = 0." in text and "MAE" in text and f"n = {N}" in text


def test_top_materials_are_the_highest_true_values_all_models_scored(write_run, tmp_path, figures):
    ranked = np.argsort(TRUTH)[::-1]
    without_best = np.arange(N) != ranked[0]
    runs = {
        "retnet": [write_run("retnet", PREDICTED["retnet"])],
        "rf": [write_run("rf", PREDICTED["rf"], rows=without_best)],
    }
    table, _ = draw(tmp_path, runs)
    top = table.dropna(subset="top").sort_values("top")
    assert top["id"].tolist() == IDS[ranked[1:4]].tolist()
    best = table.set_index("id").loc[IDS[ranked[0]]]
    assert not best["in_common"] and np.isnan(best["y_pred_rf"]) and np.isnan(best["top"])
    circles = [line for line in panels(figures[0])[1].lines if line.get_marker() == "o"]
    assert [line.get_ydata()[0] for line in circles] == pytest.approx(
        PREDICTED["rf"][ranked[3:0:-1]].tolist()
    )
    assert len({matplotlib.colors.to_hex(line.get_markeredgecolor()) for line in circles}) == 3
    assert len(TOP_COLOURS) == 3
    names = [text.get_text() for text in figures[0].legends[0].get_texts()]
    assert [name.split(": ")[1] for name in names] == IDS[ranked[1:4]].tolist()


def test_histogram_holds_the_bootstrap_of_the_metrics_table(write_run, tmp_path, figures):
    run = write_run("rf", PREDICTED["rf"])
    _, bars = draw(tmp_path, {"rf": [run]}, resamples=500, seed=4, confidence=0.9)
    order = np.argsort(IDS)
    samples = bootstrap_metrics(TRUTH[order], PREDICTED["rf"][order], 500, 4, ("R2",))[:, 0, 0]
    low, high = percentile_interval(samples, 0.9)
    assert bars["resamples"].sum() == 500
    assert bars["bin_low"].min() == pytest.approx(samples.min())
    assert bars["bin_high"].max() == pytest.approx(samples.max())
    assert bars["ci_low"].iloc[0] == pytest.approx(low)
    axes = figures[0].axes[1]
    marks = [line.get_xdata()[0] for line in axes.lines]
    assert marks == pytest.approx([low, high])
    assert axes.get_title(loc="right").startswith("90 % CI [")


def test_histograms_stand_below_their_panels(write_run, tmp_path, figures):
    draw(tmp_path, {model: [write_run(model, values)] for model, values in PREDICTED.items()})
    uppers = panels(figures[0])
    lowers = [axes for axes in figures[0].axes if axes not in uppers]
    for upper, lower in zip(uppers, lowers, strict=True):
        above, below = upper.get_position(), lower.get_position()
        assert (below.x0, below.x1) == pytest.approx((above.x0, above.x1))
        assert below.y1 < above.y0


def test_histograms_close_together_share_their_range(write_run, tmp_path, figures):
    noise = RNG.normal(size=N)
    runs = {m: [write_run(m, TRUTH + k * noise)] for m, k in (("retnet", 10), ("rf", 15))}
    draw(tmp_path, runs)
    lowers = [axes for axes in figures[0].axes if axes not in panels(figures[0])]
    assert lowers[0].get_xlim() == lowers[1].get_xlim()


def test_histograms_far_apart_have_ranges_of_their_own(write_run, tmp_path, figures):
    runs = {"retnet": [write_run("retnet", TRUTH + 1e-3)], "rf": [write_run("rf", PREDICTED["rf"])]}
    draw(tmp_path, runs)
    lowers = [axes for axes in figures[0].axes if axes not in panels(figures[0])]
    assert lowers[0].get_xlim() != lowers[1].get_xlim()


def test_many_points_become_density_with_one_scale(write_run, tmp_path, figures):
    n = 4000
    y_true = RNG.gamma(3, 20, n)
    data = {"ids": [f"{k:05d}" for k in range(n)], "y_true": y_true}
    runs = {m: [write_run(m, y_true + RNG.normal(0, 9, n), **data)] for m in ("retnet", "rf")}
    draw(tmp_path, runs, resamples=20)
    cells = [
        next(c for c in axes.collections if isinstance(c, PolyCollection)) for axes in panels(figures[0])
    ]
    assert all(c.get_array().sum() == n for c in cells)
    assert cells[0].norm is cells[1].norm and cells[0].get_rasterized()


def test_oracle_has_a_histogram_of_one_bar(write_run, tmp_path, figures):
    _, bars = draw(tmp_path, {"retnet": [write_run("retnet", TRUTH)]})
    assert bars["resamples"].tolist() == [200] and bars["R2"].tolist() == [1]
    assert figures[0].axes[1].get_title(loc="right") == "95 % CI [1.000, 1.000]"


def test_wild_predictions_do_not_set_the_limits_but_are_counted(write_run, tmp_path, figures):
    wild = PREDICTED["rf"].copy()
    wild[:2] = 1e6
    draw(tmp_path, {"rf": [write_run("rf", wild)]})
    axes = panels(figures[0])[0]
    assert axes.get_xlim()[1] < 2 * TRUTH.max()
    assert "2 beyond the axes" in axes.texts[-1].get_text()


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_structures(write_run, tmp_path, figures, n):
    draw(tmp_path, {"rf": [write_run("rf", PREDICTED["rf"], rows=slice(0, n))]})
    text = panels(figures[0])[0].texts[-1].get_text()
    assert ("undefined" in text) == (n == 1)


def test_four_models_with_long_names_stay_inside(write_run, tmp_path, figures):
    names = ["retnet", "rf", "a_very_long_model_name_for_boosting_on_histograms", "x"]
    runs = {m: [write_run(m, TRUTH + RNG.normal(0, 10, N))] for m in names}
    draw(tmp_path, runs)
    figure = figures[0]
    for axes in figure.axes:
        box = axes.get_tightbbox(figure.canvas.get_renderer())
        assert box.x0 >= -1 and box.x1 <= figure.bbox.width + 1
        assert box.y0 >= -1 and box.y1 <= figure.bbox.height + 1


def test_reruns_are_the_same_bytes(write_run, tmp_path):
    runs = {model: [write_run(model, values)] for model, values in PREDICTED.items()}
    contents = []
    for _ in range(2):
        draw(tmp_path, runs)
        names = [f"parity.{kind}" for kind in ("pdf", "svg", "png", "csv")]
        contents.append([(tmp_path / name).read_bytes() for name in names])
    assert contents[0] == contents[1]
    assert min(map(len, contents[0][:3])) > 5000


def test_models_without_runs_or_test_rows_are_named(write_run, tmp_path):
    with pytest.raises(PorevoxError, match="no run of rf"):
        draw(tmp_path, {"rf": []})
    run = write_run("rf", TRUTH)
    (run / "predictions.csv").write_text("id,subset,y_true,y_pred\na,validation,1,1\n")
    with pytest.raises(PorevoxError, match="no test predictions"):
        draw(tmp_path, {"rf": [run]})


def test_bins_hold_every_sample():
    counts, edges = histogram_bins(RNG.normal(size=500))
    assert counts.sum() == 500 and len(edges) == len(counts) + 1
    assert histogram_bins(np.ones(5))[0].tolist() == [5]
    assert histogram_bins(np.zeros(0))[0].size == 0
