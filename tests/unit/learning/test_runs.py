"""Sizes, usable rows and files that every run shares."""

import json

import numpy as np
import pandas as pd
import pytest

from porevox.errors import PorevoxError
from porevox.learning.runs import (
    finite_rows,
    prediction_table,
    resolve_size,
    subset_counts,
    write_atomically,
    write_csv,
    write_json,
)


@pytest.mark.parametrize(
    ("size", "n"),
    [
        (100, 100),
        ("100", 100),
        ("25%", 375),
        ("100%", 1500),
        ("33%", 495),
        ("12.5%", 187),
        ("0.01%", 1),
        (1500, 1500),
    ],
)
def test_sizes(size, n):
    assert resolve_size(size, 1500) == n


def test_percentages_are_exact():
    """29 % of 100 is 29, though 0.29 * 100 is 28.999999999999996 in floating point."""
    assert [resolve_size(f"{p}%", 100) for p in range(1, 101)] == list(range(1, 101))


@pytest.mark.parametrize("size", [0, "0%", -5, "ten", "", "2.5", 2.5, "5 %%", None, "nan", "1e3"])
def test_sizes_that_make_no_sense(size):
    with pytest.raises(PorevoxError, match="neither a whole number above 0 nor a percentage"):
        resolve_size(size, 1500)


@pytest.mark.parametrize("size", [1501, "101%"])
def test_sizes_beyond_the_train_list(size):
    with pytest.raises(PorevoxError, match="only 1500"):
        resolve_size(size, 1500)


def test_rows_with_numbers_that_can_be_used():
    values = {"S": 1.0, "nan": np.nan, "inf": np.inf, "-inf": -np.inf, "huge": 2e44, "large": 1e38}
    rows = pd.DataFrame({"id": list(values), "a": list(values.values()), "b": 1})
    assert list(finite_rows(rows, ["b", "a"])["id"]) == ["S", "large"]
    assert len(finite_rows(rows, [])) == len(rows)
    for column in ("c", "id"):
        with pytest.raises(PorevoxError, match=f"no column of numbers named '{column}'"):
            finite_rows(rows, ["a", column])


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "new" / "file.txt"
    write_atomically(path, "old")

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"half")
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_json_and_csv_keep_every_digit(tmp_path):
    value = 0.1 + 0.2
    write_json(tmp_path / "a.json", {"x": value})
    assert json.loads((tmp_path / "a.json").read_text())["x"] == value
    write_csv(tmp_path / "a.csv", pd.DataFrame({"x": [value], "y": [None]}))
    assert (tmp_path / "a.csv").read_text() == f"x,y\n{value!r},\n"
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "b.json", {"x": float("nan")})
    assert not (tmp_path / "b.json").exists()


def rows_of(*subsets):
    ids = [f"{subset}{i}" for i, subset in enumerate(subsets)]
    return pd.DataFrame({"id": ids, "subset": subsets, "y": np.arange(len(ids), dtype=float)})


def test_predictions_list_validation_first_and_keep_pairs_together():
    rows = rows_of("test", "validation", "test", "validation")
    table = prediction_table(rows, rows["y"].to_numpy() + 10)
    assert list(table["id"]) == ["validation1", "validation3", "test0", "test2"]
    assert (table["y_pred"] - table["y_true"] == 10).all()
    assert list(table.columns) == ["id", "subset", "y_true", "y_pred"]
    assert subset_counts(table) == {"n_test": 2, "n_validation": 2}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_predictions_must_be_finite(bad):
    with pytest.raises(PorevoxError, match="test1.*not a finite"):
        prediction_table(rows_of("test", "test"), np.array([1.0, bad]))
