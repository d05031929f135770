"""Learning curves on joint resamples: each model on its own rows, or all on the common ones."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from porevox.errors import PorevoxError
from porevox.scores.bootstrap import bootstrap_metrics, resample_counts
from porevox.scores.joint import joint_curves
from porevox.scores.pooled import read_runs
from thesis_runs import write_run

RNG = np.random.default_rng(0)
N = 60
ROWS = pd.DataFrame({"id": [f"m{k:02d}" for k in range(N)], "y_true": RNG.normal(size=N)})


def rows(noise, part=slice(None)):
    return ROWS.assign(y_pred=ROWS["y_true"] + noise * RNG.normal(size=N))[part]


def runs_of(tmp_path, model, tables):
    return read_runs(
        [write_run(tmp_path, model, size, table, seed) for (size, seed), table in tables.items()]
    )


def test_with_equal_rows_the_resamples_are_those_of_every_other_score(tmp_path):
    table = rows(0.5)
    curves = joint_curves({"a": runs_of(tmp_path, "a", {(10, 0): table})}, 50, 7)
    expected = bootstrap_metrics(*table[["y_true", "y_pred"]].to_numpy().T, 50, 7, ("R2",))
    point = curves["a"][0]
    assert np.array_equal(point.samples, expected[:, 0, 0])
    assert point.value == pytest.approx(r2_score(table["y_true"], table["y_pred"]))
    assert (point.n_train, point.n_used, point.n_test) == (10, 10, N)


def test_each_model_is_scored_on_the_rows_it_has_of_every_resample(tmp_path):
    all_rows, some = rows(0.3), rows(0.6, slice(5, 45))
    members = {"a": runs_of(tmp_path, "a", {(10, 0): all_rows}), "b": runs_of(tmp_path, "b", {(10, 0): some})}
    own = joint_curves(members, 20, 1)
    assert [own[name][0].n_test for name in "ab"] == [N, 40]
    counts = np.concatenate(list(resample_counts(N, 20, 1)))
    weights = counts[:, 5:45]
    expected = [r2_score(some["y_true"], some["y_pred"], sample_weight=weight) for weight in weights]
    assert own["b"][0].samples == pytest.approx(expected)

    common = joint_curves(members, 20, 1, common=True)
    assert [common[name][0].n_test for name in "ab"] == [40, 40]
    part = all_rows[5:45]
    assert common["a"][0].value == pytest.approx(r2_score(part["y_true"], part["y_pred"]))
    # the same 40 structures in every resample of both
    assert common["b"][0].samples == pytest.approx(
        bootstrap_metrics(*some[["y_true", "y_pred"]].to_numpy().T, 20, 1, ("R2",))[:, 0, 0]
    )


def test_sizes_rise_and_seeds_are_averaged(tmp_path):
    tables = {(size, seed): rows(0.5) for size in (30, 4, 100) for seed in (0, 1)}
    points = joint_curves({"a": runs_of(tmp_path, "a", tables)}, 10, 0)["a"]
    assert [point.n_train for point in points] == [4, 30, 100]
    values = [r2_score(*tables[4, seed][["y_true", "y_pred"]].to_numpy().T) for seed in (0, 1)]
    assert points[0].value == pytest.approx(np.mean(values))


def test_models_without_a_common_row_are_refused(tmp_path):
    members = {
        "a": runs_of(tmp_path, "a", {(5, 0): rows(0.1, slice(0, 20))}),
        "b": runs_of(tmp_path, "b", {(5, 0): rows(0.1, slice(20, 40))}),
    }
    with pytest.raises(PorevoxError, match="a, b share no test structure"):
        joint_curves(members, 10, 0, common=True)
