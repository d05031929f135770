"""The ranked table: order, units, reasons and marks; and what a screening came to."""

import json

import numpy as np
import pandas as pd
import pytest

from porevox.errors import PorevoxError
from porevox.handover.domain import Domain
from porevox.ranking import column_names, rank, rank_shards, summarise
from porevox.screen import COLUMNS, NUMBERS

RECORD = {
    **{"study": "s", "model": "m", "type": "retnet", "size": "9", "n_train": 9, "seeds": [0, 1]},
    "target": {"column": "q", "unit": "cm3(STP)/cm3", "label": ""},
    "training": {"y_min": 1.0, "y_max": 50.0},
}
DOMAIN = Domain(
    np.array(["old", "gone"]), np.array(["aa", ""]), np.array([1.0, 50.0]), np.eye(2, dtype=np.float32)
)


def found(**rows):
    """A shard's table; keywords are ids with (predicted, distance)."""
    table = pd.DataFrame({"id": list(rows), "predicted": [p for p, _ in rows.values()]})
    table["spread"], table["low"], table["high"] = 1.0, table["predicted"] - 2, table["predicted"] + 2
    table["distance"] = [d for _, d in rows.values()]
    table["nearest_training_id"] = "old"
    table["beyond_labels"] = np.select(
        [table["predicted"] > 50, table["predicted"] < 1], ["above", "below"], ""
    )
    for name in ("pc1", "pc2", "shard", "n_atoms", "volume_A3", "density_g_cm3"):
        table[name] = 3
    assert set(table.columns) == {"id", *NUMBERS, *COLUMNS}
    return table


def test_best_first_with_the_unit_in_the_names():
    ranked = rank(found(a=(3, 0.5), b=(7.123456789, 0.5), c=(3, 0.1)), RECORD, DOMAIN, {}, 0.9)
    assert list(ranked["id"]) == ["b", "a", "c"] and list(ranked["rank"]) == [1, 2, 3]
    assert ranked["predicted_cm3STP_per_cm3"][0] == 7.12346
    assert {"low90_cm3STP_per_cm3", "high90_cm3STP_per_cm3", "spread_cm3STP_per_cm3"} <= set(ranked.columns)


@pytest.mark.parametrize(
    "unit, level, name",
    [
        ("mol/kg", 0.95, "low95_mol_per_kg"),
        ("", 0.5, "low50"),
        (None, 0.68, "low68"),
        ("g / L", 0.9, "low90_g__per__L"),
        ("mmol g-1", 0.9, "low90_mmol_gminus1"),
        ("10^-3 mol·kg⁻¹", 0.9, "low90_10minus3_mol_kgminus1"),
        ("kJ/Å³", 0.9, "low90_kJ_per_A3"),
    ],
)
def test_column_names_hold_letters_and_digits(unit, level, name):
    assert column_names(unit, level)["low"] == name and name.replace("_", "").isalnum()


def test_what_is_out_of_domain_says_why():
    ranked = rank(found(a=(3, 0.5), far=(2, 1.5), high=(60, 0.2), both=(0.5, 9)), RECORD, DOMAIN, {}, 0.9)
    why = ranked.set_index("id")["why"]
    assert why["a"] == "" and "1.5 times the domain's limit" in why["far"]
    assert why["high"] == "predicted above all training values (50 cm3(STP)/cm3)"
    assert "9 times" in why["both"] and "below all training values (1 cm3(STP)/cm3)" in why["both"]
    assert dict(zip(ranked["id"], ranked["out_of_domain"], strict=True)) == {
        **{"a": "no", "far": "yes"},
        **{"high": "yes", "both": "yes"},
    }


def test_known_structures_are_marked_by_id_and_by_content():
    checksums = {"old": "bb", "twin": "aa", "gone": "cc", "new": "dd", "unknown": ""}
    table = found(old=(1, 0), twin=(2, 0), gone=(3, 0), new=(4, 0), unknown=(5, 0))
    marks = rank(table, RECORD, DOMAIN, checksums, 0.9).set_index("id")["in_training_set"]
    assert marks.to_dict() == {
        "old": "same id",
        "twin": "same CIF",
        "gone": "same id",
        "new": "no",
        "unknown": "no",
    }
    both = rank(found(old=(1, 0)), RECORD, DOMAIN, {"old": "aa"}, 0.9)["in_training_set"]
    assert list(both) == ["same id and CIF"]


def test_what_it_came_to_is_said():
    lost = pd.DataFrame({"id": ["x", "y"], "reason": ["no_atoms"] * 2, "detail": ["", ""]})
    ranked = rank(found(old=(2, 3), far=(2, 4)), RECORD, DOMAIN, {}, 0.9)
    summary = summarise(ranked, lost, RECORD)
    assert (summary["n_structures"], summary["n_predicted"], summary["rejected"]) == (4, 2, {"no_atoms": 2})
    assert "All 2 structures are out of the model's domain" in summary["remarks"][0]
    assert "1 of 2 structures are in the model's training set" in summary["remarks"][1]
    assert summarise(rank(found(new=(2, 0.3)), RECORD, DOMAIN, {}, 0.9), lost, RECORD)["remarks"] == []


@pytest.fixture
def screened(shared_model, tmp_path):
    """Two shards' tables, one empty; ids as awkward as they come."""
    tables = [tmp_path / "shard0.csv", tmp_path / "shard1.csv"]
    found(**{"NA": (2, 0.1), "007": (3, 0.1)}).to_csv(tables[0], index=False)
    found().astype({"id": str}).to_csv(tables[1], index=False)
    (tmp_path / "rejected.csv").write_text("id,member,reason,detail\n,x/y.cif,bad_name,why\n")
    (tmp_path / "lost.csv").write_text("id,reason,detail\nz,no_atoms,none\n")
    (tmp_path / "manifest.csv").write_text(
        "id,member,size_bytes,sha256,shard\nNA,NA.cif,1,ab,0\n007,7.cif,1,cd,0\n"
    )
    rejected = [tmp_path / "rejected.csv", tmp_path / "lost.csv"]
    return shared_model, tables, rejected, tmp_path / "manifest.csv", 0.9, tmp_path / "out"


def test_shards_become_one_table(screened):
    summary = rank_shards(*screened)
    out = screened[-1]
    ranked = pd.read_csv(out / "ranked.csv", dtype={"id": str}, keep_default_na=False)
    assert list(ranked["id"]) == ["007", "NA"]
    assert (out / "rejected.csv").read_text() == "id,reason,detail\nx/y.cif,bad_name,why\nz,no_atoms,none\n"
    assert json.loads((out / "summary.json").read_text()) == summary and summary["n_structures"] == 4


def test_nothing_to_rank_is_said_with_reasons(screened):
    model, tables, rejected, *rest = screened
    with pytest.raises(
        PorevoxError, match=r"None of the 2 structures could be predicted \(1 bad_name, 1 no_atoms\)"
    ):
        rank_shards(model, tables[1:], rejected, *rest)
    assert (rest[-1] / "rejected.csv").exists()
    for path in rejected:
        path.write_text("id,reason,detail\n")
    with pytest.raises(PorevoxError, match="no structure to screen"):
        rank_shards(model, tables[1:], rejected, *rest)
