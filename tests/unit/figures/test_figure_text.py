"""Units, formulas and names as they stand in print."""

import pytest

from porevox.figures.figure_text import (
    column_label,
    count_text,
    plain_text,
    pretty_label,
    pretty_unit,
    quantity,
    wrap_text,
)

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("mmol/g", f"mmol{NBSP}g$^{{-1}}$"),
        ("mol/kg", f"mol{NBSP}kg$^{{-1}}$"),
        ("cm3(STP)/cm3", f"cm$^{{3}}$(STP){NBSP}cm$^{{-3}}$"),
        ("cm3 (STP)/g", f"cm$^{{3}}$(STP){NBSP}g$^{{-1}}$"),
        ("m2/g", f"m$^{{2}}${NBSP}g$^{{-1}}$"),
        ("mol/kg/Pa", f"mol{NBSP}kg$^{{-1}}${NBSP}Pa$^{{-1}}$"),
        ("A3", "Å$^{3}$"),
        ("K", "K"),
        ("", ""),
        (None, ""),
        ("v/v", "v/v"),
        ("log10(mol/kg/Pa)", "log10(mol/kg/Pa)"),
        ("US$/kg", r"US\$/kg"),
    ],
)
def test_units(unit, shown):
    assert pretty_unit(unit) == shown


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("CO2 uptake at 0.15 bar", "CO$_{2}$ uptake at 0.15 bar"),
        ("CO2/N2 selectivity", "CO$_{2}$/N$_{2}$ selectivity"),
        ("C2H6", "C$_{2}$H$_{6}$"),
        ("log10 K_H, XN25", "log10 K_H, XN25"),
        ("a $5 label", r"a \$5 label"),
    ],
)
def test_labels(label, shown):
    assert pretty_label(label) == shown


def test_quantity_joins_what_there_is():
    assert quantity("CH4 uptake", "g", "true") == "CH$_{4}$ uptake, true (g)"
    assert quantity("uptake") == "uptake"


def test_column_label_prefers_the_configs_label():
    assert column_label("CO2_uptake_P0.15bar_T298K [mmol/g]", "CO2 uptake") == "CO2 uptake"
    assert column_label("CO2_uptake_P0.15bar_T298K [mmol/g]") == "CO2_uptake_P0.15bar_T298K"
    assert column_label("[x]", "") == "[x]"


def test_counts_have_thin_spaces_from_five_digits_on():
    assert [count_text(n) for n in (7, 5000.2, 32432)] == ["7", "5000", "32\u2009432"]


def test_lines_break_at_spaces_by_what_is_seen():
    text = f"CO$_{{2}}$ uptake (mmol{NBSP}g$^{{-1}}$)"
    assert wrap_text(text, 12) == f"CO$_{{2}}$ uptake\n(mmol{NBSP}g$^{{-1}}$)"
    assert wrap_text(text, 40) == text
    assert wrap_text("abcdefgh ij", 5) == "abcde\nfgh\nij"
    assert wrap_text("a_b_c_d_e_f", 6) == "a_b_c_\nd_e_f"
    assert wrap_text("x abcdefgh", 5) == "x\nabcde\nfgh"
    assert wrap_text("", 5) == ""
    assert plain_text("a$b") == r"a\$b"
