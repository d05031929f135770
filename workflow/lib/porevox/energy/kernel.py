"""Lennard-Jones sums on a lattice of points, compiled by numba.

The energy at a point is a sum over explicit images of the atoms, so no supercell is ever built:

1. list every image within the cutoff of the block of points (:func:`list_images`);
2. cut the block into bricks of a few angstrom, and for each gather the images within the cutoff
   of that brick into a short, contiguous list, layer by column by brick (:func:`sum_bricks`);
3. at each point reduce that list in one vectorised loop.

Memory grows with the images and with the points, never with their product. Everything is float64.
"""

import math

import numba
import numpy as np

#: Rows of an image list: x, y, z (angstrom), A = 4 eps sigma^12, B = 4 eps sigma^6.
ROWS = 5
#: Lists are padded to whole unrolled vector iterations (8 doubles, unrolled four times).
PADDING = 32
#: Images are listed from slightly further than the cutoff, so that rounding in this coarse step
#: cannot drop one that the exact test at the point would count.
_MARGIN = 1.0 + 1e-9
#: Where padding entries sit, angstrom: far beyond any cutoff.
_FAR = 1e9


def _jit(**options):
    """Compile lazily, and keep the machine code on disk where there is a place for it."""

    def decorate(function):
        options.update(nogil=True, error_model="numpy")
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # neither the module's folder nor the user's cache can be written
            return numba.njit(**options)(function)

    return decorate


# Only fused multiply-add is allowed here: with more freedom the compiler could multiply the
# bracket out into inf - inf, NaN for a point on top of an atom instead of +inf.
@_jit(fastmath={"contract"}, forceinline=True)
def _pair(r2, a, b):
    inverse = 1.0 / r2
    inverse6 = inverse * inverse * inverse
    return inverse6 * (a * inverse6 - b)


# Reordering the sum is what lets it be vectorised; infinities keep their meaning.
@_jit(fastmath={"contract", "reassoc", "nsz"}, forceinline=True)
def _reduce(near, m, x, y, z, cutoff2):
    total = 0.0
    for q in range(m):
        dx = near[0, q] - x
        dy = near[1, q] - y
        dz = near[2, q] - z
        r2 = dx * dx + dy * dy + dz * dz
        pair = _pair(r2, near[3, q], near[4, q])
        total += pair if r2 <= cutoff2 else 0.0
    return total


@_jit(fastmath=True)
def _gather(source, m, low, high, reach2, target):
    """Copy the images within reach of a Cartesian box; coordinates are finite here."""
    lx, ly, lz = low[0], low[1], low[2]
    hx, hy, hz = high[0], high[1], high[2]
    n = 0
    for q in range(m):
        x, y, z = source[0, q], source[1, q], source[2, q]
        dx = max(max(lx - x, x - hx), 0.0)
        dy = max(max(ly - y, y - hy), 0.0)
        dz = max(max(lz - z, z - hz), 0.0)
        # Always written, kept only when near: a branch here would be mispredicted half the time.
        target[0, n], target[1, n], target[2, n] = x, y, z
        target[3, n], target[4, n] = source[3, q], source[4, q]
        n += 1 if dx * dx + dy * dy + dz * dz <= reach2 else 0
    return n


@_jit()
def _bounds(origin, steps, first, last, low, high):
    """Cartesian box around the points first..last (inclusive) of the lattice of points."""
    for axis in range(3):
        low[axis] = high[axis] = origin[axis]
        for s in range(3):
            start, stop = first[s] * steps[s, axis], last[s] * steps[s, axis]
            low[axis] += min(start, stop)
            high[axis] += max(start, stop)


@_jit()
def _pad(images, m):
    padded = (m + PADDING - 1) // PADDING * PADDING
    for q in range(m, padded):
        images[0, q] = images[1, q] = images[2, q] = _FAR
        images[3, q] = images[4, q] = 0.0
    return padded


@_jit()
def list_images(frac, coefficients, lattice, span, low, high, cutoff, images):
    """List the images of the atoms that lie within the cutoff of a Cartesian box.

    Parameters
    ----------
    frac : (N, 3) float64
        Fractional coordinates.
    coefficients : (2, N) float64
        A and B of each atom, K A^12 and K A^6.
    lattice : (3, 3) float64
        Rows a, b, c, angstrom.
    span : (2, 3) float64
        Lowest and highest fractional coordinates that an image may have.
    low, high : (3,) float64
        Corners of the box around all points, angstrom.
    cutoff : float
        Angstrom.
    images : (5, M) float64
        Written: x, y, z, A, B.

    Returns
    -------
    int
        Number of images found; only the first M are written.
    """
    reach2 = cutoff * cutoff * _MARGIN
    found = 0
    place = np.empty(3)
    for q in range(frac.shape[0]):
        start = np.ceil(span[0] - frac[q])
        stop = np.floor(span[1] - frac[q])
        for i in range(int(start[0]), int(stop[0]) + 1):
            for j in range(int(start[1]), int(stop[1]) + 1):
                for k in range(int(start[2]), int(stop[2]) + 1):
                    fa, fb, fc = frac[q, 0] + i, frac[q, 1] + j, frac[q, 2] + k
                    d2 = 0.0
                    for axis in range(3):
                        p = fa * lattice[0, axis] + fb * lattice[1, axis] + fc * lattice[2, axis]
                        place[axis] = p
                        d2 += max(low[axis] - p, p - high[axis], 0.0) ** 2
                    if d2 <= reach2:
                        if found < images.shape[1]:
                            images[0, found], images[1, found] = place[0], place[1]
                            images[2, found] = place[2]
                            images[3, found] = coefficients[0, q]
                            images[4, found] = coefficients[1, q]
                        found += 1
    return found


@_jit(fastmath={"contract"})
def _sum_points(near, m, origin, steps, first, last, cutoff2, out):
    for i in range(first[0], last[0] + 1):
        for j in range(first[1], last[1] + 1):
            for k in range(first[2], last[2] + 1):
                x = origin[0] + (i * steps[0, 0] + j * steps[1, 0] + k * steps[2, 0])
                y = origin[1] + (i * steps[0, 1] + j * steps[1, 1] + k * steps[2, 1])
                z = origin[2] + (i * steps[0, 2] + j * steps[1, 2] + k * steps[2, 2])
                out[i, j, k] = _reduce(near, m, x, y, z, cutoff2)


@_jit()
def sum_bricks(images, m, origin, steps, brick, cutoff, out):
    """Lennard-Jones energy at every point of an affine lattice of points.

    Parameters
    ----------
    images : (5, M) float64
        x, y, z, A, B of the images, of which the first `m` count.
    m : int
    origin : (3,) float64
        Point (0, 0, 0), angstrom.
    steps : (3, 3) float64
        Rows: the step along each axis, angstrom.
    brick : (3,) int64
        Points along each edge of a brick.
    cutoff : float
        Angstrom; an image at exactly this distance counts (r <= rc, equation 3.3).
    out : (n_a, n_b, n_c) float64
        Written: energies in K; +inf on top of an atom, never NaN.
    """
    reach2 = cutoff * cutoff * _MARGIN
    layer = np.empty((ROWS, m + PADDING))
    column = np.empty((ROWS, m + PADDING))
    near = np.empty((ROWS, m + PADDING))
    low, high = np.empty(3), np.empty(3)
    first = np.zeros(3, dtype=np.int64)
    last = np.empty(3, dtype=np.int64)
    for a in range(0, out.shape[0], brick[0]):
        first[:] = (a, 0, 0)
        last[:] = (min(a + brick[0], out.shape[0]) - 1, out.shape[1] - 1, out.shape[2] - 1)
        _bounds(origin, steps, first, last, low, high)
        in_layer = _gather(images, m, low, high, reach2, layer)
        for b in range(0, out.shape[1], brick[1]):
            first[1], first[2] = b, 0
            last[1], last[2] = min(b + brick[1], out.shape[1]) - 1, out.shape[2] - 1
            _bounds(origin, steps, first, last, low, high)
            in_column = _gather(layer, in_layer, low, high, reach2, column)
            for c in range(0, out.shape[2], brick[2]):
                first[2], last[2] = c, min(c + brick[2], out.shape[2]) - 1
                _bounds(origin, steps, first, last, low, high)
                in_brick = _gather(column, in_column, low, high, reach2, near)
                in_brick = _pad(near, in_brick)
                _sum_points(near, in_brick, origin, steps, first, last, cutoff * cutoff, out)


def brick_shape(counts: tuple[int, int, int], steps: np.ndarray, edge_A: float) -> np.ndarray:
    """Points along each edge of a brick at most about `edge_A` long, bricks being nearly equal.

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
    (3,) int64
    """
    shape = np.empty(3, dtype=np.int64)
    for axis in range(3):
        wanted = max(1, int(edge_A / np.linalg.norm(steps[axis])))
        bricks = math.ceil(counts[axis] / wanted)
        shape[axis] = math.ceil(counts[axis] / bricks)
    return shape
