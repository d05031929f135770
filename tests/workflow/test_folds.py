"""Folds and ensembles: each structure is tested once, and only what depends on folds runs again."""

import json
from collections import Counter

import pandas as pd
import pytest

from workflow_project import N

FOLDS = 3
STUDY = {
    "models": ["rf", "mean"],
    "sizes": [6],
    "seeds": 2,
    "split": {"folds": FOLDS, "validation": 7},
    "compare": [{"challenger": "rf", "reference": "mean"}, {"challenger": "mean", "reference": "rf"}],
}


def set_study(project, **changes):
    config = project.config
    config["studies"]["tiny"] |= changes
    project.config = config


def test_jobs_of_three_folds_and_two_seeds(fresh):
    set_study(fresh, **STUDY)
    jobs = fresh.jobs("-n")
    counts = Counter(job.split()[0] for job in jobs)
    assert counts["dataset"] == FOLDS and counts["train_baseline"] == 2 * 2 * FOLDS
    assert counts["evaluate"] == 2 and counts["uncertainty"] == counts["calibration"] == 1
    scored = [job for job in jobs if job.startswith(("evaluate", "collect", "compare", "learning", "parity"))]
    assert len(scored) == 7 and all("scope=pooled" in job for job in scored)


def test_folds_leave_structures_and_voxels_alone(project):
    set_study(project, split={"folds": FOLDS, "validation": 3})
    jobs = project.jobs("-n")
    rules = Counter(job.split()[0] for job in jobs)
    assert not {"structures", "voxels"} & set(rules)
    assert rules["dataset"] == FOLDS and rules["train_retnet"] == 2 * FOLDS
    assert rules["train_baseline"] == 2 * 2 * FOLDS


def test_one_fold_is_what_there_was_before_folds(project):
    set_study(project, split={"test": 8, "validation": 3, "folds": 1}, seeds=1)
    assert "Nothing to be done" in project.run()


def test_a_second_seed_trains_that_seed_only(project):
    set_study(project, seeds=2)
    jobs = project.jobs("-n")
    trained = [job for job in jobs if job.startswith("train")]
    assert len(trained) == 6 and all("seed=1" in job for job in trained)
    # both models that leave something to chance, at the largest size
    sure = [job for job in jobs if job.startswith("uncertainty")]
    assert len(sure) == 2 and all("size=9" in job for job in sure)


@pytest.mark.slow
def test_every_structure_is_tested_once_by_models_that_never_saw_it(fresh):
    set_study(fresh, **STUDY)
    assert f"R2 on all structures in {FOLDS} folds at 6 training structures" in fresh.run()
    study = fresh.root / "results/tiny"
    tested = []
    for split in range(FOLDS):
        table = pd.read_csv(study / f"split{split}/dataset/table.csv")
        subsets = table.groupby("subset")["id"].agg(set)
        assert sum(map(len, subsets)) == N and len(subsets["validation"]) == 7
        tested += subsets["test"]
    assert len(tested) == len(set(tested)) == N

    pooled = study / "pooled"
    metrics = pd.read_csv(pooled / "metrics.csv", dtype={"seed": str})
    rows = metrics[(metrics["model"] == "rf") & (metrics["subset"] == "test") & (metrics["metric"] == "R2")]
    assert rows["seed"].tolist() == ["0", "1", "mean", "ensemble"] and (rows["n_test"] == N).all()
    assert (rows["folds_min"] <= rows["folds_mean"]).all() and (rows["folds_sd"] > 0).all()
    comparison = pd.read_csv(pooled / "comparison.csv")
    assert comparison["challenger"].unique().tolist() == ["rf", "mean"]
    assert (comparison["n_test_common"] == N).all()
    assert len(pd.read_csv(pooled / "figures/parity.csv")) == N
    assert json.loads((pooled / "crossing.json").read_text())["challenger"] == "rf"

    uncertainty = json.loads((pooled / "rf/n6/uncertainty.json").read_text())
    assert uncertainty["calibrated"] and uncertainty["n_validation"] == 7 * FOLDS
    assert uncertainty["unit"] == "mmol/g"
    calibration = pd.read_csv(pooled / "calibration.csv")
    assert set(calibration["intervals"]) == {"raw", "calibrated"} and (calibration["n_test"] == N).all()
    assert fresh.jobs() == []

    # what does not concern the folds leaves them alone, and `test` is nothing to them
    set_study(fresh, bootstrap={"resamples": 300}, split={**STUDY["split"], "test": 0.5})
    assert not {"dataset", "train_baseline"} & fresh.rules("-n")
    set_study(fresh, split={"folds": 4, "validation": 7})
    assert Counter(job.split()[0] for job in fresh.jobs("-n"))["dataset"] == 4
    set_study(fresh, split={"folds": FOLDS, "validation": 7}, sizes=[10])
    assert "asks for 10 training structures, but the train list has 9" in fresh.run(ok=False)
