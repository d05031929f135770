"""The 48 symmetry operations of the cube, as moves of the points of an (n, n, n) grid.

Each is a signed permutation of the axes: the octahedral group, of which the thesis (section 3.3.3)
uses 13 operations. The operations move grid points onto grid points, so no value is interpolated.
"""

from dataclasses import dataclass
from itertools import product

import torch


@dataclass(frozen=True)
class CubeOperation:
    """One symmetry of the cube: axes exchanged, then some of them reversed.

    Attributes
    ----------
    axes : tuple of int
        Axis of the input (0, 1, 2) that becomes each axis of the output.
    reversed_axes : tuple of bool
        Which axes of the output run backwards.
    """

    axes: tuple[int, int, int]
    reversed_axes: tuple[bool, bool, bool]

    def __call__(self, voxels: torch.Tensor) -> torch.Tensor:
        """Move the values of voxels.

        Parameters
        ----------
        voxels : torch.Tensor, shape (..., n, n, n)

        Returns
        -------
        torch.Tensor, shape (..., n, n, n)
            A view where no axis is reversed.
        """
        lead = voxels.dim() - 3
        moved = voxels.permute(*range(lead), *(lead + axis for axis in self.axes))
        reverse = [lead + axis for axis in range(3) if self.reversed_axes[axis]]
        return moved.flip(reverse) if reverse else moved

    def matrix(self) -> torch.Tensor:
        """From centred positions in the output to those in the input that they are read from.

        Returns
        -------
        torch.Tensor, shape (3, 3), int64
            A signed permutation matrix.
        """
        matrix = torch.zeros(3, 3, dtype=torch.int64)
        for axis in range(3):
            matrix[self.axes[axis], axis] = -1 if self.reversed_axes[axis] else 1
        return matrix

    def offsets(self, n: int) -> torch.Tensor:
        """Source of each output point in the flat input, as a sum over the three output axes.

        Parameters
        ----------
        n : int
            Grid points per axis.

        Returns
        -------
        torch.Tensor, shape (3, n), int64
            Output point (i, j, k) is read from input point ``[0, i] + [1, j] + [2, k]``.
        """
        forward = torch.arange(n)
        lines = [forward.flip(0) if backwards else forward for backwards in self.reversed_axes]
        return torch.stack([line * n ** (2 - axis) for line, axis in zip(lines, self.axes, strict=True)])

    def indices(self, n: int) -> torch.Tensor:
        """Source of each output point in the flat input.

        Parameters
        ----------
        n : int
            Grid points per axis.

        Returns
        -------
        torch.Tensor, shape (n**3,), int64
            A permutation of 0 ... n**3 - 1.
        """
        return outer_sum(self.offsets(n)[None])[0]


def outer_sum(offsets: torch.Tensor) -> torch.Tensor:
    """Add up one offset per axis for every point of a grid.

    Parameters
    ----------
    offsets : torch.Tensor, shape (m, 3, n)

    Returns
    -------
    torch.Tensor, shape (m, n**3)
    """
    first, second, third = offsets.unbind(1)
    return (first[:, :, None, None] + second[:, None, :, None] + third[:, None, None, :]).flatten(1)


#: Which axes are reversed: the first 1, 2, 4 and 8 of these are groups, too.
_REVERSALS = (
    *((False, False, False), (True, True, True)),
    *((False, True, False), (True, False, True)),
    *((True, False, False), (False, True, True), (False, False, True), (True, True, False)),
)
#: Cyclic permutations of the axes, then the others.
_ORDERS = ((0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2), (2, 1, 0))
#: All symmetries of the cube, the identity first. The first 1, 2, 4, 8, 24 and 48 are groups, so the
#: mean over so many views is itself unchanged by any operation of that group.
CUBE_OPERATIONS = tuple(CubeOperation(axes, backwards) for axes, backwards in product(_ORDERS, _REVERSALS))
_NUMBERS = {tuple(operation.indices(2).tolist()): i for i, operation in enumerate(CUBE_OPERATIONS)}


def operation_number(function) -> int:
    """Which of the 48 operations a function of voxels is.

    Parameters
    ----------
    function : callable
        Takes and returns a tensor (2, 2, 2): the eight corners tell all 48 apart.

    Returns
    -------
    int
        Position in CUBE_OPERATIONS.

    Raises
    ------
    KeyError
        When it is none of them.
    """
    return _NUMBERS[tuple(function(torch.arange(8).reshape(2, 2, 2)).flatten().tolist())]
