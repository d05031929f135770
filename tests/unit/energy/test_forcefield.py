"""UFF as published, mixing by hand."""

import csv
import math

import gemmi
import numpy as np
import pytest

from porevox.energy.forcefield import load_forcefield, mix
from porevox.errors import PorevoxError, StructureRejected

HEADER = "element,x_A,D_kcal_mol,sigma_A,epsilon_K\n"


@pytest.fixture(scope="module")
def uff_path(root):
    return root / "resources" / "forcefields" / "uff.csv"


@pytest.fixture(scope="module")
def uff(uff_path):
    return load_forcefield(uff_path)


def test_every_row_follows_from_the_published_x_and_d(uff, uff_path):
    with uff_path.open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 103 == len(uff.sigma_A) == len(uff.epsilon_K)
    for row in rows:
        sigma_A = float(row["x_A"]) / 2 ** (1 / 6)
        epsilon_K = float(row["D_kcal_mol"]) * 503.2195
        assert uff.sigma_A[row["element"]] == pytest.approx(sigma_A, abs=6e-7)
        assert uff.epsilon_K[row["element"]] == pytest.approx(epsilon_K, abs=6e-5)


@pytest.mark.parametrize(
    ("element", "x_A", "D_kcal_mol"),
    # Rappe et al., J. Am. Chem. Soc. 114, 10024 (1992), Table 1.
    [("H", 2.886, 0.044), ("C", 3.851, 0.105), ("O", 3.500, 0.060), ("Zn", 2.763, 0.124)],
)
def test_values_of_the_paper(uff, element, x_A, D_kcal_mol):
    # The potential's minimum lies at x and is D deep.
    sigma_A, epsilon_K = uff.sigma_A[element], uff.epsilon_K[element]
    at_x_K = 4 * epsilon_K * ((sigma_A / x_A) ** 12 - (sigma_A / x_A) ** 6)
    assert at_x_K / 503.2195 == pytest.approx(-D_kcal_mol, rel=1e-5)


def test_first_103_elements_are_there(uff):
    periodic_table = {gemmi.Element(number).name for number in range(1, 104)}
    # The paper still calls lawrencium Lw.
    assert set(uff.sigma_A) == periodic_table - {"Lr"} | {"Lw"}


def test_lorentz_berthelot_by_hand(uff):
    sigma_A, epsilon_K = mix(uff, ["C", "Zn", "C"], 2.5, 50.0)
    assert sigma_A.dtype == epsilon_K.dtype == np.float64
    assert sigma_A[0] == sigma_A[2] == pytest.approx((3.430851 + 2.5) / 2, abs=1e-6)
    assert epsilon_K[0] == pytest.approx(math.sqrt(52.83805 * 50.0), rel=1e-6)
    assert sigma_A[1] == pytest.approx((2.461553 + 2.5) / 2, abs=1e-6)
    assert epsilon_K[1] == pytest.approx(math.sqrt(62.39922 * 50.0), rel=1e-6)


def test_an_element_mixed_with_itself_is_itself(uff):
    sigma_A, epsilon_K = mix(uff, ["Kr"], uff.sigma_A["Kr"], uff.epsilon_K["Kr"])
    assert sigma_A[0] == pytest.approx(uff.sigma_A["Kr"])
    assert epsilon_K[0] == pytest.approx(uff.epsilon_K["Kr"])


def test_unknown_elements_are_named(uff):
    with pytest.raises(StructureRejected) as caught:
        mix(uff, ["C", "Rf", "Db"], 2.5, 50.0)
    assert caught.value.code == "unknown_element"
    assert "Db, Rf" in caught.value.detail


def test_digest_follows_the_parameters_only(tmp_path):
    first, second, third = (tmp_path / f"{name}.csv" for name in "abc")
    first.write_text(HEADER + "C,1,1,3.4,50\nO,1,1,3.1,30\n")
    second.write_text("element,sigma_A,epsilon_K\nO,3.10,30.0\nC,3.4,50\n")
    third.write_text(HEADER + "C,1,1,3.4,50\nO,1,1,3.1,30.1\n")
    digests = [load_forcefield(path).digest for path in (first, second, third)]
    assert digests[0] == digests[1] != digests[2]
    assert load_forcefield(first).name == "a"


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEADER,
        "element,sigma_A\nC,3.4\n",
        HEADER + "C,1,1,,50\n",
        HEADER + "C,1,1,wide,50\n",
        HEADER + "C,1,1,-3.4,50\n",
        HEADER + "C,1,1,3.4,-50\n",
        HEADER + "C,1,1,nan,50\n",
        HEADER + "C,1,1,3.4,50\nC,1,1,3.4,50\n",
    ],
)
def test_broken_tables_name_the_file(tmp_path, text):
    path = tmp_path / "broken.csv"
    path.write_text(text)
    with pytest.raises(PorevoxError, match="broken.csv"):
        load_forcefield(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PorevoxError, match="nowhere.csv"):
        load_forcefield(tmp_path / "nowhere.csv")
