"""How ensembles' error bars are judged: coverage, width, and whether spread tells where errors are."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from ensemble_runs import write_ensemble
from porevox.calibration import COLUMNS, calibration, predictive_std
from porevox.errors import PorevoxError
from porevox.figures import calibration_panels as panels
from porevox.uncertainty import LEVELS, calibrate, ensemble_errors, members


@pytest.fixture
def figures(monkeypatch):
    """Figures instead of their files."""
    seen = []
    monkeypatch.setattr(panels, "save_figure", lambda figure, stem: seen.append(figure))
    return seen


@pytest.fixture
def judged(tmp_path, figures):
    """Judge ensembles of the given options; return the table, and what was drawn."""

    def judge(**models):
        ensembles = {}
        for model, options in models.items():
            folders = write_ensemble(tmp_path, model, **options)
            calibrate(folders, tmp_path / f"{model}.json", "mmol/g")
            ensembles[model] = (tmp_path / f"{model}.json", folders)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            calibration(ensembles, tmp_path / "calibration.csv", tmp_path / "figure", "mmol/g")
        return pd.read_csv(tmp_path / "calibration.csv"), pd.read_csv(tmp_path / "figure.csv")

    return judge


def values(table, quantity, intervals="calibrated"):
    rows = table[(table["quantity"] == quantity) & (table["intervals"] == intervals)]
    return rows["value"].to_numpy()


def test_calibrated_intervals_hold_their_nominal_share_on_the_test_set(judged):
    table, drawn = judged(rf={"n_validation": 1000, "n_test": 2000})
    assert table.columns.tolist() == COLUMNS
    np.testing.assert_allclose(values(table, "coverage"), LEVELS, atol=0.04)
    assert (values(table, "coverage", "raw") < np.subtract(LEVELS, 0.2)).all()
    assert (np.diff(values(table, "width")) > 0).all()
    assert set(drawn["quantity"]) == {"coverage", "rms_std", "RMSE"}


def test_numbers_are_those_of_the_test_rows(judged, tmp_path):
    table, _ = judged(rf={})
    errors, spread = ensemble_errors(members(tmp_path.glob("split0/rf/n400/*")), "test")
    assert values(table, "spearman", "raw").item() == pytest.approx(spearmanr(spread, abs(errors)).statistic)
    inside = np.abs(errors) <= 1.6448536 * spread
    assert values(table, "coverage", "raw")[3] == pytest.approx(inside.mean())
    assert values(table, "width", "raw")[3] == pytest.approx(2 * 1.6448536 * spread.mean())
    order = np.argsort(spread)[450:]
    assert values(table, "MAE")[3] == pytest.approx(np.abs(errors[order]).mean())
    assert values(table, "RMSE")[3] == pytest.approx(np.sqrt((errors[order] ** 2).mean()))
    parameters = json.loads((tmp_path / "rf.json").read_text())
    sigma = predictive_std(spread, parameters)[order]
    assert values(table, "rms_std")[3] == pytest.approx(np.sqrt((sigma**2).mean()))
    assert (np.diff(values(table, "MAE")) > 0).all()
    head = table.iloc[0][["model", "n_train", "n_seeds", "n_validation", "n_test"]].tolist()
    assert head == ["rf", 400, 3, 200, 600]


def test_models_that_cannot_be_calibrated_have_raw_rows(judged):
    table, drawn = judged(rf={"n_validation": 0}, ridge={"noise": 0.0})
    assert set(table["intervals"]) == {"raw"}
    assert set(drawn["model"]) == {"rf"}  # all seeds alike: nothing to draw
    assert (table[(table["model"] == "ridge") & (table["quantity"] == "width")]["value"] == 0).all()


def test_the_figure_says_why_it_is_empty(judged, figures):
    _, drawn = judged(ridge={"noise": 0.0})
    assert drawn.empty
    assert "seeds agree" in figures[0].axes[0].texts[0].get_text().replace("\n", " ")


def test_the_figure_shows_coverage_and_errors(judged, figures):
    table, _ = judged(rf={}, retnet={"seeds": (0, 1, 2, 3)})
    left, right = figures[0].axes
    curves = [line.get_ydata() for line in left.lines if len(line.get_xdata()) == 5]
    assert len(curves) == 4
    rows = table[(table["model"] == "rf") & (table["quantity"] == "coverage")]["value"].to_numpy()
    np.testing.assert_allclose(np.concatenate(curves[:2]), 100 * rows)
    assert sum(len(line.get_xdata()) == 4 for line in right.lines) == 4
    names = [text.get_text() for text in figures[0].legends[0].get_texts()]
    assert names == ["RF", "RetNet", "raw spread of the seeds", "as it should be"]


def test_files_are_the_same_each_time(tmp_path):
    folders = write_ensemble(tmp_path, "rf")
    calibrate(folders, tmp_path / "rf.json", "mmol/g")
    contents = []
    for _ in range(2):
        calibration(
            {"rf": (tmp_path / "rf.json", folders)}, tmp_path / "c.csv", tmp_path / "figure", "mmol/g"
        )
        contents.append([(tmp_path / f"figure.{kind}").read_bytes() for kind in ("pdf", "svg", "png", "csv")])
    assert contents[0] == contents[1]


def test_unreadable_parameters_are_named(tmp_path):
    folders = write_ensemble(tmp_path, "rf")
    with pytest.raises(PorevoxError, match=r"gone\.json cannot be read"):
        calibration({"rf": (tmp_path / "gone.json", folders)}, tmp_path / "c.csv", tmp_path / "f")
