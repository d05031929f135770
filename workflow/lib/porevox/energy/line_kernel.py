"""Pair energies of a list of images at the points of a line, four or five points at once.

For every image of a leaf, r^2 along a line of points is a polynomial of second degree in the number
of the point: after the first point two additions give the next. Two points share a division. Loops
run over the images, which is what is vectorised; everything is float64.
"""

import numpy as np

from porevox.compiled import jit

#: Below this squared distance (angstrom^2) a point is on top of an atom.
TOUCHING2 = 1e-24

# Fused multiply-add is allowed, and summing in another order: without that nothing is vectorised.
# With more freedom the compiler could multiply the bracket of _pair out into inf - inf, NaN for a
# point on top of an atom instead of +inf.
_SUM = {"contract", "reassoc", "nsz"}


@jit(fastmath={"contract"}, forceinline=True)
def _pair(inverse6, a, b, c, within):
    return inverse6 * (a * inverse6 - b) - c if within else 0.0


@jit(fastmath={"contract"}, forceinline=True)
def _two(r2, s2, a, b, c, cutoff2):
    """Pair energies of one image at two points with a single division."""
    u, v = r2 * r2 * r2, s2 * s2 * s2
    inverse = 1.0 / (u * v)
    one = _pair(inverse * v, a, b, c, r2 <= cutoff2)
    return one, _pair(inverse * u, a, b, c, s2 <= cutoff2)


@jit(fastmath={"contract"}, forceinline=True)
def _next(r2, step, bend):
    """The next r^2 along a line; two additions, which must not be regrouped into products."""
    return r2 + step, step + bend


@jit(fastmath=_SUM)
def four(leaf, m, j, line, cutoff2, shifted, sums):
    """Energies at four points of a line.

    Parameters
    ----------
    leaf : (5, M) or (6, M) float64
        For each image: r^2 at the leaf's first point (angstrom^2), what it grows by along a line and
        from line to line (before their own squares), A, B and perhaps shift.
    m : int
        Images to sum, whole vectors.
    j : int
        Number of the line in the leaf.
    line : tuple of 3 float
        What the steps alone add to r^2 on line j: at its first point, to the next, and to every
        further step (angstrom^2).
    cutoff2 : float
        Squared cutoff, angstrom^2.
    shifted : True or None
        Whether the leaf has a sixth row.
    sums : (10,) float64
        Written: energies, K.
    """
    e, along, across, a, b = leaf[0], leaf[1], leaf[2], leaf[3], leaf[4]
    offset, slope, bend = line
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    for q in range(m):
        c = 0.0 if shifted is None else leaf[5, q]
        r0, step = e[q] + (j * across[q] + offset), along[q] + slope
        r1, step = _next(r0, step, bend)
        r2, step = _next(r1, step, bend)
        r3, step = _next(r2, step, bend)
        first, second = _two(r0, r1, a[q], b[q], c, cutoff2)
        t0 += first
        t1 += second
        first, second = _two(r2, r3, a[q], b[q], c, cutoff2)
        t2 += first
        t3 += second
    sums[0], sums[1], sums[2], sums[3] = t0, t1, t2, t3


@jit(fastmath=_SUM)
def five(leaf, m, j, line, cutoff2, shifted, sums):
    """Energies at five points of a line; parameters as for :func:`four`."""
    e, along, across, a, b = leaf[0], leaf[1], leaf[2], leaf[3], leaf[4]
    offset, slope, bend = line
    t0, t1, t2, t3, t4 = 0.0, 0.0, 0.0, 0.0, 0.0
    for q in range(m):
        c = 0.0 if shifted is None else leaf[5, q]
        r0, step = e[q] + (j * across[q] + offset), along[q] + slope
        r1, step = _next(r0, step, bend)
        r2, step = _next(r1, step, bend)
        r3, step = _next(r2, step, bend)
        r4, step = _next(r3, step, bend)
        first, second = _two(r0, r1, a[q], b[q], c, cutoff2)
        t0 += first
        t1 += second
        first, second = _two(r2, r3, a[q], b[q], c, cutoff2)
        t2 += first
        t3 += second
        t4 += _pair(1.0 / (r4 * r4 * r4), a[q], b[q], c, r4 <= cutoff2)
    sums[0], sums[1], sums[2], sums[3], sums[4] = t0, t1, t2, t3, t4


@jit(fastmath=_SUM)
def five_and_five(leaf, m, j, line, other, cutoff2, shifted, sums):
    """Energies at five points of lines j and j + 1, whose fifth points share a division, too.

    Parameters as for :func:`four`; `other` is to line j + 1 what `line` is to line j, and its
    energies are the last five.
    """
    e, along, across, a, b = leaf[0], leaf[1], leaf[2], leaf[3], leaf[4]
    offset, slope, bend = line
    offset_o, slope_o, _ = other
    t0, t1, t2, t3, t4 = 0.0, 0.0, 0.0, 0.0, 0.0
    o0, o1, o2, o3, o4 = 0.0, 0.0, 0.0, 0.0, 0.0
    for q in range(m):
        c = 0.0 if shifted is None else leaf[5, q]
        start = e[q] + j * across[q]
        r0, step = start + offset, along[q] + slope
        s0, step_o = (start + across[q]) + offset_o, along[q] + slope_o
        r1, step = _next(r0, step, bend)
        r2, step = _next(r1, step, bend)
        r3, step = _next(r2, step, bend)
        r4, step = _next(r3, step, bend)
        s1, step_o = _next(s0, step_o, bend)
        s2, step_o = _next(s1, step_o, bend)
        s3, step_o = _next(s2, step_o, bend)
        s4, step_o = _next(s3, step_o, bend)
        first, second = _two(r0, s0, a[q], b[q], c, cutoff2)
        t0 += first
        o0 += second
        first, second = _two(r1, s1, a[q], b[q], c, cutoff2)
        t1 += first
        o1 += second
        first, second = _two(r2, s2, a[q], b[q], c, cutoff2)
        t2 += first
        o2 += second
        first, second = _two(r3, s3, a[q], b[q], c, cutoff2)
        t3 += first
        o3 += second
        first, second = _two(r4, s4, a[q], b[q], c, cutoff2)
        t4 += first
        o4 += second
    sums[0], sums[1], sums[2], sums[3], sums[4] = t0, t1, t2, t3, t4
    sums[5], sums[6], sums[7], sums[8], sums[9] = o0, o1, o2, o3, o4


@jit(fastmath=_SUM)
def sum_exactly(near, m, x, y, z, cutoff2, shifted):
    """Energy at one point from the differences of coordinates.

    Parameters
    ----------
    near : (5, M) or (6, M) float64
        Images: x, y, z (angstrom), A, B and perhaps shift.
    m : int
        Images to sum.
    x, y, z : float
        The point, angstrom.
    cutoff2 : float
        Squared cutoff, angstrom^2.
    shifted : True or None
        Whether the images have a sixth row.

    Returns
    -------
    float
        K; +inf on top of an atom.
    """
    total = 0.0
    for q in range(m):
        dx, dy, dz = near[0, q] - x, near[1, q] - y, near[2, q] - z
        r2 = dx * dx + dy * dy + dz * dz
        # Rotating the frame leaves an atom and a point at the same place 1e-15 A apart.
        inverse = 1.0 / r2 if r2 > TOUCHING2 else np.inf
        inverse6 = inverse * inverse * inverse
        c = 0.0 if shifted is None else near[5, q]
        total += _pair(inverse6, near[3, q], near[4, q], c, r2 <= cutoff2)
    return total
