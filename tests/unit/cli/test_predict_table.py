"""The table in a terminal: whole where there is room, narrow where there is none."""

import pandas as pd
import pytest

from porevox.cli.predict_table import show

RECORD = {
    "model": "net",
    "type": "retnet",
    "n_train": 400,
    "target": {"column": "q", "unit": "mol/kg", "label": "CO2 uptake"},
}


def ranked(*ids, why="", known="no"):
    rows = [(k + 1, id, 12.3456, 1.0, 10.0, 14.5, 0.5, why, known) for k, id in enumerate(ids)]
    names = [
        "rank",
        "id",
        "predicted_u",
        "spread_u",
        "low90_u",
        "high90_u",
        "distance",
        "why",
        "in_training_set",
    ]
    return pd.DataFrame(rows, columns=names)


@pytest.mark.parametrize("width", [60, 80, 110])
def test_no_line_is_longer_than_the_terminal(width):
    table = ranked(
        "short", "a" * 90, why="1.3 times the domain's limit away from the training set", known="same id"
    )
    lost = [("x" * 30, "unreadable_cif", "word " * 30)]
    lines = show(table, lost, RECORD, 0.9, width, False).splitlines()
    assert max(map(len, lines)) <= width
    assert any(line.startswith("short") and line.endswith(" !") for line in lines)


def test_what_stands_in_a_row():
    text = show(ranked("a"), [], RECORD, 0.9, 80, False)
    row = next(line for line in text.splitlines() if line.startswith("a "))
    assert row.split() == ["a", "12.35", "10", "to", "14.5", "0.50"]
    assert "90 % interval" in text and "CO2 uptake in mol/kg, by net" in text and "not used" not in text


def test_colours_only_where_they_are_wanted():
    table = ranked("a", known="same CIF")
    assert "\033" not in show(table, [], RECORD, 0.9, 80, False)
    coloured = show(table, [], RECORD, 0.9, 80, True)
    assert coloured.count("\033[31m") == 1 and "in the training set (same CIF)" in coloured


def test_only_rejects_are_listed_with_their_reasons():
    text = show(ranked(), [("x", "no_atoms", "none")], RECORD, 0.9, 80, False)
    assert "x: no_atoms (none)" in text and "interval" not in text
