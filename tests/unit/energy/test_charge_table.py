"""The table of ionisation energies: what follows from its numbers, and what is refused."""

import csv

import pytest

from porevox.energy import charge_table
from porevox.energy.charge_table import NAME, SHIPPED, find_charge_table, load_charge_table
from porevox.errors import PorevoxError

COLUMNS = ["element", "electron_affinity_eV", *(f"ionisation_energy_{i}_eV" for i in range(1, 9))]
HEADER = ",".join([*COLUMNS, "charge_centre_e"]) + "\n"
METALS = "Li Be Na Mg Al K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Rb Sr Y Zr Ag Cd In Cs Ba Hf Pb".split()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shipped():
    return load_charge_table([SHIPPED])


def write(path, rows):
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEADER + rows)
    return path


def test_the_values_of_the_paper(shipped):
    """Hydrogen: electron affinity -2 eV; carbon and oxygen: Mulliken's definitions."""
    assert (shipped.electronegativity_eV["H"], shipped.hardness_eV["H"]) == pytest.approx((5.799, 15.598))
    assert shipped.electronegativity_eV["C"] == pytest.approx((11.2603 + 1.2621) / 2, abs=1e-3)
    assert shipped.hardness_eV["O"] == pytest.approx(13.6181 - 1.4611, abs=1e-3)


def test_a_parabola_goes_through_the_ionisation_energies():
    """E(Q+1) - E(Q) is the next ionisation energy; E(Q) - E(Q-1) the one before."""
    with SHIPPED.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    table = load_charge_table([SHIPPED])
    for row in rows:
        x, j = table.electronegativity_eV[row["element"]], table.hardness_eV[row["element"]]
        centre = int(row["charge_centre_e"])
        energies = [float(row[column]) for column in COLUMNS[1:] if row[column]]
        # slope at half a charge beyond the centre and half a charge before it
        slopes = [x + j * (centre + half) for half in (0.5, -0.5)]
        assert slopes == pytest.approx([energies[centre + 1], energies[centre]], rel=1e-9)
        assert energies[1:] == sorted(energies[1:])


def test_elements_of_frameworks_are_there_with_a_source(shipped):
    assert set("H B C N O F Si P S Cl Br I Se".split()) | set(METALS) <= set(shipped.hardness_eV)
    with SHIPPED.open(newline="") as stream:
        rows = {row["element"]: row for row in csv.DictReader(stream)}
    assert all(int(rows[metal]["charge_centre_e"]) > 0 for metal in METALS)
    assert all(row["source"] for row in rows.values() if row["charge_centre_e"] != "0")
    paper = {"Mg": 2, "V": 4, "Co": 2, "Ni": 2, "Cu": 2, "Zn": 2, "Zr": 4}
    assert {metal: int(rows[metal]["charge_centre_e"]) for metal in paper} == paper
    assert {int(rows[element]["charge_centre_e"]) for element in ("La", "Gd", "Yb", "U")} == {0}


def test_a_table_of_the_working_directory_comes_on_top(shipped, elsewhere):
    assert find_charge_table() == shipped
    write(elsewhere / NAME, "Zn,0,9,18,,,,,,,1\nXx,0,5,,,,,,,,0\n")
    found = find_charge_table()
    assert found.hardness_eV["Zn"] == 9.0 and found.electronegativity_eV["Zn"] == 13.5 - 9.0
    assert found.hardness_eV["Xx"] == 5.0
    assert found.hardness_eV["C"] == shipped.hardness_eV["C"]
    assert found.digest != shipped.digest


def test_the_digest_is_that_of_the_numbers(elsewhere):
    one = write(elsewhere / "a.csv", "C,1,11,,,,,,,,0\nO,1,13,,,,,,,,0\n")
    same = write(elsewhere / "b.csv", "O,1.0,13,35,,,,,,,0\nC,1,11,,,,,,,,0\n")
    other = write(elsewhere / "c.csv", "C,1,11.1,,,,,,,,0\nO,1,13,,,,,,,,0\n")
    digests = [load_charge_table([path]).digest for path in (one, same, other)]
    assert digests[0] == digests[1] != digests[2]


def test_another_table_than_the_one_asked_for_is_refused(shipped, elsewhere):
    assert find_charge_table(shipped.digest) == shipped
    write(elsewhere / NAME, "Zn,0,9,18,,,,,,,1\n")
    with pytest.raises(PorevoxError, match="are not those that were asked for"):
        find_charge_table(shipped.digest)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("C,1,11,,,,,,,,0\nC,1,11,,,,,,,,0\n", "line 3: the element C is listed twice"),
        ("C,1,11,,,,,,,,1\n", "line 2: ionisation_energy_2_eV is ''"),
        ("C,,11,,,,,,,,0\n", "line 2: electron_affinity_eV is ''"),
        ("C,1,11,,,,,,,,0.5\n", "whole number from 0 to 7"),
        ("C,1,11,,,,,,,,8\n", "whole number from 0 to 7"),
        ("C,1,11,,,,,,,,-1\n", "whole number from 0 to 7"),
        ("C,12,11,,,,,,,,0\n", "ionisation_energy_1_eV is 11; it must be greater"),
        (",1,11,,,,,,,,0\n", "no value in column element"),
    ],
)
def test_faulty_rows_are_one_sentence(rows, words, elsewhere):
    with pytest.raises(PorevoxError, match=words):
        load_charge_table([write(elsewhere / "t.csv", rows)])


def test_without_the_table_it_is_one_sentence(monkeypatch, elsewhere):
    monkeypatch.setattr(charge_table, "SHIPPED", elsewhere / "gone.csv")
    with pytest.raises(PorevoxError, match="gone.csv cannot be read"):
        find_charge_table()
