"""The spread over seeds as an error bar: fitted on validation structures only, or not at all."""

import json

import numpy as np
import pandas as pd
import pytest

from ensemble_runs import write_ensemble
from porevox.errors import PorevoxError
from porevox.uncertainty import (
    FEWEST,
    LEVELS,
    calibrate,
    ensemble_errors,
    half_width,
    members,
    predictive_std,
)


def test_parameters_come_from_the_validation_rows_only(tmp_path):
    folders = write_ensemble(tmp_path, "rf")
    found = calibrate(folders, tmp_path / "a.json", "mmol/g")
    assert json.loads((tmp_path / "a.json").read_text()) == found
    assert found["calibrated"] and found["why"] is None and found["unit"] == "mmol/g"
    assert (found["model"], found["n_seeds"], found["n_validation"]) == ("rf", 3, 200)
    for folder in folders:
        table = pd.read_csv(folder / "predictions.csv")
        table.loc[table["subset"] == "test", "y_pred"] *= 3
        table.to_csv(folder / "predictions.csv", index=False)
    assert calibrate(folders, tmp_path / "b.json", "mmol/g") == found


def test_the_spread_is_scaled_up_to_the_errors(tmp_path):
    """Seeds share most of their error: their spread is far too small."""
    found = calibrate(write_ensemble(tmp_path, "rf", 3000, 10, (0, 1, 2, 3, 4)), tmp_path / "a.json")
    errors, spread = ensemble_errors(members(tmp_path.glob("split0/rf/n400/*")), "validation")
    sigma = predictive_std(spread, found)
    assert found["b"] > 2 and np.mean((errors / sigma) ** 2) == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(sigma**2, found["a"] ** 2 + (found["b"] * spread) ** 2)
    for level in LEVELS:
        inside = np.mean(np.abs(errors) <= half_width(spread, found, level))
        assert inside == pytest.approx(level, abs=0.002)


def test_any_shape_of_spread_is_understood(tmp_path):
    found = calibrate(write_ensemble(tmp_path, "rf"), tmp_path / "a.json")
    assert predictive_std(np.zeros((2, 3)), found) == pytest.approx(np.full((2, 3), found["a"]))
    assert half_width(0.5, found, 0.9) == pytest.approx(found["factors"]["0.9"] * predictive_std(0.5, found))
    with pytest.raises(PorevoxError, match=r"no interval of level 0\.99 for rf: use 0\.5, 0\.68"):
        half_width(0.5, found, 0.99)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"n_validation": 0}, "there is no validation set"),
        ({"n_validation": FEWEST - 1}, "19 validation structures are too few"),
        ({"noise": 0.0}, "its seeds agree on every structure"),
    ],
)
def test_what_cannot_be_calibrated_says_why(tmp_path, options, why):
    found = calibrate(write_ensemble(tmp_path, "rf", **options), tmp_path / "a.json")
    assert not found["calibrated"] and why in found["why"]
    assert found["a"] is found["b"] is found["factors"] is None
    with pytest.raises(PorevoxError, match=f"ensemble of rf at size 400 is not calibrated: {why}"):
        predictive_std(np.ones(3), found)


def test_folds_are_pooled(tmp_path):
    folders = [f for split in range(3) for f in write_ensemble(tmp_path, "rf", 50, 20, split=split)]
    found = calibrate(folders, tmp_path / "a.json")
    assert found["n_validation"] == 150 and found["n_seeds"] == 3
    errors, spread = ensemble_errors(members(folders), "test")
    assert errors.shape == spread.shape == (60,)


def test_what_is_no_ensemble_is_refused(tmp_path):
    first = write_ensemble(tmp_path, "rf")
    with pytest.raises(PorevoxError, match="at least two seeds"):
        calibrate(first[:1], tmp_path / "a.json")
    other = write_ensemble(tmp_path, "best", seeds=(7,))
    with pytest.raises(PorevoxError, match="one model at one size with different seeds"):
        calibrate([first[0], other[0]], tmp_path / "a.json")
    with pytest.raises(PorevoxError, match="one model at one size with different seeds"):
        calibrate([first[0], first[0]], tmp_path / "a.json")
