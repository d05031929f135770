"""The tables of probes and guests: what they say, and what is wrong with broken ones."""

import csv
import os

import numpy as np
import pytest

from porevox.energy.probes import find_guest, find_probe
from porevox.errors import PorevoxError

HEADER = "name,sigma_A,epsilon_K,source\n"
GUEST_HEADER = "guest,x_A,y_A,z_A,sigma_A,epsilon_K,charge_e\n"
E_A2_IN_DEBYE_A = 4.80320


@pytest.fixture(scope="module")
def probes(root):
    return [root / "resources/probes.csv"]


@pytest.fixture(scope="module")
def guests(root):
    return [root / "resources/guests.csv"]


@pytest.mark.parametrize(
    ("name", "sigma_A", "epsilon_K"),
    [
        ("thesis", 2.5, 50.0),
        ("CH4", 3.73, 148.0),  # Martin and Siepmann 1998
        ("C-CO2", 2.80, 27.0),  # Potoff and Siepmann 2001
        ("O-CO2", 3.05, 79.0),
        ("N-N2", 3.31, 36.0),
        ("H2", 2.96, 34.2),  # Buch 1994
        ("Xe", 3.97, 229.8),  # Boato and Casanova 1961
        ("Kr", 3.66, 165.2),
    ],
)
def test_published_probes(probes, name, sigma_A, epsilon_K):
    assert find_probe(name, probes) == (sigma_A, epsilon_K)


def test_every_row_says_where_it_is_from(probes, guests):
    for path in probes + guests:
        with path.open(newline="") as stream:
            assert all(len(row["source"]) > 20 for row in csv.DictReader(stream))


def quadrupole_DA(sites):
    """Q_zz of a linear molecule along z, debye angstrom."""
    return E_A2_IN_DEBYE_A * sum(site["charge_e"] * site["z_A"] ** 2 for site in sites)


@pytest.mark.parametrize(
    ("name", "n_sites", "length_A", "measured_DA"),
    # Quadrupole moments measured in the gas: CO2 -4.3, N2 -1.4 to -1.5, H2 +0.65 D A.
    [("CO2", 3, 2.32, -4.3), ("N2", 3, 1.10, -1.45), ("H2-DL", 3, 0.741, 0.65)],
)
def test_linear_guests_have_their_length_and_quadrupole(guests, name, n_sites, length_A, measured_DA):
    sites = find_guest(name, guests)
    places = np.array([[site["x_A"], site["y_A"], site["z_A"]] for site in sites])
    assert len(sites) == n_sites and np.ptp(places[:, 2]) == pytest.approx(length_A)
    np.testing.assert_allclose(places.sum(axis=0), 0, atol=1e-12)  # turned about the centre of mass
    assert sum(site["charge_e"] for site in sites) == pytest.approx(0, abs=1e-12)
    assert quadrupole_DA(sites) == pytest.approx(measured_DA, rel=0.1)


def test_guests_of_one_site_are_the_probes_of_the_same_name(guests, probes):
    for name in ("CH4", "H2", "Kr", "Xe"):
        (site,) = find_guest(name, guests)
        assert (site["sigma_A"], site["epsilon_K"]) == find_probe(name, probes) and site["charge_e"] == 0
    carbon, oxygen, _ = find_guest("CO2", guests)
    for site, name in ((carbon, "C-CO2"), (oxygen, "O-CO2")):
        assert (site["sigma_A"], site["epsilon_K"]) == find_probe(name, probes)


def test_the_library_takes_every_guest(root, guests):
    from porevox.energy.guest import guest_sites

    with guests[0].open(newline="") as stream:
        names = {row["guest"] for row in csv.DictReader(stream)}
    assert {"CO2", "N2", "CH4", "Xe", "Kr", "H2"} <= names
    for name in names:
        assert len(guest_sites(find_guest(name, guests))) >= 1


def test_later_tables_win_and_edits_are_seen(tmp_path, probes):
    own = tmp_path / "probes.csv"
    own.write_text(HEADER + "CH4,3.8,150,mine\n")
    assert find_probe("CH4", [*probes, own]) == (3.8, 150.0)
    assert find_probe("CH4", [own, *probes]) == (3.73, 148.0)
    own.write_text(HEADER + "CH4,3.9,151,mine\n")
    os.utime(own, ns=(1, 1))
    assert find_probe("CH4", [*probes, own]) == (3.9, 151.0)


def test_what_is_found_is_not_shared(guests):
    find_guest("CO2", guests)[0]["charge_e"] = 99.0
    assert find_guest("CO2", guests)[0]["charge_e"] == 0.70


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column name"),
        ("name,sigma_A\nx,1\n", "no column epsilon_K"),
        (HEADER + "x,wide,1,\n", "line 2: sigma_A is 'wide'"),
        (HEADER + "x,nan,1,\n", "line 2: sigma_A is 'nan'"),
        (HEADER + "x,1\n", "line 2: epsilon_K is None"),
        (HEADER + "x,-1,1,\n", "must be positive"),
        (HEADER + "x,1,1,\nx,1,2,\n", "line 3: the probe x is listed twice"),
    ],
)
def test_broken_tables_of_probes(tmp_path, text, words):
    path = tmp_path / "probes.csv"
    path.write_text(text)
    with pytest.raises(PorevoxError, match=words) as caught:
        find_probe("x", [path])
    assert "probes.csv" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("x,0,0,far,3,50,0", "z_A is 'far'"),
        ("x,0,0,0,-3,50,0", "both 0 for a mere charge"),
        ("x,0,0,0,0,50,1", "both 0 for a mere charge"),
        ("x,0,0,0,3,50,inf", "charge_e is 'inf'"),
    ],
)
def test_broken_tables_of_guests(tmp_path, row, words):
    path = tmp_path / "guests.csv"
    path.write_text(GUEST_HEADER + row + "\n")
    with pytest.raises(PorevoxError, match=f"guests.csv, line 2: .*{words}"):
        find_guest("x", [path])


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(PorevoxError, match="gone.csv cannot be read"):
        find_probe("x", [tmp_path / "gone.csv"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sigma_A,epsilon_K,name\n1,2\n", "line 2: no value in column name"),
        ("name,sigma_A,epsilon_K\n ,1,2\n", "line 2: no value in column name"),
        ("name,sigma_A,epsilon_K\nX,1,2,3\n", "line 2: the row has more values"),
    ],
)
def test_a_row_of_probes_that_is_too_short_or_too_long_is_refused(tmp_path, text, message):
    table = tmp_path / "probes.csv"
    table.write_text(text)
    with pytest.raises(PorevoxError, match=message):
        find_probe("X", [table])


HEAD = "guest,x_A,y_A,z_A,sigma_A,epsilon_K,charge_e\n"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("CO2,0,0,0,2.8,27,0.7\nCO2,0,0,1.16,3.05,79,-0.35\n", "charges of CO2 add up to 0.35 e"),
        ("X,0,0,0,2.8,27,0\nX,0,0,0,2.8,27,0\n", "line 3: the site of X is listed twice"),
        (",0,0,0,2.8,27,0\n", "line 2: no value in column guest"),
    ],
)
def test_a_guest_that_is_charged_or_has_a_site_twice_is_refused(tmp_path, rows, message):
    table = tmp_path / "guests.csv"
    table.write_text(HEAD + rows)
    with pytest.raises(PorevoxError, match=message):
        find_guest("CO2", [table])
