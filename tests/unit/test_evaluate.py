"""The table of metrics: its rows, its averages over seeds, and which runs share resamples."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from porevox.errors import PorevoxError
from porevox.evaluate import FOLD_COLUMNS, METRIC_COLUMNS, collect_metrics, evaluate_model
from porevox.scores.bootstrap import bootstrap_metrics, percentile_interval
from porevox.scores.metrics import METRICS, SCORES

RNG = np.random.default_rng(0)
N = 60
IDS = [f"MOF-{k:03d}" for k in range(N)]
TRUTH = RNG.gamma(3, 2, N)
NOISE = RNG.normal(size=(6, N))


@pytest.fixture
def write_run(tmp_path):
    def write(y_pred, n_train=100, seed=0, model="retnet", ids=IDS, y_true=TRUTH, validation=False):
        folder = tmp_path / model / f"n{n_train}" / f"seed{seed}"
        folder.mkdir(parents=True)
        rows = pd.DataFrame({"id": ids, "subset": "test", "y_true": y_true, "y_pred": y_pred})
        rows = rows.sample(frac=1, random_state=seed)  # the order on disk must not matter
        if validation:
            rows = pd.concat([rows, rows.iloc[:20].assign(subset="validation")])
        rows.to_csv(folder / "predictions.csv", index=False)
        info = {"model": model, "size": n_train, "n_train": n_train, "n_used": n_train - 1}
        (folder / "run.json").write_text(json.dumps(info | {"seed": seed}))
        return folder

    return write


def cell(table, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_one_row_per_size_seed_and_metric_plus_the_mean(write_run, tmp_path):
    runs = [write_run(TRUTH + NOISE[k], n, k) for n in (100, 200) for k in (0, 1)]
    evaluate_model(runs, tmp_path / "metrics.csv", 200)
    table = pd.read_csv(tmp_path / "metrics.csv")
    assert table.columns.tolist() == METRIC_COLUMNS
    assert len(table) == 2 * 4 * 5 and set(table["subset"]) == {"test"}
    assert table["seed"].astype(str).tolist()[:20:5] == ["0", "1", "mean", "ensemble"]
    assert table["metric"].tolist()[:5] == list(SCORES)
    row = cell(table, n_train=200, seed="1", metric="R2")
    assert row["value"] == pytest.approx(r2_score(TRUTH, TRUTH + NOISE[1]), rel=1e-9)
    assert row["ci_low"] < row["value"] < row["ci_high"]
    assert (row["n_used"], row["n_test"], row["size"]) == (199, N, 200)


def test_mean_rows_average_over_seeds_inside_each_resample(write_run, tmp_path):
    y_pred = TRUTH + NOISE[:3]
    runs = [write_run(y_pred[k], seed=k) for k in range(3)]
    table = evaluate_model(runs, tmp_path / "metrics.csv", 500, seed=7, confidence=0.9)
    samples = bootstrap_metrics(TRUTH, y_pred, 500, 7).mean(axis=1)
    low, high = percentile_interval(samples, 0.9)
    for j, metric in enumerate(METRICS):
        mean = cell(table, seed="mean", metric=metric)
        seeds = table[table["seed"].isin([0, 1, 2]) & (table["metric"] == metric)]
        assert mean["value"] == pytest.approx(seeds["value"].mean())
        assert [mean["ci_low"], mean["ci_high"]] == pytest.approx([low[j], high[j]])


def test_ensemble_rows_score_the_mean_prediction(write_run, tmp_path):
    y_pred = TRUTH + NOISE[:3]
    runs = [write_run(y_pred[k], seed=k) for k in range(3)]
    table = evaluate_model(runs, tmp_path / "metrics.csv", 500, seed=7)
    together = y_pred.mean(axis=0)
    low, high = percentile_interval(bootstrap_metrics(TRUTH, together, 500, 7, ("R2",))[:, 0, 0])
    row = cell(table, seed="ensemble", metric="R2")
    assert row["value"] == pytest.approx(r2_score(TRUTH, together))
    assert [row["ci_low"], row["ci_high"]] == pytest.approx([low, high])
    # errors of the seeds are independent here: a third of the variance is left
    best = table[table["seed"].isin([0, 1, 2]) & (table["metric"] == "RMSE")]["value"].min()
    assert cell(table, seed="ensemble", metric="RMSE")["value"] < 0.75 * best


def test_a_single_seed_is_no_ensemble(write_run, tmp_path):
    table = evaluate_model([write_run(TRUTH + NOISE[0])], tmp_path / "metrics.csv", 50)
    assert "ensemble" not in set(table["seed"]) and table.columns.tolist() == METRIC_COLUMNS


def test_folds_are_scored_together_and_apart(tmp_path):
    y_pred, parts = TRUTH + NOISE[:2], (slice(0, 25), slice(25, 40), slice(40, N))
    runs = []
    for seed in (0, 1):
        for fold, rows in enumerate(parts):
            folder = tmp_path / f"split{fold}" / "rf" / "n25pct" / f"seed{seed}"
            folder.mkdir(parents=True)
            table = pd.DataFrame({"id": IDS, "subset": "test", "y_true": TRUTH, "y_pred": y_pred[seed]})
            table[rows].to_csv(folder / "predictions.csv", index=False)
            info = {"model": "rf", "size": "25%", "n_train": 9 + fold, "n_used": 8 + fold, "seed": seed}
            (folder / "run.json").write_text(json.dumps(info))
            runs.append(folder)
    table = evaluate_model(runs, tmp_path / "metrics.csv", 300)
    assert table.columns.tolist() == METRIC_COLUMNS + FOLD_COLUMNS
    row = cell(table, seed=1, metric="R2")
    assert (row["size"], row["n_train"], row["n_used"], row["n_test"]) == ("25%", 10, 9, N)
    assert row["value"] == pytest.approx(r2_score(TRUTH, y_pred[1]))
    low, high = percentile_interval(bootstrap_metrics(TRUTH, y_pred[1], 300, 0, ("R2",))[:, 0, 0])
    assert [row["ci_low"], row["ci_high"]] == pytest.approx([low, high])
    for seed, predicted in ((1, [y_pred[1]]), ("mean", y_pred), ("ensemble", [y_pred.mean(axis=0)])):
        own = [np.mean([r2_score(TRUTH[rows], p[rows]) for p in predicted]) for rows in parts]
        row = cell(table, seed=seed, metric="R2")
        expected = [np.mean(own), np.std(own, ddof=1), min(own), max(own)]
        assert row[FOLD_COLUMNS].tolist() == pytest.approx(expected)


def test_oracle_and_mean_control(write_run, tmp_path):
    runs = [write_run(TRUTH, model="oracle"), write_run(np.full(N, TRUTH.mean()), model="mean")]
    evaluate_model(runs, tmp_path / "metrics.csv", 300)
    table = pd.read_csv(tmp_path / "metrics.csv")
    oracle = cell(table, model="oracle", seed="mean", metric="R2")
    assert [oracle["value"], oracle["ci_low"], oracle["ci_high"]] == [1, 1, 1]
    mean = cell(table, model="mean", seed="mean", metric="R2")
    # Its constant is the best on the test set only: on every resample R2 is 0 or less.
    assert mean["value"] == pytest.approx(0, abs=1e-9) and mean["ci_low"] < mean["ci_high"] <= 0
    rho = cell(table, model="mean", seed="mean", metric="Spearman")
    assert rho[["value", "ci_low", "ci_high"]].isna().all()


def test_validation_rows_are_scored_apart(write_run, tmp_path):
    run = write_run(TRUTH + NOISE[0], validation=True)
    table = evaluate_model([run], tmp_path / "metrics.csv", 200)
    assert table["subset"].drop_duplicates().tolist() == ["test", "validation"]
    row = cell(table, subset="validation", seed="mean", metric="R2")
    shown = pd.Series(range(N)).sample(frac=1, random_state=0).iloc[:20]
    assert row["n_test"] == 20 and row["ci_low"] < row["ci_high"]
    expected = r2_score(TRUTH[shown], (TRUTH + NOISE[0])[shown])
    assert row["value"] == pytest.approx(expected)


def test_resamples_depend_on_the_rows_alone(write_run, tmp_path):
    small, large = write_run(TRUTH + NOISE[0], 100), write_run(TRUTH + NOISE[0], 200)
    other = write_run(TRUTH + NOISE[0], model="rf")
    together = evaluate_model([small, large, other], tmp_path / "a.csv", 200)
    alone = evaluate_model([other], tmp_path / "b.csv", 200)
    bounds = [
        tuple(rows[["ci_low", "ci_high"]].to_numpy().ravel())
        for _, rows in [*together.groupby(["model", "n_train", "seed"]), (None, alone.iloc[:5])]
    ]
    for other_bounds in bounds[1:]:
        assert other_bounds == pytest.approx(bounds[0], rel=1e-12)


def test_rows_may_differ_between_models_but_not_between_seeds(write_run, tmp_path):
    full = write_run(TRUTH + NOISE[0])
    fewer = {"ids": IDS[:50], "y_true": TRUTH[:50]}
    other = write_run((TRUTH + NOISE[1])[:50], model="rf", **fewer)
    table = evaluate_model([full, other], tmp_path / "metrics.csv", 100)
    assert cell(table, model="rf", seed="mean", metric="MAE")["n_test"] == 50
    second = write_run((TRUTH + NOISE[1])[:50], seed=1, **fewer)
    with pytest.raises(PorevoxError, match="seeds of model retnet with 100 structures"):
        evaluate_model([full, second], tmp_path / "metrics.csv", 100)


def test_nothing_to_score_is_said(write_run, tmp_path):
    with pytest.raises(PorevoxError, match="no run to evaluate"):
        evaluate_model([], tmp_path / "metrics.csv")
    run = write_run(TRUTH)
    with pytest.raises(PorevoxError, match="are the same run"):
        evaluate_model([run, run], tmp_path / "metrics.csv")
    (run / "predictions.csv").write_text("id,subset,y_true,y_pred\na,validation,1,1\n")
    with pytest.raises(PorevoxError, match="holds no test predictions"):
        evaluate_model([run], tmp_path / "metrics.csv")


def test_two_names_of_one_size_are_told_apart_from_one_run_given_twice(write_run, tmp_path):
    runs = [write_run(TRUTH, 100), write_run(TRUTH, 101)]
    info = json.loads((runs[1] / "run.json").read_text())
    (runs[1] / "run.json").write_text(json.dumps(info | {"n_train": 100, "size": "50%"}))
    with pytest.raises(PorevoxError, match="sizes 100 and 50% are both 100 structures"):
        evaluate_model(runs, tmp_path / "metrics.csv")


def test_same_call_writes_the_same_bytes(write_run, tmp_path):
    run = write_run(TRUTH + NOISE[0])
    for name in "ab":
        evaluate_model([run], tmp_path / f"{name}.csv", 100)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_tables_of_several_models_are_put_together_unchanged(write_run, tmp_path):
    for k, model in enumerate(("retnet", "rf")):
        run = write_run(TRUTH + NOISE[k], model=model)
        evaluate_model([run], tmp_path / f"{model}.csv", 50)
    paths = [tmp_path / f"{model}.csv" for model in ("retnet", "rf")]
    collect_metrics(paths, tmp_path / "all.csv")
    lines = [path.read_text().splitlines() for path in paths]
    assert (tmp_path / "all.csv").read_text().splitlines() == lines[0] + lines[1][1:]
