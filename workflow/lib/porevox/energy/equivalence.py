"""Which points of a grid are equivalent by the symmetry of the crystal.

Four of five published frameworks are symmetric about the origin of their cell, most of them by
inversion, even where the CIF lists every atom in P 1. Energies at equivalent points are equal,
so only one of them is summed. What the CIF says of symmetry is not asked: an operation counts if
it maps every atom onto an equal one to within :data:`TOLERANCE_A`.

Only operations that map the grid onto itself are of use: permutations of the axes with signs,
followed by a translation by whole grid steps.
"""

import itertools
import math

import numpy as np

from porevox.compiled import jit
from porevox.energy.grid import DistinctPoints

#: Largest distance, angstrom, between an atom and the image of another that is "the same place".
#: A pair energy at 1 A then changes by less than 2e-10 of itself.
TOLERANCE_A = 1e-11
_METRIC_TOLERANCE = 1e-13
#: More operations than the largest point group has are not worth looking for.
_MAX_OPERATIONS = 64
#: Projection on which atoms are sorted; irrational enough for no two sites to share it.
_KEY = np.array([0.5403023, 0.7071068, 0.9238795])


def _signed_permutations() -> np.ndarray:
    matrices = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            matrices.append(matrix)
    return np.array(matrices)


_MATRICES = _signed_permutations()
#: Numbers of those that any lattice has.
_IDENTITY = np.flatnonzero((_MATRICES == np.eye(3)).all(axis=(1, 2)))
_INVERSION = np.flatnonzero((_MATRICES == -np.eye(3)).all(axis=(1, 2)))
_KEEPING = {"translations": _IDENTITY, "inversions": np.concatenate([_IDENTITY, _INVERSION])}


def representatives(
    frac: np.ndarray,
    coefficients: np.ndarray,
    lattice_A: np.ndarray,
    points: DistinctPoints,
    operations: str = "all",
) -> np.ndarray | None:
    """For each point the first of all points that are equivalent to it.

    Parameters
    ----------
    frac : (N, 3) float64
        Fractional coordinates of the atoms.
    coefficients : (2, N) float64
        Atoms with equal ones are interchangeable: their energies with the probe are the same.
    lattice_A : (3, 3) float64
        Rows a, b, c, angstrom.
    points : DistinctPoints
    operations : {"all", "inversions", "translations"}
        Which to look for. Inversions keep every axis through a point, translations even every
        direction; both come with translations by whole grid steps.

    Returns
    -------
    (counts) int64 or None
        Flat index of the representative, which represents itself; None if the crystal has no
        symmetry that maps the grid onto itself.
    """
    matrices = _KEEPING[operations] if operations in _KEEPING else _metric_preserving(lattice_A)
    if len(frac) == 0 or len(matrices) == 0:
        return None
    counts = np.array(points.counts if points.periodic else (1, 1, 1), dtype=np.int64)
    lengths_A = np.sqrt((lattice_A * lattice_A).sum(axis=1))
    found = _operations(frac, coefficients, lengths_A, matrices, counts)
    tables = _periodic_tables(found, counts) if points.periodic else _box_tables(found, lattice_A, points)
    if len(tables) == 0:
        return None
    result = np.empty(points.counts, dtype=np.int64)
    _represent(np.asarray(tables), result)
    return result


def represents(result: np.ndarray) -> np.ndarray:
    """Points that represent themselves.

    Parameters
    ----------
    result : (counts) int64
        See :func:`representatives`.

    Returns
    -------
    (counts) bool
    """
    return result == np.arange(result.size).reshape(result.shape)


@jit()
def _metric_preserving(lattice_A):
    """Signed permutations of the axes that keep all lengths and angles: their numbers."""
    metric = np.zeros((3, 3))
    largest = 0.0
    for i in range(3):
        for j in range(3):
            for x in range(3):
                metric[i, j] += lattice_A[i, x] * lattice_A[j, x]
            largest = max(largest, abs(metric[i, j]))
    kept = np.empty(len(_MATRICES), dtype=np.int64)
    n = 0
    for number in range(len(_MATRICES)):
        matrix = _MATRICES[number]
        keeps = True
        for i in range(3):
            for j in range(3):
                moved = 0.0
                for k in range(3):
                    for m in range(3):
                        moved += matrix[k, i] * metric[k, m] * matrix[m, j]
                keeps &= abs(moved - metric[i, j]) <= _METRIC_TOLERANCE * largest
        kept[n] = number
        n += keeps
    return kept[:n]


@jit()
def _operations(frac, coefficients, lengths_A, matrices, counts):
    """Operations (matrix and grid steps) that map the crystal onto itself: (K, 3, 4)."""
    n_atoms = len(frac)
    tolerance = np.empty(3)
    for axis in range(3):
        tolerance[axis] = TOLERANCE_A / lengths_A[axis]
    unsorted = np.zeros(n_atoms)
    for atom in range(n_atoms):
        for axis in range(3):
            unsorted[atom] += _wrapped(frac[atom, axis], tolerance[axis]) * _KEY[axis]
    order = np.argsort(unsorted)
    places, key = np.empty((n_atoms, 3)), np.empty(n_atoms)
    for atom in range(n_atoms):
        key[atom] = unsorted[order[atom]]
        for axis in range(3):
            places[atom, axis] = _wrapped(frac[order[atom], axis], tolerance[axis])
    kinds, rarest = _numbered(coefficients, order)
    found = np.empty((_MAX_OPERATIONS, 3, 4))
    n = _find(places, kinds, key, rarest, matrices, counts, tolerance, found)
    return found[:n]


@jit()
def _wrapped(p, tolerance):
    """A fractional coordinate in [0, 1); what is almost 1 is 0."""
    p -= math.floor(p)
    return 0.0 if p > 1.0 - tolerance else p


@jit()
def _numbered(coefficients, order):
    """Number the kinds of the atoms in the order in which they are met; also the rarest kind."""
    n_atoms = len(order)
    kinds, first = np.empty(n_atoms, dtype=np.int64), np.empty(n_atoms, dtype=np.int64)
    sizes = np.zeros(n_atoms, dtype=np.int64)
    known, rarest = 0, 0
    for atom in range(n_atoms):
        a, b = coefficients[0, order[atom]], coefficients[1, order[atom]]
        kind = 0
        while kind < known and (a != coefficients[0, first[kind]] or b != coefficients[1, first[kind]]):
            kind += 1
        if kind == known:
            first[known] = order[atom]
            known += 1
        kinds[atom] = kind
        sizes[kind] += 1
    for kind in range(known):
        if sizes[kind] < sizes[rarest]:
            rarest = kind
    return kinds, rarest


@jit()
def _find(places, kinds, key, rarest, matrices, counts, tolerance, found):
    n, pivot = 0, 0
    while kinds[pivot] != rarest:
        pivot += 1
    steps, shift, moved = np.empty(3), np.empty(3), np.empty(3)
    for number in matrices:
        matrix = _MATRICES[number]
        same_counts = True
        for axis in range(3):
            moved[axis] = 0.0
            for other in range(3):
                moved[axis] += matrix[axis, other] * places[pivot, other]
                same_counts &= matrix[axis, other] == 0.0 or counts[axis] == counts[other]
        if not same_counts:
            continue
        for atom in range(pivot, len(places)):
            if kinds[atom] != rarest or n == found.shape[0]:
                continue
            on_grid, trivial = True, True
            for axis in range(3):
                wanted = (places[atom, axis] - moved[axis]) * counts[axis]
                steps[axis] = round(wanted)
                on_grid &= abs(wanted - steps[axis]) <= tolerance[axis] * counts[axis]
                steps[axis] = steps[axis] % counts[axis]
                shift[axis] = steps[axis] / counts[axis]
                trivial &= steps[axis] == 0.0 and matrix[axis, axis] == 1.0
            if on_grid and not trivial and _maps(places, kinds, key, matrix, shift, tolerance):
                for axis in range(3):
                    for other in range(3):
                        found[n, axis, other] = matrix[axis, other]
                    found[n, axis, 3] = steps[axis]
                n += 1
    return n


@jit()
def _maps(places, kinds, key, matrix, shift, tolerance):
    """Whether an operation maps every atom onto one of its kind."""
    image = np.empty(3)
    room = tolerance[0] + tolerance[1] + tolerance[2]
    for atom in range(len(places)):
        wanted = 0.0
        for axis in range(3):
            p = shift[axis]
            for other in range(3):
                p += matrix[axis, other] * places[atom, other]
            image[axis] = _wrapped(p, tolerance[axis])
            wanted += image[axis] * _KEY[axis]
        hit = False
        at, end = 0, len(key)
        while at < end:
            middle = (at + end) // 2
            if key[middle] < wanted - room:
                at = middle + 1
            else:
                end = middle
        while at < len(key) and key[at] <= wanted + room and not hit:
            hit = kinds[at] == kinds[atom]
            for axis in range(3):
                hit &= abs(places[at, axis] - image[axis]) <= tolerance[axis]
            at += 1
        if not hit:
            return False
    return True


@jit()
def _periodic_tables(found, counts):
    """What each index along each axis adds to the flat index of the image, (K, 3, longest)."""
    strides = (counts[1] * counts[2], counts[2], 1)
    tables = np.zeros((len(found), 3, counts.max()), dtype=np.int64)
    for number in range(len(found)):
        for target in range(3):
            for source in range(3):
                sign = np.int64(found[number, target, source])
                if sign != 0:
                    for k in range(counts[source]):
                        index = (sign * k + np.int64(found[number, target, 3])) % counts[target]
                        tables[number, source, k] = index * strides[target]
    return tables


def _box_tables(found, lattice_A, points):
    """The same for a Cartesian box, whose points need not all have an image in it."""
    n, step = points.counts[0], points.steps_A[0, 0]
    centre = round(-2.0 * points.origin_A[0] / step)
    tables = []
    for operation in found:
        # positions are rows: x = f L, f' = W f, hence x' = x L^-1 W^T L
        cartesian = np.linalg.solve(lattice_A, operation[:, :3].T @ lattice_A).T
        rounded = np.rint(cartesian)
        if np.abs(cartesian - rounded).max() > _METRIC_TOLERANCE:
            continue
        table = np.empty((3, n), dtype=np.int64)
        for target, stride in enumerate((n * n, n, 1)):
            source = np.flatnonzero(rounded[target])[0]
            index = np.arange(n) if rounded[target, source] > 0 else centre - np.arange(n)
            # beyond the box: an image that is never the first
            table[source] = np.where((index >= 0) & (index < n), index * stride, n**3)
        tables.append(table)
    return tables


@jit()
def _represent(tables, result):
    n_a, n_b, n_c = result.shape
    flat = result.reshape(-1)
    for i in range(n_a):
        for j in range(n_b):
            own = (i * n_b + j) * n_c
            line = result[i, j]
            for k in range(n_c):
                line[k] = own + k
            for table in tables:
                start = table[0, i] + table[1, j]
                for k in range(n_c):
                    line[k] = min(line[k], start + table[2, k])
            for k in range(n_c):
                # The first image's own first one: only representatives represent others.
                if line[k] < own + k:
                    line[k] = flat[line[k]]


@jit()
def spread(result, values):
    """Copy the value of each representative to the points it stands for, in place.

    Parameters
    ----------
    result : (n_a, n_b, n_c) int64
        See :func:`representatives`.
    values : (n_a, n_b, n_c) float64
    """
    flat = values.reshape(-1)
    first = result.reshape(-1)
    for point in range(len(flat)):
        flat[point] = flat[first[point]]
