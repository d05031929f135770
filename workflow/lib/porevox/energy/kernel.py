"""Lennard-Jones sums on a lattice of points, compiled by numba.

The energy at a point is a sum over explicit images of the atoms, so no supercell is ever built:

1. list every image within the cutoff of the block of points
   (:func:`porevox.energy.image_list.list_images`);
2. cut the block into layers, columns, bricks and leaves, and for each gather the images within
   the cutoff of it from the list of the one before (:func:`sum_points`); a leaf is one plane of
   a brick: a few neighbouring lines of four or five points;
3. run along each line: for every image of the leaf, four or five points at once
   (:mod:`porevox.energy.line_kernel`). What the r^2 of that loop loses when a point sits almost on
   an atom is made good by summing that point again from the differences of coordinates.

Memory grows with the images and with the points, never with their product. Everything is float64.
What was tried and measured is told in docs/kernel.md.
"""

import math

import numpy as np

from porevox.compiled import jit
from porevox.energy import line_kernel
from porevox.energy.image_list import MARGIN, gather

#: An image at the cutoff counts (r <= rc); on a symmetric lattice many lie exactly there, and the
#: last bit of r^2 must not decide.
_RIM = 1.0 + 1e-12
#: Below this distance (angstrom) from an atom a point is summed again from the coordinates.
_CLOSE_A = 0.1


@jit(fastmath=True)
def _expand(leaf, m, corner, steps):
    """Turn coordinates into r^2 at a leaf's first point and how it grows along and across lines."""
    x, y, z = corner
    lx, ly, lz = 2.0 * steps[2, 0], 2.0 * steps[2, 1], 2.0 * steps[2, 2]
    cx, cy, cz = 2.0 * steps[1, 0], 2.0 * steps[1, 1], 2.0 * steps[1, 2]
    rows0, rows1, rows2 = leaf[0], leaf[1], leaf[2]
    for q in range(m):
        dx, dy, dz = x - rows0[q], y - rows1[q], z - rows2[q]
        rows0[q] = dx * dx + dy * dy + dz * dz
        rows1[q] = dx * lx + dy * ly + dz * lz
        rows2[q] = dx * cx + dy * cy + dz * cz


@jit()
def _bounds(origin, steps, first, last, low, high):
    """Cartesian box around the points first..last (inclusive) of the lattice of points."""
    for axis in range(3):
        low[axis] = high[axis] = origin[axis]
        for s in range(3):
            start, stop = first[s] * steps[s, axis], last[s] * steps[s, axis]
            low[axis] += min(start, stop)
            high[axis] += max(start, stop)


@jit()
def sum_points(images, m, origin, steps, brick, cutoff, shifted, needed, lists, out):
    """Lennard-Jones energy at the points of an affine lattice of points.

    Parameters
    ----------
    images : (5, M) or (6, M) float64
        x, y, z, A, B and perhaps shift of the images, of which the first `m` count; padded (:func:`pad`).
    m : int
        A multiple of :data:`porevox.energy.simd.LANES`.
    origin : (3,) float64
        Point (0, 0, 0), angstrom.
    steps : (3, 3) float64
        Rows: the step along each axis, angstrom.
    brick : (2,) int64
        Points along the first two edges of a brick; the third has four or five.
    cutoff : float
        Angstrom; an image at exactly this distance counts (r <= rc, equation 3.3).
    shifted : True or None
        Whether the images have a sixth row.
    needed : (n_a, n_b, pieces) bool
        Pieces of the lines along the third axis (see :func:`pieces_of`) that are wanted.
    lists : (5, 5, M) or (5, 6, M) float64
        Working memory, at least :data:`PADDING` places longer than `m`.
    out : (n_a, n_b, n_c) float64
        Written where `needed`: energies in K; +inf on top of an atom, never NaN.
    """
    reach2 = cutoff * cutoff * MARGIN
    limits = (cutoff * cutoff * _RIM, _doubtful(images, m), *_products(steps))
    sums = np.empty(10)
    layer, column, near, leaf = lists[0], lists[1], lists[2], lists[3]
    distance2 = lists[4, 0]
    low, high = np.empty(3), np.empty(3)
    first, last = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.int64)
    n_a, n_b, n_c = out.shape
    pieces = needed.shape[2]
    for a in range(0, n_a, brick[0]):
        end_a = min(a + brick[0], n_a)
        if not needed[a:end_a].any():
            continue
        first[0], first[1], first[2] = a, 0, 0
        last[0], last[1], last[2] = end_a - 1, n_b - 1, n_c - 1
        _bounds(origin, steps, first, last, low, high)
        in_layer = gather(images, m, low, high, reach2, distance2, layer)
        for b in range(0, n_b, brick[1]):
            end_b = min(b + brick[1], n_b)
            if not needed[a:end_a, b:end_b].any():
                continue
            first[0], first[1], first[2] = a, b, 0
            last[0], last[1], last[2] = end_a - 1, end_b - 1, n_c - 1
            _bounds(origin, steps, first, last, low, high)
            in_column = gather(layer, in_layer, low, high, reach2, distance2, column)
            for piece in range(pieces):
                if not needed[a:end_a, b:end_b, piece].any():
                    continue
                k, end_k = piece * n_c // pieces, (piece + 1) * n_c // pieces
                first[0], first[1], first[2] = a, b, k
                last[0], last[1], last[2] = end_a - 1, end_b - 1, end_k - 1
                _bounds(origin, steps, first, last, low, high)
                in_brick = gather(column, in_column, low, high, reach2, distance2, near)
                for i in range(a, end_a):
                    if needed[i, b:end_b, piece].any():
                        first[0] = last[0] = i
                        _bounds(origin, steps, first, last, low, high)
                        in_leaf = gather(near, in_brick, low, high, reach2, distance2, leaf)
                        both = (leaf, in_leaf, near, in_brick)
                        corner = _place(origin, steps, i, b, k)
                        part = out[i, b:end_b, k:end_k]
                        _sum_leaf(both, corner, steps, limits, shifted, needed[i, b:end_b, piece], sums, part)


@jit()
def pieces_of(points):
    """Pieces of lines, four or five points each, that hold a marked point.

    Parameters
    ----------
    points : (n_a, n_b, n_c) bool

    Returns
    -------
    (n_a, n_b, pieces) bool
        Piece p of a line holds points p n_c // pieces to (p + 1) n_c // pieces - 1.
    """
    n_a, n_b, n_c = points.shape
    pieces = (n_c + 4) // 5
    needed = np.zeros((n_a, n_b, pieces), dtype=np.bool_)
    for i in range(n_a):
        for j in range(n_b):
            for piece in range(pieces):
                for k in range(piece * n_c // pieces, (piece + 1) * n_c // pieces):
                    needed[i, j, piece] |= points[i, j, k]
    return needed


@jit()
def _sum_leaf(lists, corner, steps, limits, shifted, needed, sums, out):
    """Sum the lines of a leaf, two at a time where they have five points."""
    _expand(lists[0], lists[1], corner, steps)
    lines, width = out.shape
    t = 0
    while t < lines:
        stop = t + 1
        if needed[t]:
            if width == 5 and stop < lines and needed[stop]:
                stop += 1
            _run_along(lists, corner, steps, t, limits, shifted, sums, out[t:stop])
        t = stop


@jit()
def _run_along(lists, corner, steps, t, limits, shifted, sums, out):
    """Sum line t of a leaf, or lines t and t + 1; `corner` is the leaf's first point."""
    leaf, m, near, m_near = lists
    cutoff2, doubtful, cc, lc, ll = limits
    line = (t * t * cc, 2.0 * t * lc + ll, 2.0 * ll)
    lines, width = out.shape
    if lines == 2:
        u = t + 1
        other = (u * u * cc, 2.0 * u * lc + ll, 2.0 * ll)
        line_kernel.five_and_five(leaf, m, t, line, other, cutoff2, shifted, sums)
    elif width == 5:
        line_kernel.five(leaf, m, t, line, cutoff2, shifted, sums)
    else:
        line_kernel.four(leaf, m, t, line, cutoff2, shifted, sums)
    for number in range(lines):
        for p in range(width):
            total = sums[5 * number + p]
            if not total < doubtful:  # NaN, too: a neighbour of a point on top of an atom
                x, y, z = _place(corner, steps, 0, t + number, p)
                total = line_kernel.sum_exactly(near, m_near, x, y, z, cutoff2, shifted)
            out[number, p] = total


@jit(forceinline=True)
def _place(origin, steps, i, j, k):
    """Position of a point."""
    x = origin[0] + (i * steps[0, 0] + j * steps[1, 0] + k * steps[2, 0])
    y = origin[1] + (i * steps[0, 1] + j * steps[1, 1] + k * steps[2, 1])
    z = origin[2] + (i * steps[0, 2] + j * steps[1, 2] + k * steps[2, 2])
    return x, y, z


@jit()
def _products(steps):
    """Scalar products of the steps across and along the lines: cc, lc, ll."""
    b, c = steps[1], steps[2]
    cc = b[0] * b[0] + b[1] * b[1] + b[2] * b[2]
    lc = b[0] * c[0] + b[1] * c[1] + b[2] * c[2]
    return cc, lc, c[0] * c[0] + c[1] * c[1] + c[2] * c[2]


@jit()
def _doubtful(images, m):
    """Energy (K) above which a point may lie within _CLOSE_A of an atom, whatever its species."""
    smallest = np.inf
    for q in range(m):
        if 0.0 < images[3, q] < smallest:
            smallest = images[3, q]
    # Half of the repulsion there; attraction and other atoms change that by far less, unless the
    # species hardly repels: then many points are summed twice, which only costs time.
    return 0.5 * smallest / _CLOSE_A**12


def brick_shape(counts: tuple[int, int, int], steps: np.ndarray, edge_A: float) -> np.ndarray:
    """Points along the first two edges of a brick, bricks being nearly equal.

    Parameters
    ----------
    counts : tuple of 3 int
        Points along each axis.
    steps : (3, 3) float64
        Rows: the step along each axis, angstrom.
    edge_A : float
        Longest edge, angstrom.

    Returns
    -------
    (2,) int64
    """
    shape = np.empty(2, dtype=np.int64)
    for axis in range(2):
        wanted = max(1, int(edge_A / np.linalg.norm(steps[axis])))
        bricks = math.ceil(counts[axis] / wanted)
        shape[axis] = math.ceil(counts[axis] / bricks)
    return shape
