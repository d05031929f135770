"""Joining tables and labels: first table wins, contradictions are dropped, all is noted."""

import pandas as pd
import pytest

from porevox.errors import PorevoxError
from porevox.labels import (
    MOST_LISTED,
    Drops,
    check_needed,
    faulty_rows,
    join_tables,
    label_structures,
)
from porevox.sample import take_sample

SPEC = {"id_column": "id", "aliases": {}}


def tables(tmp_path, *texts):
    paths = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.csv"
        path.write_text(text)
        paths.append((path, SPEC))
    return paths


def test_columns_come_from_the_first_table_that_has_them(tmp_path):
    parts = tables(tmp_path, "id,y\na,1\nb,2\n", "id,y,rho\na,9,3\nc,9,4\n")
    joined = join_tables(parts, ["y", "rho"], Drops())
    assert joined.loc["a"].tolist() == ["1", "3"]
    assert joined.loc["b"].tolist() == ["2", ""]
    # that c has no label is not the same as an empty label
    assert pd.isna(joined.at["c", "y"]) and joined.at["c", "rho"] == "4"


def test_an_exact_repeat_costs_a_row_and_a_contradiction_the_id(tmp_path):
    drops = Drops()
    joined = join_tables(tables(tmp_path, "id,y\na,1\na,1\nb,1\nb,2\nc,3\n"), ["y"], drops)
    assert list(joined.index) == ["a", "c"]
    assert sorted(drops.frame()["id"]) == ["a", "b"]


def test_repeats_in_columns_nobody_asked_for_do_not_contradict(tmp_path):
    joined = join_tables(tables(tmp_path, "id,y,note\na,1,x\na,1,z\n"), ["y"], Drops())
    assert list(joined.index) == ["a"]


def test_rows_of_other_tables_are_no_labels(tmp_path):
    structures = pd.Index(["a", "b", "c"], name="id")
    descriptors = "id,rho\na,3\nb,4\nc,5\n"
    drops = Drops()
    cells = join_tables(tables(tmp_path, "id,y\na,1\nb,\n", descriptors), ["y", "rho"], drops)
    assert list(label_structures(structures, cells, "y", {}, drops).index) == ["a"]
    assert drops.counts() == {"labels/label_not_finite": 1, "labels/no_label": 1} and drops.warnings
    cells = join_tables(tables(tmp_path, "id,y\nother,1\n", descriptors), ["y", "rho"], Drops())
    with pytest.raises(PorevoxError, match="0 of 3 structures have a label `y`; .* other rows of the tables"):
        label_structures(structures, cells, "y", {}, Drops())


def test_a_table_that_gives_no_column_gives_no_ids_and_no_repeats(tmp_path):
    drops = Drops()
    parts = tables(tmp_path, "id,y\na,1\n", "id,who\na,me\na,you\nb,me\n")
    assert list(join_tables(parts, ["y"], drops).index) == ["a"] and drops.rows == []


def test_nothing_labelled_says_what_to_compare():
    cells = pd.DataFrame({"y": ["1"]}, index=pd.Index(["other"], name="id"))
    names = pd.Index([f"mof{i:05d}" for i in range(20_000)], name="id")
    with pytest.raises(PorevoxError) as caught:
        label_structures(names, cells, "y", {}, Drops())
    assert str(caught.value).startswith(
        "0 of 20,000 structures have a label `y`; first ids on each side: mof00000, mof00001, mof00002 are "
        "structures, other rows of the tables"
    )


def test_labels_without_a_number_are_told_from_ids_that_do_not_match():
    cells = pd.DataFrame({"y": ["", "n/a"]}, index=pd.Index(["a", "b"], name="id"))
    with pytest.raises(PorevoxError, match="0 of 2 structures have a finite label `y`: its first cells are"):
        label_structures(cells.index, cells, "y", {}, Drops())


def test_the_ledger_is_sorted_and_names_who_is_affected():
    drops = Drops()
    drops.add(["b", "a"], "voxels", "no_atoms", "none", "voxel_models")
    drops.add(["c"], "labels", "no_label")
    frame = drops.frame()
    assert frame["id"].tolist() == ["c", "a", "b"]
    assert frame["affects"].tolist() == ["all", "voxel_models", "voxel_models"]


def labelled(structures, rows, **options):
    """Labels and ledger of structures and of a table's rows, all with the label 1."""
    cells = pd.DataFrame({"y": ["1"] * len(rows)}, index=pd.Index(rows, name="id"))
    drops = Drops()
    values = label_structures(pd.Index(structures, name="id"), cells, "y", {}, drops, **options)
    return values, drops


def test_half_of_the_labels_missing_is_a_warning_and_every_one_is_counted(caplog):
    names = [f"mof{i}.{i}" for i in range(100)]
    values, drops = labelled(names, names[:50] + ["other.1", "other.2"])
    assert list(values.index) == sorted(names[:50])
    assert drops.counts() == {"labels/no_label": 50, "labels/no_structure": 2}
    (warning,) = drops.warnings
    assert warning.startswith("50 of 100 structures have no label, such as mof50.50, mof51.51")
    assert "other.1, other.2" in warning and warning in caplog.text
    assert labelled(names, names[:90])[1].warnings == []


def test_rows_of_another_million_structures_are_counted_without_being_listed():
    _, drops = labelled(["a", "b"], ["a", "b", *(f"other{i}" for i in range(MOST_LISTED + 500))])
    assert drops.counts() == {"labels/no_structure": MOST_LISTED + 500}
    frame = drops.frame()
    assert len(frame) == MOST_LISTED + 1
    assert frame.loc[frame["id"] == "", "detail"].tolist() == ["... and 500 more."]


def test_labels_beyond_a_sample_are_no_drops():
    there = [f"mof{i}" for i in range(100)]
    chosen = sorted(take_sample(there, 30))
    values, drops = labelled(chosen, there, sampled=True)
    assert list(values.index) == chosen and drops.counts() == {}
    assert labelled(chosen, there)[1].counts() == {"labels/no_structure": 70}


RULE = {"column": "void", "min": 0.0, "max": 1.0, "reason": "no void fraction"}


def test_rows_are_faulty_by_what_they_hold_or_by_name():
    cells = pd.DataFrame({"void": ["2e44", "1", "0", "-0.1", "", "inf"]}, index=list("abcdef"))
    found = faulty_rows(cells, {"e.cif": "mad", "zz": "gone"}, [RULE])
    # what is no number is left to whoever needs the column
    expected = {"a": "no void fraction (void is 2e44).", "d": "no void fraction (void is -0.1)."}
    assert found == expected | {"e": "mad", "zz": "gone"}
    assert set(faulty_rows(cells, {}, [RULE | {"min": None}])) == {"a"}
    assert set(faulty_rows(cells, {}, [RULE | {"max": None}])) == {"d"}


def test_faulty_rows_are_dropped_and_counted():
    cells = pd.DataFrame({"y": ["1", "2"], "void": ["2e44", "0.5"]}, index=pd.Index(["a", "b"], name="id"))
    drops = Drops()
    values = label_structures(cells.index, cells, "y", faulty_rows(cells, {}, [RULE]), drops)
    assert list(values.index) == ["b"] and drops.counts() == {"labels/known_faulty": 1}
    assert "2e44" in drops.frame().loc[0, "detail"]


def test_columns_are_checked_before_anything_is_read(tmp_path):
    found = tables(tmp_path, "id,y,void_fraction\na,1,1\n")
    study = {"study": "s", "dataset": "d", "target": {"column": "y"}, "descriptors": [], "faulty_where": []}
    study["split"] = {"kind": "random"}
    check_needed(found, study)
    for key, value, words in [
        ("target", {"column": "Y"}, "`studies.s.target` names the column `Y`.*did you mean `y`"),
        ("descriptors", ["voidfraction"], "`studies.s.descriptors`.*did you mean `void_fraction`"),
        ("split", {"kind": "group", "group_column": "family"}, "`studies.s.split.group_column`"),
        ("faulty_where", [RULE], "`datasets.d.faulty_where` names the column `void`"),
    ]:
        with pytest.raises(PorevoxError, match=words):
            check_needed(found, study | {key: value})
