"""Structure factors and Fourier series against sums written out in the test."""

import numpy as np
import pytest

from porevox.energy.ewald_real_kernel import LANES
from porevox.energy.ewald_reciprocal_kernel import CHUNK, structure_factors, synthesise

LIMITS = np.array([2, 3, 5])
WIDTH = 24


def indices():
    h, k, m = (np.arange(-n, n + 1) for n in LIMITS)
    return np.meshgrid(h[LIMITS[0] :], k, m, indexing="ij")


@pytest.mark.parametrize("n_atoms", [1, 2, 7, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
def test_structure_factors(n_atoms):
    rng = np.random.default_rng(n_atoms)
    frac, charges = rng.uniform(size=(n_atoms, 3)), rng.normal(size=n_atoms)
    shape = LIMITS[0] + 1, 2 * LIMITS[1] + 1
    first = rng.integers(0, 2 * LIMITS[2] + 1, size=shape)
    last = np.minimum(first + rng.integers(-1, 9, size=shape), 2 * LIMITS[2])
    first[0, 0], last[0, 0] = 0, 2 * LIMITS[2]
    re, im = np.zeros((2, *shape, WIDTH))
    structure_factors(frac, charges, LIMITS, first, last, re, im)
    h, k, m = (index[..., None] for index in indices())
    phase = np.exp(2j * np.pi * (h * frac[:, 0] + k * frac[:, 1] + m * frac[:, 2]))
    expected = phase @ charges
    found = (re + 1j * im)[:, :, : 2 * LIMITS[2] + 1]
    l_index = np.arange(2 * LIMITS[2] + 1)
    wanted = (l_index >= first[..., None]) & (l_index <= last[..., None])
    np.testing.assert_allclose(found[wanted], expected[wanted], atol=1e-11)
    assert wanted.sum() > 40


@pytest.mark.parametrize("triangular", [False, True])
@pytest.mark.parametrize("counts", [(3, 4, 5), (1, 1, 1), (2, 9, 17)])
def test_series(triangular, counts):
    rng = np.random.default_rng(7)
    field = np.zeros((2, *(n.size for n in (np.arange(3), np.arange(7))), WIDTH))
    field[..., : 2 * LIMITS[2] + 1] = rng.normal(size=(2, 3, 7, 11))
    steps = np.diag([0.21, 0.13, -0.07])
    if triangular:
        steps[0, 2], steps[1, 0], steps[1, 2] = 0.11, -0.31, 0.05
    origin = np.array([0.4, -1.3, 0.9])
    out = np.zeros((*counts[:2], -(-counts[2] // LANES) * LANES))
    synthesise(field, LIMITS, origin, steps, np.ones(counts[:2], dtype=bool), out)
    amplitudes = field[0, ..., : 2 * LIMITS[2] + 1] + 1j * field[1, ..., : 2 * LIMITS[2] + 1]
    for place in np.ndindex(*counts):
        f = origin + np.array(place) @ steps
        phase = np.exp(2j * np.pi * sum(index * x for index, x in zip(indices(), f, strict=True)))
        assert out[place] == pytest.approx((amplitudes * phase).real.sum(), abs=1e-10)
