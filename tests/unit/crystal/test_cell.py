"""Limits of believable cells."""

import numpy as np
import pytest

from porevox.crystal.cell import believable_lattice, check_density
from porevox.errors import StructureRejected

RIGHT = (90.0, 90.0, 90.0)


@pytest.mark.parametrize(
    ("lengths", "angles"),
    [
        ((0.0, 10.0, 10.0), RIGHT),
        ((-5.0, 10.0, 10.0), RIGHT),
        ((1.0, 1.0, 1.0), RIGHT),
        ((2583.2, 2583.2, 2583.2), RIGHT),  # picometres
        ((1e300, 1e300, 1e300), RIGHT),
        ((10.0, 10.0, 10.0), (0.0, 90.0, 90.0)),
        ((10.0, 10.0, 10.0), (90.0, 180.0, 90.0)),
        ((10.0, 10.0, 10.0), (120.0, 120.0, 120.0)),  # flat
        ((10.0, 10.0, 10.0), (150.0, 150.0, 150.0)),  # impossible
        ((10.0, 10.0, 10.0), (3.0, 90.0, 90.0)),  # 0.5 A thick
    ],
)
def test_absurd_cells(lengths, angles):
    with pytest.raises(StructureRejected) as caught:
        believable_lattice(lengths, angles)
    assert caught.value.code == "absurd_cell"
    assert "a cell of" in caught.value.detail


@pytest.mark.parametrize(
    ("lengths", "angles", "volume_A3"),
    [
        ((2.286, 2.286, 3.584), (90.0, 90.0, 120.0), 16.22),  # beryllium
        ((50.745, 50.745, 194.256), (90.0, 90.0, 120.0), 433203.1),  # MOF-210
        ((71.0716,) * 3, (41.832,) * 3, 144400.8),
        ((10.0, 20.0, 30.0), (90.0, 45.0, 120.0), 3000.0),
    ],
)
def test_real_cells_pass(lengths, angles, volume_A3):
    lattice_A = believable_lattice(lengths, angles)
    assert np.linalg.det(lattice_A) == pytest.approx(volume_A3, rel=1e-3)


@pytest.mark.parametrize(
    ("n_atoms", "volume_A3"),
    [
        (8, 3.567**3),  # diamond
        (5562, 433203.1),  # MOF-210
        (90, 1e6),  # one cage in a box
    ],
)
def test_real_densities_pass(n_atoms, volume_A3):
    check_density(n_atoms, volume_A3)


@pytest.mark.parametrize(("n_atoms", "volume_A3"), [(1000, 1000.0), (1, 1e7)])
def test_absurd_densities(n_atoms, volume_A3):
    with pytest.raises(StructureRejected) as caught:
        check_density(n_atoms, volume_A3)
    assert caught.value.code == "absurd_cell"
