"""Reading CIFs end to end: any bytes in, a structure or a reason out."""

import csv
import tarfile
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from porevox.crystal.cif import ReadingPolicy, Structure, read_cif
from porevox.errors import REASONS, PorevoxError, StructureRejected

VERDICTS = Path(__file__).parents[2] / "data" / "awkward_verdicts.csv"
KEEP_ALL = ReadingPolicy(partial_occupancy="full", overlapping_atoms="keep")
HEADER = """data_synthetic
_cell_length_a 12.0
_cell_length_b 11.0
_cell_length_c 10.0
_cell_angle_alpha 85
_cell_angle_beta 95(1)
_cell_angle_gamma 100
_symmetry_space_group_name_H-M 'P -1'
"""
LOOP = """loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
"""
ROWS = """Zn1 Zn2+ 0.1 0.2 0.3 1.0
O1 O2- 0.25(1) -0.2 0.3 1
D1 D 0.4 0.45 1.35 1
"""
PLAIN = HEADER + LOOP + ROWS
BROKEN = PLAIN.replace("_cell_length_a", "_audit_method program 2.2\n_cell_length_a")


def code_of(content, policy=None):
    with pytest.raises(StructureRejected) as caught:
        read_cif(content, "x", policy)
    assert "\n" not in caught.value.detail
    assert "/" not in caught.value.detail.replace("A/", "")
    return caught.value.code


def test_plain_file():
    structure = read_cif(PLAIN.encode(), "plain", ReadingPolicy())
    assert isinstance(structure, Structure)
    assert (structure.id, structure.reader) == ("plain", "gemmi")
    assert structure.elements == ("Zn", "Zn", "O", "O", "H", "H")
    expected = [[0.1, 0.2, 0.3], [0.9, 0.8, 0.7], [0.25, 0.8, 0.3], [0.75, 0.2, 0.7]]
    np.testing.assert_allclose(structure.frac[:4], expected, atol=1e-12)
    assert structure.frac.dtype == structure.lattice_A.dtype == np.float64


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace(" ", "\t").replace("'P\t-1'", "'P -1'").encode(),
        PLAIN.encode("utf-16"),
        ("# M. O\u2019Keeffe\n" + PLAIN).encode(),
        ("# M\u00fcller\n_publ_author 'M\u00fcller'\n" + PLAIN).encode("latin-1"),
        b"\n\n# comment\n" + PLAIN.encode(),
    ],
)
def test_encodings_and_line_ends(content):
    structure = read_cif(content, "x", ReadingPolicy())
    np.testing.assert_array_equal(structure.frac, read_cif(PLAIN.encode(), "x", ReadingPolicy()).frac)


@pytest.mark.parametrize(
    "text",
    [
        BROKEN,
        PLAIN.replace("data_synthetic\n", ""),
        PLAIN + "_end\nloop_\n_citation_a\n_citation_b\none two three\n",
        PLAIN.replace("'P -1'", "'P -1',"),
    ],
)
def test_irrelevant_faults_do_not_cost_the_structure(text):
    structure = read_cif(text.encode(), "x", ReadingPolicy())
    assert structure.reader == "gemmi-repaired"
    reference = read_cif(PLAIN.encode(), "x", ReadingPolicy())
    np.testing.assert_array_equal(structure.frac, reference.frac)
    np.testing.assert_array_equal(structure.lattice_A, reference.lattice_A)
    assert structure.elements == reference.elements


def test_pymatgen_reads_what_the_others_cannot():
    # Halite whose file gives one axis and leaves the rest to the crystal system.
    text = "data_x\n_cell_length_a 5.6402\n"
    text += "_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
    text += "_symmetry_cell_setting cubic\n_symmetry_space_group_name_H-M 'F m -3 m'\n"
    structure = read_cif((text + LOOP + "Na1 Na+ 0 0 0 1\nCl1 Cl- 0.5 0.5 0.5 1\n").encode(), "x")
    assert structure.reader == "pymatgen"
    assert sorted(structure.elements) == ["Cl"] * 4 + ["Na"] * 4
    np.testing.assert_allclose(structure.lattice_A, 5.6402 * np.eye(3), atol=1e-9)


def test_translations_of_supercells_are_applied():
    shifts = "".join(f"'x,y,z+{i}/5'\n" for i in range(5))
    text = HEADER.replace("_symmetry_space_group_name_H-M 'P -1'\n", "")
    text += "loop_\n_symmetry_equiv_pos_as_xyz\n" + shifts + LOOP + "Zn1 Zn 0.1 0.2 0.1 1\n"
    structure = read_cif(text.encode(), "x", ReadingPolicy())
    np.testing.assert_allclose(sorted(structure.frac[:, 2]), [0.1, 0.3, 0.5, 0.7, 0.9], atol=1e-12)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable_cif"),
        (b"\x00\x01\x02\xff\xfe", "unreadable_cif"),
        (b"data_\n", "unreadable_cif"),
        (b"<html>404 Not Found</html>", "unreadable_cif"),
        (PLAIN.encode()[: len(HEADER)], "no_atoms"),
        (PLAIN.encode()[:-20], "unreadable_cif"),
        # pymatgen would take both for P 1 without a word.
        (PLAIN.replace("-1'", "-99'").encode(), "unreadable_cif"),
        (PLAIN.replace("loop_", "_symmetry_equiv_pos_as_xyz 'x,y,w'\nloop_").encode(), "unreadable_cif"),
        (PLAIN.replace("D1 D", "Q1 Q").encode(), "unknown_element"),
        (PLAIN.replace("12.0", "1.0").encode(), "absurd_cell"),
        (PLAIN.replace("gamma 100", "gamma 181").encode(), "absurd_cell"),
        (PLAIN.replace("1.35 1", "1.35 0.5").encode(), "partial_occupancy"),
        (PLAIN.replace("0.4 0.45 1.35", "0.11 0.2 0.3").encode(), "overlapping_atoms"),
    ],
)
def test_reasons(content, code):
    assert code_of(content) == code


def cell(a="12.0", b="11.0", c="10.0", alpha="85", beta="95", gamma="100"):
    tags = "length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"
    values = a, b, c, alpha, beta, gamma
    return "data_x\n" + "".join(f"_cell_{tag} {value}\n" for tag, value in zip(tags, values, strict=True))


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (cell(a="0"), "absurd_cell", "a cell of 0 x 11 x 10 A"),
        (cell(b="-11.0"), "absurd_cell", "-11 x 10 A with angles 85, 95, 100 does not exist"),
        (cell(alpha="0"), "absurd_cell", "angles 0, 95, 100 does not exist"),
        (cell(gamma="-100"), "absurd_cell", "does not exist"),
        (cell(gamma="360"), "absurd_cell", "does not exist"),
        (cell(alpha="60", beta="60", gamma="120"), "absurd_cell", "has no volume"),
        (cell(alpha="30", beta="40", gamma="150"), "absurd_cell", "has no volume"),
        (cell(c="1e5"), "absurd_cell", "longer than 1000 A"),
        (cell(c="0.7"), "absurd_cell", "shorter than 1.5 A"),
        (cell(a="nan"), "unreadable_cif", "_cell_length_a is 'nan', no number"),
        (cell(beta="inf"), "unreadable_cif", "_cell_angle_beta is 'inf', no number"),
        (cell(b="1e999"), "unreadable_cif", "_cell_length_b is '1e999', no number"),
    ],
)
def test_cells_that_cannot_be_are_refused_in_one_sentence(text, code, words):
    with pytest.raises(StructureRejected) as caught:
        read_cif((text + LOOP + ROWS).encode(), "x")
    assert caught.value.code == code
    assert words in caught.value.detail
    assert len(caught.value.detail) < 120


@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-inf", "1e999"])
@pytest.mark.parametrize("header", [HEADER, HEADER + "_audit_method program 2.2\n"])
def test_coordinates_that_are_no_numbers(value, header):
    with pytest.raises(StructureRejected) as caught:
        read_cif((header + LOOP + ROWS.replace("0.45", value)).encode(), "x")
    assert caught.value.code == "unreadable_cif"
    assert caught.value.detail == f"_atom_site_fract_y of the site 'D1' is {value!r}, no number"


def test_a_million_atoms_are_refused_within_seconds():
    content = (cell() + LOOP + "C1 C 0.25 0.5 0.75 1\n" * 1_000_000).encode()
    start = time.process_time()
    with pytest.raises(StructureRejected) as caught:
        read_cif(content, "x")
    assert time.process_time() - start < 15.0
    assert caught.value.code == "too_large"
    assert caught.value.detail == "1000000 atoms (sites times symmetry operations) are more than 200000"


@pytest.mark.parametrize(
    "content",
    [
        bytes(10_000_000),
        b"\xff\xfe" * 5_000_000,
        b"x" * 10_000_000,
        b"'" * 10_000_000,
        b"_cell_length_a _atom_site_fract_x " * 300_000,
        b"data_x loop_ " * 700_000,
        PLAIN.encode() + b"; " * 5_000_000,
        np.random.default_rng(1).bytes(10_000_000),
    ],
)
def test_ten_megabytes_of_rubbish_take_seconds(content):
    start = time.process_time()
    try:
        read_cif(content, "x", ReadingPolicy())
    except StructureRejected as rejection:
        assert rejection.code in REASONS
        assert len(rejection.detail) <= 300
    assert time.process_time() - start < 15.0


def test_fourteen_thousand_sites_take_no_minutes():
    n = 24
    grid = (np.stack(np.meshgrid(*[np.arange(n)] * 3), -1).reshape(-1, 3) + 0.3) / n
    cell = "".join(f"_cell_length_{x} 60\n" for x in "abc")
    rows = "".join(f"C{i} C {x:.5f} {y:.5f} {z:.5f} 1\n" for i, (x, y, z) in enumerate(grid))
    content = ("data_x\n" + cell + LOOP + rows).encode()
    start = time.process_time()
    structure = read_cif(content, "x", ReadingPolicy())
    # what looks at every pair of sites takes minutes; a second is common
    assert time.process_time() - start < 10.0
    assert structure.n_atoms == n**3 == 13_824


@pytest.mark.parametrize("overlap", ["reject", "merge"])
def test_all_atoms_in_one_place_take_no_time_either(overlap):
    cell = "".join(f"_cell_length_{x} 60\n" for x in "abc")
    content = ("data_x\n" + cell + LOOP + "C C 0.5 0.5 0.5 1\n" * 20_000).encode()
    policy = ReadingPolicy(overlapping_atoms=overlap, partial_occupancy="largest")
    start = time.process_time()
    if overlap == "reject":
        assert code_of(content, policy) == "overlapping_atoms"
    else:
        # One atom in 216,000 A^3 is beyond belief as well.
        assert code_of(content, policy) == "absurd_cell"
    assert time.process_time() - start < 5.0


def test_policies_reach_the_structure():
    mixed = PLAIN.replace("1.35 1", "1.35 0.4") + "O9 O 0.42 0.45 0.35 0.6\n"
    largest = read_cif(mixed.encode(), "x", ReadingPolicy(partial_occupancy="largest"))
    assert largest.elements.count("H") == 0
    full = read_cif(mixed.encode(), "x", KEEP_ALL)
    assert full.elements.count("H") == 2
    assert code_of(mixed.encode(), ReadingPolicy(partial_occupancy="full")) == "overlapping_atoms"
    merged = ReadingPolicy(partial_occupancy="full", overlapping_atoms="merge")
    assert read_cif(mixed.encode(), "x", merged).elements.count("O") == 2


@pytest.mark.parametrize(
    "settings_",
    [
        {"partial_occupancy": "ignore"},
        {"overlapping_atoms": "largest"},
        {"overlap_distance_A": -0.1},
        {"overlap_distance_A": float("nan")},
        {"overlap_distance_A": 30.0},
    ],
)
def test_a_policy_that_does_not_exist(settings_):
    with pytest.raises(PorevoxError):
        ReadingPolicy(**settings_)


def outcome(content):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            structure = read_cif(content, "x", ReadingPolicy())
        except StructureRejected as rejection:
            assert rejection.code in REASONS
            return rejection.code
    assert len(structure.elements) == len(structure.frac) > 0
    assert (structure.frac >= 0.0).all()
    assert (structure.frac < 1.0).all()
    return "read"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_never_crash(content):
    assert outcome(content) != "read"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutations_of_a_valid_file_never_crash(data):
    content = bytearray(data.draw(st.sampled_from([PLAIN, BROKEN])).encode())
    pieces = st.one_of(
        st.binary(max_size=4),
        st.sampled_from([b"'", b"\n;", b"loop_\n", b"nan", b"1e999", b"?", b"data_", b"\x00"]),
    )
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 20))] = data.draw(pieces)
    outcome(bytes(content))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-50.0, 50.0), min_size=3, max_size=3))
def test_coordinates_of_any_cell_are_wrapped(position):
    row = "Zn1 Zn " + " ".join(repr(x) for x in position) + " 1\n"
    content = HEADER.replace("P -1", "P 1") + LOOP + row
    (frac,) = read_cif(content.encode(), "x", ReadingPolicy()).frac
    assert ((frac >= 0.0) & (frac < 1.0)).all()
    moved = np.array(position) - frac
    np.testing.assert_allclose(moved, np.rint(moved), atol=1e-12)


# Real files


def members(shared_data, name):
    with tarfile.open(shared_data / name / "cifs.tar.gz") as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".cif"):
                yield member.name, archive.extractfile(member).read()


def verdict(content):
    try:
        return "read", read_cif(content, "x", ReadingPolicy()).n_atoms
    except StructureRejected as rejection:
        return rejection.code, None


def test_awkward_files_get_the_verdicts_made_by_eye(shared_data):
    with VERDICTS.open(newline="") as stream:
        expected = {row["file"]: row for row in csv.DictReader(stream)}
    found = {name: verdict(content) for name, content in members(shared_data, "awkward-cifs")}
    assert set(found) == set(expected)
    assert len(found) == 110
    wrong = {
        name: (found[name], row["expected"], row["n_atoms"])
        for name, row in expected.items()
        if found[name][0] != row["expected"]
        or (row["expected"] == "read" and str(found[name][1]) != row["n_atoms"])
    }
    assert wrong == {}


def test_listed_sites_of_rejected_awkward_files(shared_data):
    with VERDICTS.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream)]
    expected = {
        row["file"]: int(row["n_atoms"])
        for row in rows
        if row["expected"] in ("partial_occupancy", "overlapping_atoms")
    }
    found = {
        name: read_cif(content, "x", KEEP_ALL).n_atoms
        for name, content in members(shared_data, "awkward-cifs")
        if name in expected
    }
    assert found == expected


def test_merging_mof177_gives_the_published_cell(shared_data):
    # Zn4O(C27H15O6)2, eight formula units.
    contents = dict(members(shared_data, "awkward-cifs"))
    policy = ReadingPolicy(overlapping_atoms="merge")
    merged = read_cif(contents["raspa2-mofs/MOF-177.cif"], "MOF-177", policy)
    counts = {e: merged.elements.count(e) for e in ("Zn", "O", "C", "H")}
    assert counts == {"Zn": 32, "O": 104, "C": 432, "H": 240}


def by_pymatgen(content):
    from pymatgen.io.cif import CifParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # frac_tolerance=0: no rounding of coordinates near simple fractions.
        parser = CifParser.from_str(content.decode(), frac_tolerance=0.0, occupancy_tolerance=10)
        return parser.parse_structures(primitive=False)[0]


def assert_same_atoms(ours, theirs, name):
    np.testing.assert_allclose(ours.lattice_A, theirs.lattice.matrix, atol=1e-8, err_msg=name)
    assert len(theirs) == ours.n_atoms, name
    for element in set(ours.elements):
        mine = ours.frac[[e == element for e in ours.elements]]
        sites = [site for site in theirs if site.specie.symbol in (element, {"H": "D"}.get(element))]
        assert len(sites) == len(mine), (name, element)
        other = np.array([site.frac_coords for site in sites]) % 1.0
        images = other[:, None] + np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), -1).reshape(-1, 3)
        tree = cKDTree((images @ ours.lattice_A).reshape(-1, 3))
        distance_A, index = tree.query(mine @ ours.lattice_A)
        assert distance_A.max() < 1e-4, (name, element)
        assert len(set((index // 27).tolist())) == len(mine), (name, element)


@pytest.mark.parametrize(("name", "every"), [("core-mof-2019", 67), ("curated-cofs", 10)])
def test_real_structures_agree_with_pymatgen(shared_data, name, every):
    chosen = list(members(shared_data, name))[::every][:30]
    assert len(chosen) == 30
    for member, content in chosen:
        # pymatgen is asked about small files only: it takes up to 0.4 s for the others.
        if len(content) < 40_000:
            assert_same_atoms(read_cif(content, "x", KEEP_ALL), by_pymatgen(content), member)


def test_all_ottawa_files_are_read_although_none_is_valid(shared_data):
    for i, (member, content) in enumerate(members(shared_data, "uo-mofs")):
        structure = read_cif(content, "x", ReadingPolicy())
        assert structure.reader == "gemmi-repaired"
        assert structure.n_atoms == sum(len(line.split()) == 7 for line in content.splitlines())
        if i % 6 == 0:
            assert_same_atoms(structure, by_pymatgen(content), member)
    assert i == 59
