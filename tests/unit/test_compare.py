"""Comparison on common rows with paired resamples, and the crossing of two learning curves."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, r2_score

from porevox.compare import COMPARISON_COLUMNS, compare, display_name, find_crossing, round_size
from porevox.errors import PorevoxError
from porevox.scores.bootstrap import bootstrap_metrics, percentile_interval
from porevox.scores.metrics import METRICS

RNG = np.random.default_rng(0)
N = 80
IDS = np.array([f"COF-{k:03d}" for k in range(N)])
TRUTH = RNG.gamma(3, 2, N)
NOISE = RNG.normal(size=(8, N))


@pytest.fixture
def write_run(tmp_path):
    def write(model, y_pred, n_train=100, seed=0, rows=slice(None), truth=TRUTH):
        folder = tmp_path / model / f"n{n_train}" / f"seed{seed}"
        folder.mkdir(parents=True)
        table = pd.DataFrame({"id": IDS, "subset": "test", "y_true": truth, "y_pred": y_pred})
        table[rows].to_csv(folder / "predictions.csv", index=False)
        info = {"model": model, "size": n_train, "n_train": n_train, "n_used": n_train, "seed": seed}
        (folder / "run.json").write_text(json.dumps(info))
        return folder

    return write


@pytest.fixture
def call(tmp_path):
    def call(runs, challenger="retnet", reference="rf", resamples=300, others=(), **options):
        paths = tmp_path / "comparison.csv", tmp_path / "crossing.json"
        pairs = [{"challenger": challenger, "reference": reference}, *others]
        crossing = compare(runs, pairs, *paths, resamples=resamples, **options)
        assert json.loads(paths[1].read_text()) == crossing
        return pd.read_csv(paths[0]), crossing

    return call


def test_difference_on_the_common_rows_with_paired_resamples(write_run, call):
    good, bad = TRUTH + 0.5 * NOISE[0], TRUTH + NOISE[1]
    runs = {
        "retnet": [write_run("retnet", good, rows=slice(0, 70))],
        "rf": [write_run("rf", bad, rows=slice(10, 80))],
    }
    table, crossing = call(runs, seed=3)
    assert table.columns.tolist() == COMPARISON_COLUMNS
    assert table["metric"].tolist() == list(METRICS)
    common = slice(10, 70)
    samples = bootstrap_metrics(TRUTH[common], np.vstack([good, bad])[:, common], 300, 3)
    low, high = percentile_interval(samples[:, 0] - samples[:, 1])
    np.testing.assert_allclose(table[["ci_low", "ci_high"]], np.column_stack([low, high]))
    row = table.set_index("metric").loc["MAE"]
    own = [mean_absolute_error(TRUTH[common], values[common]) for values in (good, bad)]
    assert [row["challenger_value"], row["reference_value"]] == pytest.approx(own)
    assert row["value"] == pytest.approx(own[0] - own[1])
    counted = row[["n_test_challenger", "n_test_reference", "n_test_common"]]
    assert counted.tolist() == [70, 70, 60] and crossing["n_common"] == 60


def test_pairing_makes_the_interval_of_alike_models_narrow(write_run, call):
    alike = TRUTH + NOISE[0]
    runs = {
        "retnet": [write_run("retnet", alike + 0.01 * NOISE[1])],
        "rf": [write_run("rf", alike)],
    }
    table, _ = call(runs, resamples=1000)
    row = table.set_index("metric").loc["R2"]
    single = percentile_interval(bootstrap_metrics(TRUTH, alike, 1000, 0, ("R2",)))
    assert row["ci_high"] - row["ci_low"] < 0.1 * (single[1] - single[0]).item()


def test_a_model_does_not_differ_from_itself(write_run, call):
    runs = {name: [write_run(name, TRUTH + NOISE[0])] for name in ("retnet", "rf")}
    table, crossing = call(runs)
    assert (table[["value", "ci_low", "ci_high"]] == 0).all(axis=None)
    assert crossing["reached"] and crossing["bounded_by_smallest"] and crossing["size"] == 100


def test_seeds_are_averaged_and_only_common_sizes_compared(write_run, call):
    runs = {
        "retnet": [write_run("retnet", TRUTH + NOISE[k], n, k) for n in (50, 100) for k in (0, 1)],
        "rf": [write_run("rf", TRUTH + NOISE[2], n) for n in (100, 400)],
        "mean": [write_run("mean", np.full(N, TRUTH.mean()))],
    }
    table, crossing = call(runs)
    assert table["n_train"].tolist() == [100] * 4
    row = table.set_index("metric").loc["R2"]
    expected = np.mean([r2_score(TRUTH, TRUTH + NOISE[k]) for k in (0, 1)])
    assert row["challenger_value"] == pytest.approx(expected)
    assert crossing["reference_best_R2"] == pytest.approx(r2_score(TRUTH, TRUTH + NOISE[2]))
    assert crossing["challenger_largest_size"] == 100


def test_every_pair_is_compared_and_the_first_one_crosses(write_run, call):
    names = ("retnet", "rf", "mean")
    runs = {
        name: [write_run(name, TRUTH + (k + 1) * NOISE[k], n) for n in (100, 200)]
        for k, name in enumerate(names)
    }
    others = [
        {"reference": "mean", "challenger": "rf"},  # in the order of a config, whatever it is
        {"challenger": "rf", "reference": "gone"},
        {"challenger": "mean", "reference": "retnet"},
    ]
    table, crossing = call(runs, others=others)
    heads = table[["challenger", "reference"]].drop_duplicates().to_numpy().tolist()
    assert heads == [["retnet", "rf"], ["rf", "mean"], ["mean", "retnet"]]
    assert len(table) == 3 * 2 * 4
    assert (crossing["challenger"], crossing["reference"]) == ("retnet", "rf")
    alone, _ = call(runs, "rf", "mean")
    assert table.iloc[8:16].reset_index(drop=True).equals(alone)


def test_folds_are_compared_together(tmp_path, call):
    """Two folds of 40 rows give what one split of all 80 rows gives."""
    good, bad = TRUTH + 0.5 * NOISE[0], TRUTH + NOISE[1]
    runs, whole = {}, {}
    for model, y_pred in (("retnet", good), ("rf", bad)):
        for split, rows in (
            ("split0", slice(0, 40)),
            ("split1", slice(40, 80)),
            ("whole/split0", slice(0, 80)),
        ):
            folder = tmp_path / split / model / "n100" / "seed0"
            folder.mkdir(parents=True)
            table = pd.DataFrame({"id": IDS, "subset": "test", "y_true": TRUTH, "y_pred": y_pred})
            table[rows].to_csv(folder / "predictions.csv", index=False)
            info = {"model": model, "size": 100, "n_train": 100, "n_used": 100, "seed": 0}
            (folder / "run.json").write_text(json.dumps(info))
            (whole if "whole" in split else runs).setdefault(model, []).append(folder)
    pooled, crossing = call(runs)
    expected, _ = call(whole)
    assert pooled.equals(expected) and crossing["n_common"] == N


@pytest.mark.parametrize("present", ["retnet", "rf", None])
def test_study_without_the_pair_gives_an_empty_comparison(write_run, call, present):
    runs = {present: [write_run(present, TRUTH)]} if present else {}
    table, crossing = call(runs)
    assert table.empty and table.columns.tolist() == COMPARISON_COLUMNS
    assert crossing["reached"] is False and crossing["size"] is None
    assert "was not trained" in crossing["statement"]


def test_models_without_common_rows_or_with_other_truth_are_refused(write_run, call):
    first = write_run("retnet", TRUTH, rows=slice(0, 40))
    with pytest.raises(PorevoxError, match="share no test structure"):
        call({"retnet": [first], "rf": [write_run("rf", TRUTH, rows=slice(40, 80))]})
    other = write_run("rf", TRUTH, 200, truth=TRUTH + 1)
    with pytest.raises(PorevoxError, match="different true values"):
        call({"retnet": [first], "rf": [other]})


def test_one_common_row_leaves_r2_undefined_without_a_crossing(write_run, call):
    runs = {name: [write_run(name, TRUTH + 1, rows=slice(0, 1))] for name in ("retnet", "rf")}
    table, crossing = call(runs, resamples=20)
    assert table.set_index("metric")["value"].isna().tolist() == [True, False, False, True]
    assert not crossing["reached"] and "undefined" in crossing["statement"]


def test_crossing_is_exact_where_r2_is_linear_in_log_size():
    def curve(n):
        return 0.2 * math.log10(n)

    sizes = [100, 1000, 10_000]
    challenger = [(n, curve(n)) for n in sizes]
    found = find_crossing(challenger, [(100, 0.3), (10_000, curve(296.3))], 42, "RetNet", "RF")
    assert found["size"] == pytest.approx(296.3) and found["reached"]
    assert not found["bounded_by_smallest"] and found["n_common"] == 42
    assert found["statement"] == (
        "RetNet reaches RF's best R2 (0.49, at 10000 structures) with about 300 structures"
    )


def test_crossing_takes_the_references_best_size_not_its_last():
    found = find_crossing([(10, 0.1), (100, 0.9)], [(10, 0.2), (50, 0.5), (100, 0.4)], 9)
    assert (found["reference_best_size"], found["reference_best_R2"]) == (50, 0.5)
    assert found["size"] == pytest.approx(10**1.5)


def test_crossing_is_the_first_of_a_curve_that_dips():
    found = find_crossing([(10, 0.1), (100, 0.6), (1000, 0.4), (10_000, 0.8)], [(10, 0.5)], 9)
    assert 10 < found["size"] < 100


def test_crossing_at_a_size_is_that_size():
    found = find_crossing([(10, 0.1), (100, 0.5), (1000, 0.7)], [(10, 0.5)], 9)
    assert found["size"] == pytest.approx(100)


def test_crossing_not_reached():
    found = find_crossing([(10, -2.0), (100, 0.4)], [(10, 0.5)], 9, "RetNet", "RF")
    assert not found["reached"] and found["size"] is None
    assert found["statement"] == (
        "RetNet does not reach RF's best R2 (0.50, at 10 structures) within 100 structures"
    )


def test_crossing_at_the_smallest_size_is_a_bound():
    found = find_crossing([(100, 0.9), (200, 0.95)], [(100, 0.5)], 9, "RetNet", "RF")
    assert found["reached"] and found["bounded_by_smallest"] and found["size"] == 100
    assert "at most 100 structures" in found["statement"]


def test_undefined_r2_is_passed_over():
    found = find_crossing([(10, math.nan), (100, 0.4), (1000, 0.6)], [(10, math.nan), (20, 0.5)], 9)
    assert found["size"] == pytest.approx(10**2.5)


@pytest.mark.parametrize(("size", "rounded"), [(7, 7), (99.6, 100), (296.3, 300), (6934, 6900), (124, 120)])
def test_sizes_are_rounded_to_two_digits(size, rounded):
    assert round_size(size) == rounded


def test_display_names():
    assert [display_name(m) for m in ("retnet", "rf", "own")] == ["RetNet", "RF", "own"]
    assert display_name("rf", {"rf": "Forest"}) == "Forest"
