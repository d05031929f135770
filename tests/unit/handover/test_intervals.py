"""Intervals that go with a model: they hold what they promise, and say what they come from."""

import numpy as np
import pandas as pd
import pytest

from ensemble_runs import write_ensemble
from porevox.errors import PorevoxError
from porevox.handover.intervals import calibrate_intervals, half_widths
from porevox.scores.intervals import coverage
from porevox.scores.pooled import read_runs
from porevox.uncertainty import ensemble_errors


def runs_of(tmp_path, **options):
    return sorted(read_runs(write_ensemble(tmp_path, "net", **options)), key=lambda run: run.seed)


def test_one_seed_gets_the_quantiles_of_its_validation_errors(tmp_path):
    runs = runs_of(tmp_path, seeds=(3,))
    found = calibrate_intervals(runs)
    assert (found["kind"], found["subset"], found["n"], found["remark"]) == (
        "residuals",
        "validation",
        200,
        "",
    )
    rows = runs[0].rows["validation"]
    errors = np.sort(np.abs(rows["y_pred"] - rows["y_true"]))
    # the smallest rank k with k >= 0.9 (n + 1)
    assert found["factors"]["0.9"] == pytest.approx(errors[181 - 1])
    test = runs[0].rows["test"]
    half = half_widths(np.full(600, np.nan), found, 0.9)
    assert coverage((test["y_pred"] - test["y_true"]).to_numpy(), half) == pytest.approx(0.9, abs=0.04)


def test_without_validation_the_test_set_is_used_and_said(tmp_path):
    found = calibrate_intervals(runs_of(tmp_path, seeds=(0,), n_validation=5, n_test=30))
    assert (found["subset"], found["n"]) == ("test", 30) and "no validation set" in found["remark"]


def test_levels_that_few_errors_cannot_tell_are_left_out(tmp_path):
    found = calibrate_intervals(runs_of(tmp_path, seeds=(0,), n_validation=0, n_test=12))
    # 0.95 * 13 = 12.35 is beyond the twelfth error
    assert list(found["factors"]) == ["0.5", "0.68", "0.8", "0.9"]
    with pytest.raises(PorevoxError, match="no intervals of 95%"):
        half_widths(np.zeros(3), found, 0.95)


def test_several_seeds_have_intervals_that_follow_their_spread(tmp_path):
    runs = runs_of(tmp_path, noise=3.0)
    found = calibrate_intervals(runs)
    assert found["kind"] == "ensemble" and found["n"] == 200
    errors, spread = ensemble_errors(runs, "test")
    half = half_widths(spread, found, 0.9)
    assert coverage(errors, half) == pytest.approx(0.9, abs=0.04)
    assert np.corrcoef(half, spread)[0, 1] > 0.99


def test_seeds_that_agree_fall_back_on_their_errors(tmp_path):
    folders = write_ensemble(tmp_path, "net")
    tables = [pd.read_csv(folder / "predictions.csv") for folder in folders]
    for folder in folders:
        tables[0].to_csv(folder / "predictions.csv", index=False)
    assert calibrate_intervals(list(read_runs(folders)))["kind"] == "residuals"
