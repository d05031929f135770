"""Compiled loops of the smooth part of an Ewald sum: structure factors and Fourier series.

Structure factors are computed for half of the wave vectors (h >= 0). At the points
f = o + i s_1 + j s_2 + k s_3 (fractional) the sum over h, k and l is done one index after the
other: first k, which only the second axis of points feels, then h, which the first two feel, then
l. That takes counts x vectors^(1/3) steps rather than counts x vectors, and it is exact both for
points that fill a cell and for a Cartesian box, because the lattice is triangular. All loops run
over whole vectors of doubles; no library of matrix products is called, hence no thread is started.
"""

import math

import numpy as np

from porevox.compiled import jit
from porevox.energy.ewald_real_kernel import LANES

#: Atoms whose powers are held at a time: their tables stay in the processor's cache.
CHUNK = 64


@jit()
def _powers(x, n, re, im):
    """exp(2 pi i m x) for m = -n..n."""
    re[n], im[n] = 1.0, 0.0
    cosine, sine = math.cos(2.0 * math.pi * x), math.sin(2.0 * math.pi * x)
    for m in range(n + 1, 2 * n + 1):
        re[m] = re[m - 1] * cosine - im[m - 1] * sine
        im[m] = re[m - 1] * sine + im[m - 1] * cosine
    for m in range(n):
        re[m], im[m] = re[2 * n - m], -im[2 * n - m]


@jit(fastmath={"contract"}, forceinline=True)
def _add_product(re, im, p, q, a, b):
    """Add a complex number, p + i q, times a complex row to a row of whole vectors."""
    for lane in range(len(re) // LANES * LANES):
        x, y = a[lane], b[lane]
        re[lane] += p * x - q * y
        im[lane] += p * y + q * x


@jit(fastmath={"contract"}, forceinline=True)
def _add_real(row, p, q, a, b):
    """Add the real part of a complex number times a complex row to a row of whole vectors."""
    for lane in range(len(row) // LANES * LANES):
        row[lane] += p * a[lane] - q * b[lane]


@jit(fastmath={"contract"}, forceinline=True)
def _add_real_pair(row, p, q, p2, q2, a, b, a2, b2):
    """Add the real parts of two complex numbers times two rows to a row of whole vectors."""
    for lane in range(len(row) // LANES * LANES):
        row[lane] += (p * a[lane] - q * b[lane]) + (p2 * a2[lane] - q2 * b2[lane])


@jit(fastmath={"contract"}, forceinline=True)
def _add_pair(re, im, p, q, p2, q2, a, b, a2, b2):
    """Add two complex numbers times two complex rows to a row of whole vectors."""
    for lane in range(len(re) // LANES * LANES):
        x, y, x2, y2 = a[lane], b[lane], a2[lane], b2[lane]
        re[lane] += (p * x - q * y) + (p2 * x2 - q2 * y2)
        im[lane] += (p * y + q * x) + (p2 * y2 + q2 * x2)


@jit()
def structure_factors(frac, charges, limits, first, last, re, im):
    """Sum q exp(2 pi i (h x + k y + l z)) over the atoms, for h >= 0.

    Parameters
    ----------
    frac : (N, 3) float64
        Fractional coordinates.
    charges : (N,) float64
    limits : (3,) int64
        Largest h, k and l.
    first, last : (limits[0] + 1, 2 limits[1] + 1) int64
        First and last l + limits[2] wanted at each h and k + limits[1]; none where first > last.
    re, im : (limits[0] + 1, 2 limits[1] + 1, M) float64
        Added to; M is at least 2 limits[2] + LANES. Entries that are not wanted may change, too.
    """
    nh, nk, nl = limits[0], limits[1], limits[2]
    a = np.zeros((2, CHUNK + 1, 2 * nh + 1))
    b = np.zeros((2, CHUNK + 1, 2 * nk + 1))
    c = np.zeros((2, CHUNK + 1, re.shape[2]))
    for chunk in range(0, len(charges), CHUNK):
        n = min(CHUNK, len(charges) - chunk)
        for q in range(n):
            _powers(frac[chunk + q, 0], nh, a[0, q], a[1, q])
            _powers(frac[chunk + q, 1], nk, b[0, q], b[1, q])
            _powers(frac[chunk + q, 2], nl, c[0, q], c[1, q])
        for h in range(nh + 1):
            for q in range(n):
                a[0, q, nh + h] *= charges[chunk + q]
                a[1, q, nh + h] *= charges[chunk + q]
            a[0, n, nh + h] = a[1, n, nh + h] = 0.0  # an odd last atom's partner: no charge
        for h in range(nh + 1):
            for q in range(0, n, 2):
                u, v, u2, v2 = a[0, q, nh + h], a[1, q, nh + h], a[0, q + 1, nh + h], a[1, q + 1, nh + h]
                for k in range(2 * nk + 1):
                    s, t = first[h, k], first[h, k]
                    t += (last[h, k] - s + LANES) // LANES * LANES
                    x, y, x2, y2 = b[0, q, k], b[1, q, k], b[0, q + 1, k], b[1, q + 1, k]
                    _add_pair(
                        re[h, k, s:t],
                        im[h, k, s:t],
                        u * x - v * y,
                        u * y + v * x,
                        u2 * x2 - v2 * y2,
                        u2 * y2 + v2 * x2,
                        c[0, q, s:t],
                        c[1, q, s:t],
                        c[0, q + 1, s:t],
                        c[1, q + 1, s:t],
                    )


@jit()
def _table(origin, step, count, limit):
    """Phases exp(2 pi i m (origin + j step)): (2, j, m), m = -limit..limit."""
    table = np.empty((2, count, 2 * limit + 1))
    for j in range(count):
        _powers(origin + j * step, limit, table[0, j], table[1, j])
    return table


@jit(forceinline=True)
def _times(a, b, c, d):
    """(a + i b)(c + i d)."""
    return a * c - b * d, a * d + b * c


@jit()
def _sum_k(field, phases, wanted, out):
    """Contract k: (2, n_b, h, M) from a field (2, h, k, M) and phases (2, n_b, k), at some of n_b."""
    n = field.shape[2]
    for j in range(out.shape[1]):
        if not wanted[:, j].any():
            continue
        p, q = phases[0, j], phases[1, j]
        for h in range(out.shape[2]):
            re, im, a, b = out[0, j, h], out[1, j, h], field[0, h], field[1, h]
            for k in range(0, n - 1, 2):
                _add_pair(re, im, p[k], q[k], p[k + 1], q[k + 1], a[k], b[k], a[k + 1], b[k + 1])
            _add_product(re, im, p[n - 1], q[n - 1], a[n - 1], b[n - 1])


@jit()
def _sum_h(a, b, p, q, u, v, re, im):
    """Contract h: re + i im (M) from a + i b (h, M) and the phases p + i q times u + i v (h)."""
    for m in range(len(re)):
        re[m] = im[m] = 0.0
    n = a.shape[0]
    for h in range(0, n - 1, 2):
        s, t = _times(p[h], q[h], u[h], v[h])
        s2, t2 = _times(p[h + 1], q[h + 1], u[h + 1], v[h + 1])
        _add_pair(re, im, s, t, s2, t2, a[h], b[h], a[h + 1], b[h + 1])
    if n % 2 == 1:
        s, t = _times(p[n - 1], q[n - 1], u[n - 1], v[n - 1])
        _add_product(re, im, s, t, a[n - 1], b[n - 1])


@jit()
def _sum_l(re, im, p, q, u, v, a, b, row):
    """Contract l: the real part of re + i im (l), times phases of the row, times a + i b (l, M)."""
    n = len(p)
    for m in range(0, n - 1, 2):
        s, t = _times(p[m], q[m], u[m], v[m])
        s2, t2 = _times(p[m + 1], q[m + 1], u[m + 1], v[m + 1])
        s, t = _times(s, t, re[m], im[m])
        s2, t2 = _times(s2, t2, re[m + 1], im[m + 1])
        _add_real_pair(row, s, t, s2, t2, a[m], b[m], a[m + 1], b[m + 1])
    s, t = _times(p[n - 1], q[n - 1], u[n - 1], v[n - 1])
    s, t = _times(s, t, re[n - 1], im[n - 1])
    _add_real(row, s, t, a[n - 1], b[n - 1])


@jit()
def synthesise(field, limits, origin, steps, wanted, out):
    """Real part of the Fourier series of a field, at the points of an affine lattice.

    Parameters
    ----------
    field : (2, limits[0] + 1, 2 limits[1] + 1, M) float64
        Real and imaginary part of the amplitudes at h >= 0, k + limits[1], l + limits[2]; M is a
        multiple of LANES.
    limits : (3,) int64
        Largest h, k and l.
    origin : (3,) float64
        Point (0, 0, 0), fractional.
    steps : (3, 3) float64
        Rows: the step along each axis of the points, fractional, with
        steps[0, 1] = steps[2, 0] = steps[2, 1] = 0.
    wanted : (n_a, n_b) bool
        Rows of points that are asked for.
    out : (n_a, n_b, M') float64
        Added to in these rows; M' is a multiple of LANES.
    """
    nh, nl = limits[0], limits[2]
    n_a, n_b, n_c = out.shape
    by_j = np.zeros((2, n_b, nh + 1, field.shape[3]))
    _sum_k(field, _table(origin[1], steps[1, 1], n_b, limits[1]), wanted, by_j)
    h_i, h_j = _table(origin[0], steps[0, 0], n_a, nh), _table(0.0, steps[1, 0], n_b, nh)
    l_i, l_j = _table(origin[2], steps[0, 2], n_a, nl), _table(0.0, steps[1, 2], n_b, nl)
    l_k = _table(0.0, steps[2, 2], n_c, nl)
    cosines, sines = l_k[0].T.copy(), l_k[1].T.copy()
    re, im = np.empty(field.shape[3]), np.empty(field.shape[3])
    for i in range(n_a):
        for j in range(n_b):
            if not wanted[i, j]:
                continue
            p, q, u, v = h_i[0, i, nh:], h_i[1, i, nh:], h_j[0, j, nh:], h_j[1, j, nh:]
            _sum_h(by_j[0, j], by_j[1, j], p, q, u, v, re, im)
            p, q, u, v = l_i[0, i], l_i[1, i], l_j[0, j], l_j[1, j]
            _sum_l(re, im, p, q, u, v, cosines, sines, out[i, j])
