"""Lists of images of atoms: who is near a box, in contiguous memory padded to whole vectors."""

import numpy as np

from porevox.compiled import jit
from porevox.energy import simd

#: Rows of a list: x, y, z (angstrom), A = 4 eps sigma^12, B = 4 eps sigma^6; and, where pair energies
#: are shifted, what is taken from each of them.
ROWS = 5
#: Room behind the images of a list, for whole vectors.
PADDING = 2 * simd.LANES
#: Images are listed from slightly further than the cutoff, so that rounding in this coarse step
#: cannot drop one that the exact test at the point would count.
MARGIN = 1.0 + 1e-9
#: Where padding entries sit, angstrom: far beyond any cutoff, yet the product of two of their r^6 is
#: finite.
_FAR = 1e9


@jit(fastmath=True)
def _squared_distances(images, m, low, high, out):
    """Squared distance of each image from a Cartesian box; coordinates are finite here."""
    x, y, z = images[0], images[1], images[2]
    cx, cy, cz = 0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), 0.5 * (low[2] + high[2])
    hx, hy, hz = high[0] - cx, high[1] - cy, high[2] - cz
    for q in range(m):
        dx = max(abs(x[q] - cx) - hx, 0.0)
        dy = max(abs(y[q] - cy) - hy, 0.0)
        dz = max(abs(z[q] - cz) - hz, 0.0)
        out[q] = dx * dx + dy * dy + dz * dz


@jit()
def gather(source, m, low, high, reach2, distance2, target):
    """Copy the images within reach of a Cartesian box, padded to whole vectors."""
    _squared_distances(source, m, low, high, distance2)
    rows, width, room = source.shape[0], source.shape[1], target.shape[1]
    flat, copy = source.reshape(-1), target.reshape(-1)
    n = 0
    for q in range(0, m, simd.LANES):
        near = simd.at_most(distance2, q, reach2)
        for row in range(rows):
            simd.compress(flat, row * width + q, near, copy, row * room + n)
        n += simd.count(near)
    return pad(target, n)


@jit()
def pad(images, m):
    """Fill a list up to whole vectors with images that are too far to count.

    Parameters
    ----------
    images : (5, M) or (6, M) float64
        At least :data:`PADDING` places longer than `m`.
    m : int
        Images in it.

    Returns
    -------
    int
        Images in it now, a multiple of :data:`porevox.energy.simd.LANES`.
    """
    padded = (m + simd.LANES - 1) // simd.LANES * simd.LANES
    for q in range(m, padded):
        for row in range(images.shape[0]):
            images[row, q] = _FAR if row < 3 else 0.0
    return padded


@jit()
def list_images(atoms, m, lattice, first, last, low, high, cutoff, images):
    """List the images of the atoms that lie within the cutoff of a Cartesian box.

    Parameters
    ----------
    atoms : (5, M) or (6, M) float64
        x, y, z (angstrom) and the coefficients of the atoms of one cell; padded (:func:`pad`).
    m : int
        A multiple of :data:`porevox.energy.simd.LANES`.
    lattice : (3, 3) float64
        Rows a, b, c, angstrom.
    first, last : (3,) int64
        Cells to look into along each axis, both included.
    low, high : (3,) float64
        Corners of the box around all points, angstrom.
    cutoff : float
        Angstrom.
    images : (5, N) or (6, N) float64
        Written, and padded; room for all atoms of all cells and :data:`PADDING` more.

    Returns
    -------
    int
        Number of images in the list, whole vectors.
    """
    reach2 = cutoff * cutoff * MARGIN
    moved = np.empty((3, m))
    distance2 = np.empty(m)
    extent = np.empty((2, 3))
    for axis in range(3):
        extent[0, axis], extent[1, axis] = _extremes(atoms[axis], m)
    shift = np.empty(3)
    found = 0
    for i in range(first[0], last[0] + 1):
        for j in range(first[1], last[1] + 1):
            for k in range(first[2], last[2] + 1):
                apart2 = 0.0
                for axis in range(3):
                    shift[axis] = i * lattice[0, axis] + j * lattice[1, axis] + k * lattice[2, axis]
                    below = low[axis] - (extent[1, axis] + shift[axis])
                    apart2 += max(below, extent[0, axis] + shift[axis] - high[axis], 0.0) ** 2
                if apart2 > reach2:
                    continue
                for axis in range(3):
                    for q in range(m):
                        moved[axis, q] = atoms[axis, q] + shift[axis]
                _squared_distances(moved, m, low, high, distance2)
                for q in range(0, m, simd.LANES):
                    near = simd.at_most(distance2, q, reach2)
                    for row in range(3):
                        simd.compress(moved[row], q, near, images[row], found)
                    for row in range(3, images.shape[0]):
                        simd.compress(atoms[row], q, near, images[row], found)
                    found += simd.count(near)
    return pad(images, found)


@jit()
def _extremes(values, m):
    """Smallest and largest of the values that are no padding."""
    low, high = np.inf, -np.inf
    for q in range(m):
        if values[q] < 0.5 * _FAR:
            low, high = min(low, values[q]), max(high, values[q])
    return low, high
