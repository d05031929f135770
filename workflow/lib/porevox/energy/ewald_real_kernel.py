"""Compiled loops of the short-ranged part of an Ewald sum: screened charges on a lattice of points.

Every atom visits the points around it row by row: along the innermost axis the points within the
cutoff are one interval, so nothing is searched and nothing is stored per pair. Everything is
float64.
"""

import math

import numpy as np

from porevox.compiled import jit

#: Largest (alpha r)^2 at which the polynomial below holds.
LARGEST_SQUARE = 18.0
#: Points treated at a time: one vector of doubles; rows are padded to whole vectors.
LANES = 8
_DEGREE = 20
#: Rounding room for intervals of points, in points; the exact test is at the point.
SLACK = 1e-9


def _smooth_polynomial(largest_square: float, degree: int) -> tuple[float, ...]:
    """Coefficients of erf(sqrt u)/sqrt u, an entire function of u, in t = 2 u/largest - 1."""
    nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    roots = np.sqrt((nodes + 1.0) * largest_square / 2.0)
    values = np.array([math.erf(root) / root for root in roots])
    series = 2.0 / (degree + 1) * np.polynomial.chebyshev.chebvander(nodes, degree).T @ values
    series[0] /= 2.0
    return tuple(map(float, np.polynomial.chebyshev.cheb2poly(series)))


_C = _smooth_polynomial(LARGEST_SQUARE, _DEGREE)
_SCALE = 2.0 / LARGEST_SQUARE


# Written out: a loop over the coefficients is not unrolled, and then nothing is vectorised.
@jit(fastmath={"contract"}, forceinline=True)
def screened(u):
    """erfc(sqrt u)/sqrt u, the screened potential of a unit charge in units of alpha.

    Parameters
    ----------
    u : float64
        (alpha r)^2, above 0 and up to LARGEST_SQUARE.

    Returns
    -------
    float64
        Within 1e-10, absolute, of 1/sqrt u - erf(sqrt u)/sqrt u.
    """
    t = u * _SCALE - 1.0
    smooth = ((((_C[20] * t + _C[19]) * t + _C[18]) * t + _C[17]) * t + _C[16]) * t + _C[15]
    smooth = ((((smooth * t + _C[14]) * t + _C[13]) * t + _C[12]) * t + _C[11]) * t + _C[10]
    smooth = ((((smooth * t + _C[9]) * t + _C[8]) * t + _C[7]) * t + _C[6]) * t + _C[5]
    smooth = ((((smooth * t + _C[4]) * t + _C[3]) * t + _C[2]) * t + _C[1]) * t + _C[0]
    return 1.0 / math.sqrt(u) - smooth


@jit(fastmath={"contract", "nsz"}, forceinline=True)
def _add_row(row, start, step, rest, charge, reach, smallest):
    """Add one atom's potential to points start, start + step, ... of a row of whole vectors."""
    for point in range(len(row) // LANES * LANES):  # whole vectors, as the compiler can see
        along = start + point * step
        u = max(rest + along * along, smallest)
        potential = charge * screened(u)  # before the comparison, which then is no branch
        row[point] += potential if u <= reach else 0.0


@jit()
def _interval(centre, half, low, high):
    """First and last whole number within `half` of `centre` and within low..high (inclusive)."""
    first = max(math.ceil(centre - half - SLACK), low)
    return int(first), int(min(math.floor(centre + half + SLACK), high))


@jit()
def add_atoms(place, charges, steps, reach, smallest, low, high, row_a, row_b, wanted, out):
    """Add the screened potential of every atom to the points within the cutoff.

    Parameters
    ----------
    place : (M, 3) float64
        Where the atoms lie, in steps of the lattice of points.
    charges : (M,) float64
    steps : (3, 3) float64
        Upper triangular: rows are the steps times alpha in orthonormal axes, the last of which
        lies along the last step and the second in the plane of the last two.
    reach, smallest : float
        Largest and smallest (alpha r)^2.
    low, high : (3,) int64
        First and last point along each axis that an atom may reach.
    row_a, row_b : (high - low + 1) int64
        Which row of `out` stands for each of these points along the first two axes.
    wanted : (n_a, n_b) bool
        Rows of `out` that are asked for; the others are left alone.
    out : (n_a, n_b, high[2] - low[2] + LANES) float64
        Added to.
    """
    per_a, per_b, per_c = 1.0 / steps[0, 0], 1.0 / steps[1, 1], 1.0 / steps[2, 2]
    for q in range(len(charges)):
        a, b, c = place[q, 0], place[q, 1], place[q, 2]
        first_i, last_i = _interval(a, math.sqrt(reach) * per_a, low[0], high[0])
        for i in range(first_i, last_i + 1):
            x = (i - a) * steps[0, 0]
            across = (i - a) * steps[0, 1]
            half = math.sqrt(max(reach - x * x, 0.0)) * per_b
            first_j, last_j = _interval(b - across * per_b, half, low[1], high[1])
            for j in range(first_j, last_j + 1):
                if not wanted[row_a[i - low[0]], row_b[j - low[1]]]:
                    continue
                y = across + (j - b) * steps[1, 1]
                rest = x * x + y * y
                along = (i - a) * steps[0, 2] + (j - b) * steps[1, 2]
                half = math.sqrt(max(reach - rest, 0.0)) * per_c
                first_k, last_k = _interval(c - along * per_c, half, low[2], high[2])
                blocks = (last_k - first_k + LANES) // LANES
                if blocks > 0:
                    start = first_k - low[2]
                    row = out[row_a[i - low[0]], row_b[j - low[1]], start : start + blocks * LANES]
                    begin = along + (first_k - c) * steps[2, 2]
                    _add_row(row, begin, steps[2, 2], rest, charges[q], reach, smallest)


@jit(forceinline=True)
def _cells(base, step, low, high, first, last):
    """First and last k in first..last for which base + k step lies within low..high; three axes."""
    for axis in range(3):
        room, beyond = low[axis] - base[axis], high[axis] - base[axis]
        if step[axis] < 0.0:
            room, beyond = beyond, room
        if abs(step[axis]) > SLACK:
            first = max(first, math.ceil(room / step[axis] - SLACK))
            last = min(last, math.floor(beyond / step[axis] + SLACK))
        elif not (low[axis] - SLACK <= base[axis] <= high[axis] + SLACK):
            last = first - 1.0
    return int(first), int(last)


@jit()
def list_images(frac, charges, to_place, origin, span, low, high, place, image_charges):
    """List the periodic images of the atoms that lie in a range of the lattice of points.

    One on the range's rim, within rounding, may be listed or not.

    Parameters
    ----------
    frac : (N, 3) float64
        Fractional coordinates.
    charges : (N,) float64
    to_place : (3, 3) float64
        Fractional coordinates times this are steps of the lattice of points.
    origin : (3,) float64
        Point (0, 0, 0), in steps.
    span : (2, 3) float64
        Lowest and highest fractional coordinates in the range.
    low, high : (3,) float64
        The range, in steps from point (0, 0, 0).
    place : (M, 3) float64
        Written: the images, in steps from point (0, 0, 0).
    image_charges : (M,) float64
        Written.

    Returns
    -------
    int
        Number of images in the range; only the first M are written.
    """
    found = 0
    base = np.empty(3)
    for q in range(len(charges)):
        start, stop = np.ceil(span[0] - frac[q]), np.floor(span[1] - frac[q])
        for i in range(int(start[0]), int(stop[0]) + 1):
            for j in range(int(start[1]), int(stop[1]) + 1):
                a, b, c = frac[q, 0] + i, frac[q, 1] + j, frac[q, 2]
                for axis in range(3):
                    base[axis] = a * to_place[0, axis] + b * to_place[1, axis] + c * to_place[2, axis]
                    base[axis] -= origin[axis]
                first, last = _cells(base, to_place[2], low, high, start[2], stop[2])
                for k in range(first, last + 1):
                    if found < len(place):
                        for axis in range(3):
                            place[found, axis] = base[axis] + k * to_place[2, axis]
                        image_charges[found] = charges[q]
                    found += 1
    return found
