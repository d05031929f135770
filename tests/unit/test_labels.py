"""Joining tables and labels: first table wins, contradictions are dropped, all is noted."""

import pandas as pd
import pytest

from porevox.errors import PorevoxError
from porevox.labels import Drops, join_tables, label_structures

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
    assert joined.loc["b"].tolist() == ["2", ""] and joined.loc["c"].tolist() == ["", "4"]


def test_an_exact_repeat_costs_a_row_and_a_contradiction_the_id(tmp_path):
    drops = Drops()
    joined = join_tables(tables(tmp_path, "id,y\na,1\na,1\nb,1\nb,2\nc,3\n"), ["y"], drops)
    assert list(joined.index) == ["a", "c"]
    assert sorted(drops.frame()["id"]) == ["a", "b"]


def test_repeats_in_columns_nobody_asked_for_do_not_contradict(tmp_path):
    joined = join_tables(tables(tmp_path, "id,y,note\na,1,x\na,1,z\n"), ["y"], Drops())
    assert list(joined.index) == ["a"]


def test_nothing_labelled_says_what_to_compare():
    cells = pd.DataFrame({"y": ["1"]}, index=pd.Index(["other"], name="id"))
    with pytest.raises(PorevoxError, match="such as mof.*such as other"):
        label_structures(pd.Index(["mof"], name="id"), cells, "y", {}, Drops())


def test_the_ledger_is_sorted_and_names_who_is_affected():
    drops = Drops()
    drops.add(["b", "a"], "voxels", "no_atoms", "none", "voxel_models")
    drops.add(["c"], "labels", "no_label")
    frame = drops.frame()
    assert frame["id"].tolist() == ["c", "a", "b"]
    assert frame["affects"].tolist() == ["all", "voxel_models", "voxel_models"]
