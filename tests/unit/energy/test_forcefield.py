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
    assert set(uff.sigma_A) == periodic_table


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


@pytest.fixture(scope="module")
def dreiding_path(root):
    return root / "resources" / "forcefields" / "dreiding.csv"


# Mayo, Olafson, Goddard, J. Phys. Chem. 94, 8897 (1990), Table II: R0 (A) and D0 (kcal/mol).
DREIDING = """
    H 3.195 0.0152  B 4.02 0.095  C 3.8983 0.0951  N 3.6621 0.0774  O 3.4046 0.0957  F 3.4720 0.0725
    Al 4.39 0.31  Si 4.27 0.31  P 4.15 0.32  S 4.03 0.344  Cl 3.9503 0.2833
    Ga 4.39 0.40  Ge 4.27 0.40  As 4.15 0.41  Se 4.03 0.43  Br 3.95 0.37
    In 4.59 0.55  Sn 4.47 0.55  Sb 4.35 0.55  Te 4.23 0.57  I 4.15 0.51
    Na 3.144 0.5  Ca 3.472 0.05  Fe 4.54 0.055  Zn 4.54 0.055
"""


def test_dreiding_is_the_paper_s_table(dreiding_path):
    words = DREIDING.split()
    paper = dict(
        zip(words[::3], zip(map(float, words[1::3]), map(float, words[2::3]), strict=True), strict=True)
    )
    dreiding = load_forcefield(dreiding_path)
    assert set(dreiding.sigma_A) == set(paper) and not dreiding.label_rows
    for element, (R0_A, D0_kcal_mol) in paper.items():
        sigma_A, epsilon_K = dreiding.sigma_A[element], dreiding.epsilon_K[element]
        # the potential's minimum lies at R0 and is D0 deep
        at_R0_K = 4 * epsilon_K * ((sigma_A / R0_A) ** 12 - (sigma_A / R0_A) ** 6)
        assert at_R0_K / 503.2195 == pytest.approx(-D0_kcal_mol, rel=2e-6), element
        assert 2 ** (1 / 6) * sigma_A == pytest.approx(R0_A, abs=1e-6), element


LABELLED = "element,label,sigma_A,epsilon_K\nO,,3.1,30\nO,O_w*,3.2,78\nO,O_w1,9,9\nZn,,2.4,62\nZn,Zn1,2.0,1\n"


@pytest.fixture
def labelled(tmp_path):
    (tmp_path / "labelled.csv").write_text(LABELLED + "C,,3.4,50\n")
    return load_forcefield(tmp_path / "labelled.csv")


def test_rows_with_a_label_win_over_the_element_s(labelled):
    elements = ("O", "O", "Zn", "Zn", "C", "O")
    labels = ("O1", "O_w1", "Zn1", "Zn11", "O_w1", "o_w")
    sigma_A, epsilon_K = mix(labelled, elements, 3.0, 1.0, labels=labels)
    # the first row that matches; capitals count; the label of another element's row is no match
    assert (2 * sigma_A - 3.0).tolist() == pytest.approx([3.1, 3.2, 2.0, 2.4, 3.4, 3.1])
    assert (epsilon_K**2).tolist() == pytest.approx([30, 78, 1, 62, 50, 30])


def test_without_labels_the_elements_rows_count(labelled):
    sigma_A, _ = mix(labelled, ("O", "Zn"), 3.0, 1.0)
    assert (2 * sigma_A - 3.0).tolist() == pytest.approx([3.1, 2.4])


def test_labels_change_nothing_where_the_table_has_none(uff):
    elements = ("C", "Zn", "O", "C") * 20
    with_labels = mix(uff, elements, 2.5, 50.0, labels=[f"X{i}" for i in range(80)])
    for one, other in zip(with_labels, mix(uff, elements, 2.5, 50.0), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_element_known_by_label_only_is_unknown_elsewhere(tmp_path):
    (tmp_path / "f.csv").write_text("element,label,sigma_A,epsilon_K\nC,,3,50\nCu,Cu1,3,5\n")
    forcefield = load_forcefield(tmp_path / "f.csv")
    assert mix(forcefield, ("C", "Cu"), 1.0, 1.0, labels=("C1", "Cu1"))[0].tolist() == [2.0, 2.0]
    with pytest.raises(StructureRejected, match="no parameters for Cu$"):
        mix(forcefield, ("C", "Cu"), 1.0, 1.0, labels=("C1", "Cu2"))


def test_the_digest_covers_rows_with_labels_and_their_order(tmp_path, labelled):
    header, *rows = LABELLED.splitlines()
    variants = {
        "other value": [*rows[:-1], "Zn,Zn1,2.0,2"],
        "other label": [*rows[:-1], "Zn,Zn2,2.0,1"],
        "other order": [rows[0], rows[2], rows[1], *rows[3:]],
        "other order of elements": [rows[3], *rows[:3], rows[4]],
    }
    digests = {}
    for name, lines in {"same": rows, **variants}.items():
        (tmp_path / "f.csv").write_text("\n".join([header, "C,,3.4,50", *lines]) + "\n")
        digests[name] = load_forcefield(tmp_path / "f.csv").digest
    assert digests["same"] == labelled.digest == digests["other order of elements"]
    assert len(set(digests.values())) == 4


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
        "element,label,sigma_A,epsilon_K\nC,C1,3.4,50\n",
        "element,label,sigma_A,epsilon_K\nC,,3,5\nC,C1,3.4,50\nC,C1,3.5,50\n",
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
