"""Elements out of the types and labels that programs write."""

import pytest

from porevox.crystal.cif_values import BrokenValues
from porevox.crystal.elements import composition, resolve_elements
from porevox.errors import StructureRejected


@pytest.mark.parametrize(
    ("symbol", "element"),
    [
        ("Zn", "Zn"),
        ("Zn2+", "Zn"),
        ("O2-", "O"),
        ("Si4+", "Si"),
        ("D", "H"),
        ("D0+", "H"),
        ("ZN", "Zn"),
        ("zn", "Zn"),
        ("C_R", "C"),
        ("O_3_z", "O"),
        ("Zr8f4", "Zr"),
        ("Ow", "O"),
        ("Hw", "H"),
        ("Ho", "Ho"),
        ("Os", "Os"),
    ],
)
def test_types(symbol, element):
    assert resolve_elements([symbol], ["anything"]) == [element]


@pytest.mark.parametrize(
    ("label", "element"),
    [
        ("Zn1", "Zn"),
        ("C12A", "C"),
        ("Ca1", "Ca"),
        ("Cb1", "C"),
        ("Os", "Os"),
        ("Os1", "Os"),
        ("O1s", "O"),
        ("H2B", "H"),
        ("CL1", "Cl"),
        ("ZN1", "Zn"),
        ("CAB", "C"),
        ("HAA", "H"),
        ("N(3)", "N"),
        ("O_1", "O"),
        ("W1", "W"),
        ("D1", "H"),
    ],
)
def test_labels_without_types(label, element):
    assert resolve_elements(None, [label]) == [element]


def test_the_formula_settles_ca():
    assert resolve_elements(None, ["CA1"], "C8 H4 O4 Zn") == ["C"]
    assert resolve_elements(None, ["CA1"], "Ca O") == ["Ca"]
    assert resolve_elements(None, ["CO1", "O1"], "Co2 O3") == ["Co", "O"]


def test_sibling_labels_settle_ca():
    # CB and CG can only be carbon, so CA next to them is a carbon as well.
    assert resolve_elements(None, ["CA1", "CB1", "CG1", "N1"]) == ["C", "C", "C", "N"]
    assert resolve_elements(None, ["CA1", "O1", "S1"]) == ["Ca", "O", "S"]


def test_label_stands_in_for_a_missing_type():
    assert resolve_elements(["?", "O"], ["Cu1", "O1"]) == ["Cu", "O"]


@pytest.mark.parametrize("symbol", ["X", "Xx", "Lp", "Du", "Wat", "?", "1", "", "T", "Vac"])
def test_what_is_no_element_is_rejected_with_its_name(symbol):
    with pytest.raises(StructureRejected) as caught:
        resolve_elements([symbol], ["Xq7"])
    assert caught.value.code == "unknown_element"
    assert "Xq7" in caught.value.detail


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("C4 H Fe O6.96", {"C": 4, "H": 1, "Fe": 1, "O": 6.96}),
        ("C2 H2 D4", {"C": 2, "H": 6}),
        ("", {}),
        ("C4H Fe", {}),
        ("Zn4O(CO2)6", {}),
        ("Qq2 C", {}),
        ("C 4", {}),
    ],
)
def test_composition_of_a_formula(formula, expected):
    assert composition(formula) == expected


@pytest.mark.parametrize(
    ("types", "labels"), [(["0.28905"], ["C1"]), (["C"], ["0.28905"]), (None, ["-0.3(1)"])]
)
def test_numbers_for_names_mean_that_columns_are_mixed_up(types, labels):
    with pytest.raises(BrokenValues, match="out of place"):
        resolve_elements(types, labels)
