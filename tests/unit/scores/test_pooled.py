"""Runs of all folds as one."""

import json

import pandas as pd
import pytest

from porevox.errors import PorevoxError
from porevox.scores.pooled import read_runs


@pytest.fixture
def write_run(tmp_path):
    def write(split, test, validation=(), seed=0, size="50%", n_train=10):
        folder = tmp_path / f"split{split}" / "rf" / "n" / f"seed{seed}"
        folder.mkdir(parents=True)
        rows = [(name, "test", 1.0, split) for name in test]
        rows += [(name, "validation", 1.0, split) for name in validation]
        pd.DataFrame(rows, columns=["id", "subset", "y_true", "y_pred"]).to_csv(
            folder / "predictions.csv", index=False
        )
        info = {"model": "rf", "size": size, "n_train": n_train, "n_used": n_train, "seed": seed}
        (folder / "run.json").write_text(json.dumps(info))
        return folder

    return write


def test_one_split_stays_as_it_is(write_run):
    (run,) = read_runs([write_run(0, "ba", "c")])
    assert run.rows["test"].index.tolist() == ["a", "b"] and "split" not in run.rows["test"]
    assert run.rows["validation"].index.tolist() == ["c"]


def test_folds_are_put_together_by_size_and_seed(write_run):
    folders = [
        write_run(split, test, "ab", seed, n_train=10 + split)
        for split, test in enumerate(["ad", "bc", "e"])
        for seed in (0, 1)
    ]
    runs = read_runs(folders)
    assert [(run.seed, run.size, run.n_train) for run in runs] == [(0, "50%", 11), (1, "50%", 11)]
    rows = runs[0].rows["test"]
    assert rows.index.tolist() == list("abcde")
    assert rows["split"].tolist() == ["split0", "split1", "split1", "split0", "split2"]
    assert rows["y_pred"].tolist() == [0, 1, 1, 0, 2]
    # the same structures validate in all three folds, each time predicted by another model
    assert runs[0].rows["validation"].index.tolist() == [
        f"split{k}/{name}" for k in range(3) for name in "ab"
    ]


def test_a_structure_tested_twice_is_refused(write_run):
    with pytest.raises(PorevoxError, match="b is tested in two folds of model rf"):
        read_runs([write_run(0, "ab"), write_run(1, "bc")])


def test_a_missing_or_doubled_fold_is_refused(write_run):
    folders = [write_run(0, "ab"), write_run(1, "cd"), write_run(0, "ab", seed=1)]
    with pytest.raises(PorevoxError, match="seed 1: split1 is there not at all"):
        read_runs(folders)
    with pytest.raises(PorevoxError, match="seed 0: split1 is there twice"):
        read_runs([*folders[:2], folders[1]])


def test_a_fold_without_test_rows_is_refused(write_run):
    with pytest.raises(PorevoxError, match="split1.* holds no test predictions"):
        read_runs([write_run(0, "ab"), write_run(1, "", "c")])
