"""Published numbers beside computed ones: verdicts, gains, crossings and the number of epochs."""

import math

import numpy as np
import pandas as pd
import pytest
import yaml

from porevox.errors import PorevoxError
from porevox.scores.verdicts import COLUMNS, VERDICTS, compare_with_published, interval, verdict
from thesis_runs import write_all


@pytest.fixture(scope="module")
def published(root):
    return yaml.safe_load((root / "resources/thesis.yaml").read_text())


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    found = write_all(tmp_path_factory.mktemp("runs"))
    del found["augmentation_csv"]
    return found


@pytest.fixture(scope="module")
def table(published, given):
    return compare_with_published(published, **given, resamples=300).set_index(["part", "quantity", "rows"])


@pytest.mark.parametrize(
    ("number", "low", "high", "rounding", "expected"),
    [
        (0.859, 0.85, 0.87, 0.0005, "inside"),
        (0.859, 0.8593, 0.87, 0.0005, "inside"),  # printed 0.859 may have been 0.8594
        (0.859, 0.8596, 0.87, 0.0005, "below"),
        (0.859, 0.84, 0.8584, 0.0005, "above"),
        (300, 120, math.inf, 50, "inside"),
        (300, 360, math.inf, 50, "below"),
        (300, math.inf, math.inf, 50, "below"),
        (0.5, math.nan, 1, 0, "undefined"),
    ],
)
def test_verdict(number, low, high, rounding, expected):
    assert verdict(number, low, high, rounding) == expected and expected in VERDICTS


def test_an_interval_of_samples_that_may_be_infinite():
    samples = np.concatenate([np.arange(1, 100), [math.inf]])
    assert interval(samples, 0.9).tolist() == [5, 95]
    assert interval(samples, 0.999).tolist() == [1, math.inf]
    assert np.isnan(interval(np.array([math.nan]), 0.95)).all()


def test_every_published_number_has_its_row(table, published):
    own = table.xs("own", level="rows")
    printed = [(part, key) for part, entry in published["parts"].items() for key in entry if "R2" in key]
    printed += [
        ("mofs", "gain_percent"),
        ("mofs", "crossing"),
        ("cofs", "crossing"),
        ("both", "transfer_percent"),
    ]
    assert set(own.index) == set(printed)
    assert set(table.xs("common", level="rows").index) == set(own.index)
    assert own.loc[("mofs", "retnet_R2"), "published"] == 0.859
    assert own.loc[("cofs", "rf_R2"), "published"] == 0.941
    assert own.loc[("both", "transfer_percent"), "section"] == "4.3"
    assert list(table.reset_index().columns[:3]) == COLUMNS[:3]
    assert set(table["verdict"]) <= set(VERDICTS)


def test_scores_are_those_of_the_study_and_each_model_has_its_own_rows(table, given):
    metrics = pd.read_csv(given["metrics"]["mofs"]["rf"])
    row = metrics[
        (metrics["metric"] == "R2") & (metrics["seed"] == "mean") & (metrics["n_train"] == 4000)
    ].iloc[0]
    found = table.loc[("mofs", "rf_R2", "own")]
    assert found[["value", "ci_low", "ci_high"]].tolist() == row[["value", "ci_low", "ci_high"]].tolist()
    assert found["n_test"] == 360 and table.loc[("mofs", "retnet_R2", "own"), "n_test"] == 400
    assert set(table.xs("common", level="rows")["n_test"]) == {360}


def test_gains_are_ratios_of_the_scores(table):
    value = {key: table.loc[(*key, "own"), "value"] for key in [("mofs", "retnet_R2"), ("mofs", "rf_R2")]}
    gain = table.loc[("mofs", "gain_percent", "own")]
    assert gain["value"] == pytest.approx(100 * (value["mofs", "retnet_R2"] / value["mofs", "rf_R2"] - 1))
    assert gain["ci_low"] < gain["value"] < gain["ci_high"]
    transfer = table.loc[("both", "transfer_percent", "own")]
    expected = 100 * (table.loc[("cofs", "retnet_R2", "own"), "value"] / value["mofs", "retnet_R2"] - 1)
    assert transfer["value"] == pytest.approx(expected)
    assert transfer["ci_low"] < transfer["value"] < transfer["ci_high"]


def test_the_test_sets_of_both_databases_are_resampled_independently(published, given):
    # the same runs twice: tied resamples would make every ratio 1
    arguments = [{part: given[key]["mofs"] for part in ("mofs", "cofs")} for key in ("metrics", "runs")]
    table = compare_with_published(published, *arguments, None, resamples=300)
    for row in table[table["quantity"] == "transfer_percent"].itertuples():
        assert row.value == 0 and row.ci_low < -0.1 and row.ci_high > 0.1


def test_the_crossing_lies_between_the_sizes_where_the_errors_meet(table):
    # 1 - 0.55^2 is RetNet's R2 somewhere between errors of 0.7 (100 structures) and 0.45 (1000)
    row = table.loc[("mofs", "crossing", "own")]
    share = (0.7**2 - 0.55**2) / (0.7**2 - 0.45**2)
    assert row["value"] == pytest.approx(100 * 10**share, rel=0.4)
    assert 100 <= row["ci_low"] < row["value"] < row["ci_high"] <= 1000
    assert row["verdict"] in ("inside", "above", "below")


def test_a_crossing_that_is_not_reached_is_infinite(published, given):
    turned = {
        part: {"retnet": models["rf"], "rf": models["retnet"]} for part, models in given["runs"].items()
    }
    runs = compare_with_published(published, given["metrics"], turned, None, resamples=100)
    row = runs[(runs["quantity"] == "crossing") & (runs["rows"] == "own")].iloc[0]
    assert row["value"] == math.inf and row["verdict"] == "below"
    assert "not reached within 4000 structures" in row["note"]
    epochs = runs[runs["quantity"] == "epochs"].iloc[0]
    assert epochs["verdict"] == "undefined" and "no epoch table" in epochs["note"]


def test_the_number_of_epochs_is_a_choice(table, published, given, tmp_path):
    row = table.loc[("mofs", "epochs", "")]
    assert row["value"] == 50 and row["verdict"] == "agrees"
    other = pd.read_csv(given["epochs_csv"])
    other.loc[other["epochs"] == 20, "validation_R2"] = 0.99
    other.to_csv(tmp_path / "epochs.csv", index=False)
    changed = compare_with_published(
        published, **given | {"epochs_csv": tmp_path / "epochs.csv"}, resamples=100
    )
    row = changed[changed["quantity"] == "epochs"].iloc[0]
    assert row["value"] == 20 and row["verdict"] == "differs"


def test_a_table_that_cannot_be_read_is_named(published, given, tmp_path):
    metrics = {**given["metrics"], "mofs": {**given["metrics"]["mofs"], "rf": tmp_path / "gone.csv"}}
    with pytest.raises(PorevoxError, match="gone.csv cannot be read .* evaluate rf again"):
        compare_with_published(published, metrics, given["runs"], None, resamples=100)
