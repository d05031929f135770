"""What descriptor models cannot use is taken from them, and noted."""

import pandas as pd
import pytest

from porevox.descriptors import add_descriptors, drop_incomplete
from porevox.errors import PorevoxError
from porevox.labels import Drops


def test_cells_become_numbers_or_nothing():
    cells = pd.DataFrame({"rho": ["1.5", "inf", "", "x", "0"]}, index=pd.Index(list("abcde"), name="id"))
    drops = Drops()
    table = add_descriptors(pd.DataFrame({"id": list("edcba")}), cells, ["rho"], drops)
    assert table["rho"].isna().tolist() == [False, True, True, True, False] and table["rho"].iloc[0] == 0
    frame = drops.frame()
    assert frame["id"].tolist() == ["b", "c", "d"] and set(frame["affects"]) == {"descriptor_models"}
    assert frame["detail"].tolist() == ["rho is 'inf'.", "rho is ''.", "rho is 'x'."]


def test_a_descriptor_never_takes_the_label_s_place():
    cells = pd.DataFrame({"y": ["7"]}, index=pd.Index(["a"], name="id"))
    with pytest.raises(PorevoxError, match="`y` has the name of a column"):
        add_descriptors(pd.DataFrame({"id": ["a"], "y": [1.0]}), cells, ["y"], Drops())


def test_an_incomplete_row_costs_the_descriptors_alone(tmp_path):
    path, spec = tmp_path / "t.csv", {"id_column": "id", "aliases": {}}
    path.write_text("id,y,rho,other\na,1,1,1\nb,1,2,inf\nc,1,3,\nd,1,4,0\n")
    table = pd.DataFrame({"id": list("abcd"), "y": 1.0, "rho": [1.0, 2.0, float("nan"), 4.0], "scalar": 1.0})
    drops = Drops()
    kept = drop_incomplete(table.copy(), [(path, spec | {"complete_rows": True})], ["rho"], drops)
    assert kept["rho"].isna().tolist() == [False, True, True, False]
    assert kept[["y", "scalar"]].notna().all().all()
    # what has no descriptor anyway is in the ledger for that
    assert drops.frame()[["id", "reason", "detail", "affects"]].values.tolist() == [
        ["b", "incomplete_row", "other has no value.", "descriptor_models"]
    ]
    assert drop_incomplete(table.copy(), [(path, spec)], ["rho"], Drops()).equals(table)
