"""Reading back what models predicted."""

import json

import numpy as np
import pandas as pd
import pytest

from porevox.errors import PorevoxError
from porevox.scores.scored_runs import read_run, stack_predictions, write_table

ROWS = [("b", "test", 2, 2.5), ("a", "test", 1, 1.5), ("a", "validation", 1, 1.25)]


def write_run(folder, rows=ROWS, **info):
    folder.mkdir(parents=True)
    table = pd.DataFrame(rows, columns=["id", "subset", "y_true", "y_pred"])
    table.to_csv(folder / "predictions.csv", index=False)
    info = {"model": "rf", "size": "25%", "n_train": 5, "n_used": 4, "seed": 0} | info
    (folder / "run.json").write_text(json.dumps(info))
    return folder


def test_run_is_read_with_rows_sorted_by_id(tmp_path):
    run = read_run(write_run(tmp_path / "run"))
    assert (run.model, run.size, run.n_train, run.n_used, run.seed) == ("rf", "25%", 5, 4, 0)
    assert run.rows["test"].index.tolist() == ["a", "b"]
    assert run.rows["test"]["y_pred"].tolist() == [1.5, 2.5]
    assert run.rows["validation"]["y_pred"].tolist() == [1.25]


def test_ids_stay_text(tmp_path):
    ids = ["NA", "001", "1e5", "nan", "5,6"]
    rows = [(name, "test", 1.0, 1.0) for name in ids]
    run = read_run(write_run(tmp_path / "run", rows))
    assert run.rows["test"].index.tolist() == sorted(ids)


@pytest.mark.parametrize("value", ["", "nan", "inf", "text"])
@pytest.mark.parametrize("column", ["y_true", "y_pred"])
def test_value_that_is_no_number_is_refused(tmp_path, value, column):
    row = {"id": "MOF-5", "subset": "test", "y_true": "1", "y_pred": "1", column: value}
    with pytest.raises(PorevoxError, match=f"column {column} .* 1 structures .MOF-5."):
        read_run(write_run(tmp_path / "run", [tuple(row.values())]))


def test_id_twice_in_a_subset_is_refused(tmp_path):
    with pytest.raises(PorevoxError, match="lists 'a' more than once"):
        read_run(write_run(tmp_path / "run", [*ROWS, ("a", "test", 1, 1)]))


@pytest.mark.parametrize("name", ["run.json", "predictions.csv"])
@pytest.mark.parametrize("content", [None, "{}", "nonsense"])
def test_missing_or_broken_file_is_named(tmp_path, name, content):
    folder = write_run(tmp_path / "run")
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with pytest.raises(PorevoxError, match=f"{name} cannot be read .*train the model again"):
        read_run(folder)


def test_stacked_predictions_follow_the_ids_asked_for(tmp_path):
    other = [("a", "test", 1, 10), ("b", "test", 2, 20), ("c", "test", 3, 30)]
    runs = [read_run(write_run(tmp_path / "1")), read_run(write_run(tmp_path / "2", other))]
    y_true, y_pred = stack_predictions(runs, "test", ["b", "a"])
    assert y_true.tolist() == [2, 1]
    assert y_pred.tolist() == [[2.5, 1.5], [20, 10]]


def test_runs_with_other_rows_or_other_truth_are_refused(tmp_path):
    run = read_run(write_run(tmp_path / "1"))
    fewer = read_run(write_run(tmp_path / "2", ROWS[:1]))
    with pytest.raises(PorevoxError, match="not scored on the same test structures"):
        stack_predictions([run, fewer])
    changed = read_run(write_run(tmp_path / "3", [("a", "test", 1.1, 1), ("b", "test", 2, 2)]))
    with pytest.raises(PorevoxError, match="different true values"):
        stack_predictions([run, changed])


def test_table_is_written_whole_and_with_empty_cells(tmp_path):
    path = tmp_path / "new" / "table.csv"
    write_table(pd.DataFrame({"x": [1 / 3, np.nan], "id": ["a", "b"]}), path)
    assert path.read_text() == "x,id\n0.3333333333,a\n,b\n"
    assert [p.name for p in path.parent.iterdir()] == ["table.csv"]
