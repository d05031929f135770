"""Real CIFs, damaged in many ways: a sane structure or a reason comes out, and no half structure where
the damage shows.

What does not show is not asked for: that whole rows are missing at the end of a list, or one in its
middle, can be known from nothing in the file (see :mod:`porevox.crystal.cif_torn`).
"""

import random
import re
import tarfile
import time
import warnings

import gemmi
import numpy as np
import pytest

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.errors import REASONS, StructureRejected

ALL_ATOMS = ReadingPolicy(partial_occupancy="full", overlapping_atoms="keep")
KNOWN = {gemmi.Element(number).name for number in range(1, 119)}
DECIMAL = re.compile(rb"-?\d*\.\d+(\(\d+\))?")
LARGEST = 30_000
#: Folders of real files and how many of each are used; the demo's where they are missing.
COLLECTIONS = {"awkward-cifs": 30, "core-mof-2019": 8, "curated-cofs": 4, "uo-mofs": 2}
NONSENSE = [
    b"nan", b"inf", b"-inf", b"1e300", b"1e999", b"-1e30", b"?", b".", b"'", b'"', b";", b"#", b"$", b"[",
    b"loop_", b"data_", b"save_", b"_", b"_cell_length_a", b"99999999999999999999", b"0.5(3)", b"1/3",
    b"\xff\xfe", b"\xc3\xa9", b"\xe2\x88\x92" + b"1", b"\x00", b"x" * 5000, b"0x10", b"1_0", b"--1", b"\n;\n",
]  # fmt: skip


@pytest.fixture(scope="module")
def originals(root):
    """Contents of small real files, by name."""
    shared = root.parent / "shared" / "data"
    archives = {shared / name / "cifs.tar.gz": n for name, n in COLLECTIONS.items()}
    if not all(path.is_file() for path in archives):
        archives = {root / "resources" / "demo" / "cifs.tar.gz": 20}
    found = {}
    for path, n in archives.items():
        with tarfile.open(path) as archive:
            files = [m for m in archive if m.isfile() and m.name.endswith(".cif") and m.size < LARGEST]
            for member in files[:: max(1, len(files) // n)][:n]:
                found[member.name] = archive.extractfile(member).read()
    return found


def outcome(content):
    """Number of atoms or code, once it is certain that the result is sane."""
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            structure = read_cif(content, "x", ALL_ATOMS)
        except StructureRejected as rejection:
            assert rejection.code in REASONS
            assert 0 < len(rejection.detail) <= 300
            structure = None
            code = rejection.code
    # Two seconds for what takes milliseconds: pymatgen may have to be imported.
    assert time.process_time() - start < 10.0
    if structure is None:
        return code
    n = structure.n_atoms
    assert n == len(structure.elements) == len(structure.labels) > 0
    assert structure.frac.shape == (n, 3)
    assert ((structure.frac >= 0.0) & (structure.frac < 1.0)).all()
    assert np.isfinite(structure.lattice_A).all()
    assert np.linalg.det(structure.lattice_A) > 0.0
    assert set(structure.elements) <= KNOWN
    assert structure.charges_e is None or np.isfinite(structure.charges_e).all()
    return n


# Any damage


def flip(rng, content):
    damaged = bytearray(content)
    for _ in range(rng.choice([1, 3, 10, 50])):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def truncate(rng, content):
    return content[: rng.randrange(len(content))]


def by_lines(damage):
    def mutate(rng, content):
        lines = content.split(b"\n")
        damage(rng, lines)
        return b"\n".join(lines)

    return mutate


@by_lines
def delete_lines(rng, lines):
    for _ in range(rng.choice([1, 2, 5])):
        if lines:
            lines.pop(rng.randrange(len(lines)))


@by_lines
def copy_lines(rng, lines):
    start = rng.randrange(len(lines))
    place = rng.randrange(len(lines))
    lines[place:place] = lines[start : start + rng.choice([1, 1, 5, 60])]


@by_lines
def swap_lines(rng, lines):
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]


@by_lines
def lose_operations(rng, lines):
    stated = [i for i, line in enumerate(lines) if line.count(b",") == 2 and b"x" in line.lower()]
    for i in rng.sample(stated, rng.randint(0, len(stated))):
        lines[i] = b""


def by_words(damage):
    def mutate(rng, content):
        words = re.split(rb"(\s+)", content)
        places = [i for i in range(0, len(words), 2) if words[i]]
        for _ in range(rng.choice([1, 1, 3])):
            if places:
                damage(rng, words, rng.choice(places))
        return b"".join(words)

    return mutate


@by_words
def nonsense(rng, words, i):
    words[i] = rng.choice(NONSENSE)


@by_words
def delete_word(rng, words, i):
    words[i] = b""


@by_words
def swap_words(rng, words, i):
    j = min(len(words) - 1, i + 2)
    words[i], words[j] = words[j], words[i]


MUTATIONS = [
    flip, truncate, delete_lines, copy_lines, swap_lines, lose_operations, nonsense, delete_word, swap_words,
]  # fmt: skip


def try_mutants(originals, seed, n):
    rng = random.Random(seed)
    names = sorted(originals)
    kinds = set()
    for k in range(n):
        name = rng.choice(names)
        content = originals[name]
        for mutation in (chosen := rng.choices(MUTATIONS, k=rng.choice([1, 1, 1, 2, 3]))):
            content = mutation(rng, content or b" ")
        try:
            kinds.add(type(outcome(content)))
        except BaseException as error:
            error.add_note(f"mutant {k} of seed {seed}: {name}, {[m.__name__ for m in chosen]}")
            raise
    # Damage of both kinds: some can be read over, some cannot.
    assert kinds == {int, str}


def test_mutants_are_sane_structures_or_reasons(originals):
    try_mutants(originals, seed=1, n=400)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_thousands_of_mutants(originals, seed):
    try_mutants(originals, seed, n=2000)


# Damage that shows


def is_row(line):
    """Whether a line looks like a site: four words or more, three of them numbers with decimals."""
    words = line.split()
    return (
        len(words) > 3 and sum(re.fullmatch(rb"-?\d*\.\d+(\(\d+\))?", word) is not None for word in words) > 2
    )


@pytest.fixture(scope="module")
def plain(originals):
    """Lines of the files whose atom list has one row per line, the rows' numbers, and the atoms."""
    found = []
    for name, content in originals.items():
        lines = content.replace(b"\r", b"").split(b"\n")
        tag = next((i for i, line in enumerate(lines) if b"_atom_site_fract_z" in line.lower()), None)
        if tag is None or not isinstance(n := outcome(content), int):
            continue
        first = next(i for i in range(tag, len(lines)) if is_row(lines[i]))
        last = next(i for i in range(first, len(lines)) if not is_row(lines[i])) - 1
        if last - first > 2 and len({len(line.split()) for line in lines[first : last + 1]}) == 1:
            found.append((name, lines, range(first, last + 1), n))
    assert len(found) >= 10
    return found


def refused_or_unharmed(plain, damage, seed=0, times=3):
    """Every damaged file is refused, or read with as many atoms as before."""
    rng = random.Random(seed)
    refused = 0
    for name, lines, rows, n in plain:
        for _ in range(times):
            damaged = damage(rng, list(lines), rows)
            found = outcome(b"\n".join(damaged))
            refused += found != n
            assert found in ("unreadable_cif", "unknown_element", "absurd_cell", n), name
    assert refused > len(plain) // 4
    return refused


def test_cut_off_in_the_middle_of_a_row(plain):
    def damage(rng, lines, rows):
        k = rng.choice(rows)
        words = lines[k].split()
        return [*lines[:k], b" ".join(words[: rng.randint(1, len(words) - 1)])]

    assert refused_or_unharmed(plain, damage) == 3 * len(plain)


def test_a_value_is_missing(plain):
    def damage(rng, lines, rows):
        k = rng.choice(rows)
        words = lines[k].split()
        words.pop(rng.randrange(len(words)))
        lines[k] = b" ".join(words)
        return lines

    assert refused_or_unharmed(plain, damage) == 3 * len(plain)


def test_the_list_is_shifted_by_one_value(plain):
    def damage(rng, lines, rows):
        words = b" ".join(lines[rows[0] : rows[-1] + 1]).split()
        moved = [*words[1:], words[0]] if rng.random() < 0.5 else [words[-1], *words[:-1]]
        return [*lines[: rows[0]], b" ".join(moved), *lines[rows[-1] + 1 :]]

    assert refused_or_unharmed(plain, damage) == 3 * len(plain)


@pytest.mark.parametrize(
    "number", [b"nan", b"NaN", b"inf", b"-inf", b"1e999", b"1_0", b"0,5", b"\xe2\x88\x920.5"]
)
def test_a_coordinate_is_no_number(plain, number):
    def damage(rng, lines, rows):
        k = rng.choice(rows)
        words = lines[k].split()
        decimal = [i for i, word in enumerate(words) if DECIMAL.fullmatch(word)]
        # The second decimal is one of x, y and z, even where an occupancy comes first.
        words[decimal[1]] = number
        lines[k] = b" ".join(words)
        return lines

    assert refused_or_unharmed(plain, damage, times=1) == len(plain)


@pytest.mark.parametrize(
    "line", [b"loop_", b"loop_ loop_", b"_cell_volume 1000", b"data_next", b"_stray", b"stray words"]
)
def test_a_line_cuts_the_list_in_two(plain, line):
    def damage(rng, lines, rows):
        k = rng.choice(rows[1:])
        return [*lines[:k], line, *lines[k:]]

    refused_or_unharmed(plain, damage)


def test_the_list_is_there_twice_and_not_the_same(plain):
    def damage(rng, lines, rows):
        header = next(i for i in range(rows[0], -1, -1) if lines[i].strip().lower() == b"loop_")
        part = lines[header : rng.choice(rows[1:])]
        return [*lines[:header], *part, *lines[header:]]

    assert refused_or_unharmed(plain, damage) == 3 * len(plain)


def test_symmetry_operations_are_lost(plain):
    def is_operation(line):
        return line.count(b",") == 2 and b"x" in line.lower()

    chosen = [item for item in plain if sum(map(is_operation, item[1])) > 1]
    if not chosen:
        pytest.skip("none of the files at hand has more than one symmetry operation")

    def damage(rng, lines, rows):
        stated = [i for i, line in enumerate(lines) if is_operation(line)]
        lost = set(rng.sample(stated, rng.randint(1, len(stated) - 1)))
        return [line for i, line in enumerate(lines) if i not in lost]

    refused_or_unharmed(chosen, damage, times=10)


@pytest.mark.parametrize("length", [b"1e300", b"0", b"-10.0", b"99999", b"0.01"])
def test_a_cell_length_is_absurd(plain, length):
    for name, lines, _, _ in plain:
        damaged = [b"_cell_length_b " + length if b"_cell_length_b" in line else line for line in lines]
        assert outcome(b"\n".join(damaged)) == "absurd_cell", name
