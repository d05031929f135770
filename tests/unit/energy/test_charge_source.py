"""Which charges are used, and where that is refused."""

import numpy as np
import pytest

from porevox.crystal.structure import Structure
from porevox.energy.charge_source import check_source, known_settings, stand_in, with_charges
from porevox.energy.charge_table import find_charge_table
from porevox.errors import PorevoxError, StructureRejected

OWN = np.array([0.25, -0.25])


def pair(charges_e=OWN, elements=("Zn", "O")):
    frac = np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]])
    return Structure("x", 10.0 * np.eye(3), frac, elements, "gemmi", charges_e=charges_e)


@pytest.mark.parametrize(
    ("charges", "given", "equilibrated"),
    [
        ("cif", OWN, False),
        ("cif", None, False),
        ("eqeq", OWN, True),
        ("eqeq", None, True),
        ("cif_or_eqeq", OWN, False),
        ("cif_or_eqeq", None, True),
    ],
)
def test_where_charges_come_from(charges, given, equilibrated):
    structure = pair(given)
    found = with_charges(structure, charges)
    stands_in, memory_MB = stand_in(structure, charges)
    if equilibrated:
        zinc, oxygen = found.charges_e
        assert zinc == -oxygen and 0.8 < zinc < 2.0
        assert memory_MB > 0.0 and stands_in.charges_e.sum() == 0.0
        assert structure.charges_e is given, "the structure itself stays as it is"
    else:
        assert found is structure and stands_in is structure and memory_MB == 0.0


def test_an_element_without_energies_is_refused():
    with pytest.raises(StructureRejected, match="Og") as refusal:
        with_charges(pair(elements=("Og", "O")), "eqeq")
    assert refusal.value.code == "unknown_element"


def test_the_table_asked_for_must_be_the_one_there_is():
    asked = find_charge_table().digest
    assert with_charges(pair(), "eqeq", asked).charges_e[0] > 0.0
    with pytest.raises(PorevoxError, match="not those that were asked for"):
        with_charges(pair(), "eqeq", "0" * 16)


@pytest.mark.parametrize(
    "settings", [("qeq", None), (None, None), (True, None), ("eqeq", 3), ("cif", "0123")]
)
def test_faulty_settings_are_refused(settings):
    with pytest.raises(PorevoxError, match="^channel charge"):
        check_source(*settings)


def test_what_goes_without_saying_is_left_out():
    assert known_settings({"a": 1, "charges": "cif", "charge_table": None}) == {"a": 1}
    full = {"a": 1, "charges": "eqeq", "charge_table": "0123"}
    assert known_settings(full) == full
