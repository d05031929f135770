"""Data augmentation: symmetry operations that leave the uptake unchanged.

Thesis, section 3.3.3 and figure 3.2: at each step every sample of a batch undergoes, with equal
odds, the identity, a rotation by 90 degrees (either sense, about one of three axes), a flip along
one of three axes, or a reflection, i.e. the transposition of one of three pairs of axes. Of the 48
symmetries of the cube these are 13 operations. Beyond the thesis, all 48 may be drawn, and a
periodic grid may be moved by any number of its points, as the origin of a crystal is free.
"""

from collections.abc import Callable, Iterator
from functools import partial

import torch

from porevox.errors import PorevoxError
from porevox.learning.symmetry import CUBE_OPERATIONS, operation_number, outer_sum

#: Kinds of augmentation: none, the 13 operations at the thesis' odds, or all 48 at equal odds.
AUGMENTATIONS = ("none", "thesis", "octahedral")
#: Tensor dimensions of the three grid axes, counted from the end.
_AXES = (-3, -2, -1)
#: The pair of dimensions perpendicular to each axis: the plane of a rotation or a transposition.
_PLANES = ((-2, -1), (-3, -1), (-3, -2))
_KINDS = 4
_IDENTITY, _ROTATION, _FLIP = range(3)


def _identity(voxels):
    return voxels


#: (name, function on (..., n, n, n) tensors) of the 13 operations, in the order of draw_operations.
OPERATIONS: tuple[tuple[str, Callable[[torch.Tensor], torch.Tensor]], ...] = (
    ("identity", _identity),
    *(
        (f"rotate {'+-'[sense]}90 about {'abc'[axis]}", partial(torch.rot90, k=k, dims=plane))
        for axis, plane in enumerate(_PLANES)
        for sense, k in enumerate((1, -1))
    ),
    *((f"flip along {'abc'[axis]}", partial(torch.flip, dims=(d,))) for axis, d in enumerate(_AXES)),
    *(
        (f"transpose the plane across {'abc'[axis]}", partial(torch.transpose, dim0=d0, dim1=d1))
        for axis, (d0, d1) in enumerate(_PLANES)
    ),
)
#: Place of each of the 13 operations among the 48.
THESIS_NUMBERS = tuple(operation_number(function) for _, function in OPERATIONS)


def draw_operations(m: int, generator: torch.Generator) -> torch.Tensor:
    """Draw one operation per sample: the kind first (1/4 each), then axis and sense.

    Parameters
    ----------
    m : int
        Number of samples.
    generator : torch.Generator
        On the CPU; the only source of randomness.

    Returns
    -------
    torch.Tensor, shape (m,), int64
        Indices into OPERATIONS.
    """
    kind = torch.randint(_KINDS, (m,), generator=generator)
    axis = torch.randint(3, (m,), generator=generator)
    sense = torch.randint(2, (m,), generator=generator)
    # Layout of OPERATIONS: 0 identity, 1-6 rotations, 7-9 flips, 10-12 transpositions.
    index = 10 + axis
    index = torch.where(kind == _FLIP, 7 + axis, index)
    index = torch.where(kind == _ROTATION, 1 + 2 * axis + sense, index)
    return torch.where(kind == _IDENTITY, 0, index)


class Augmenter:
    """Random symmetry operations, one per sample and step.

    Parameters
    ----------
    kind : {"none", "thesis", "octahedral"}
        Which operations of the cube: none, the thesis' 13 at its odds, or all 48 at equal odds.
    roll : bool
        Whether samples are also moved along each axis by a random whole number of grid points.
    n : int
        Grid points per axis.
    device : torch.device
        Of the voxels.
    periodic : bool, optional
        Whether the grid repeats itself in space (true of all grids but ``cubic_box``).
    endpoint : bool, optional
        Whether the last plane of the grid repeats the first: n - 1 planes are then distinct, and
        they alone are moved.

    Raises
    ------
    PorevoxError
        For an unknown kind, or a roll on a grid that is not periodic.
    """

    def __init__(
        self,
        kind: str,
        roll: bool,
        n: int,
        device: torch.device,
        periodic: bool = True,
        endpoint: bool = False,
    ):
        if kind not in AUGMENTATIONS:
            raise PorevoxError(f"The augmentation must be one of {', '.join(AUGMENTATIONS)}, not {kind!r}.")
        if roll and not periodic:
            raise PorevoxError(
                "Random translations need a grid that repeats itself in space, and a cubic_box does "
                "not: leave them out, or choose another kind of grid."
            )
        self.kind, self.roll, self.n = kind, roll, n
        self.period = n - 1 if endpoint else n
        self._offsets = torch.stack([operation.offsets(n) for operation in CUBE_OPERATIONS]).to(device)
        self._line = torch.arange(n, device=device)

    def __bool__(self) -> bool:
        """Whether anything is ever moved."""
        return self.kind != "none" or self.roll

    def __call__(self, voxels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Apply one random operation to each sample of a batch.

        Parameters
        ----------
        voxels : torch.Tensor, shape (m, C, n, n, n)
            Not changed.
        generator : torch.Generator
            On the CPU; the only source of randomness.

        Returns
        -------
        torch.Tensor, shape (m, C, n, n, n)
            The samples in their old order, all channels of a sample moved alike; the voxels
            themselves where nothing is ever moved.
        """
        return self.moved(voxels, self.draw(len(voxels), generator)) if self else voxels

    def draw(self, m: int, generator: torch.Generator) -> torch.Tensor:
        """Draw the moves of m samples.

        Parameters
        ----------
        m : int
        generator : torch.Generator
            On the CPU. Nothing is drawn for what is switched off.

        Returns
        -------
        torch.Tensor, shape (m, 4), int64
            Place of the operation in CUBE_OPERATIONS, then the shift along each axis.
        """
        moves = torch.zeros(m, 4, dtype=torch.int64)
        if self.kind == "thesis":
            moves[:, 0] = torch.tensor(THESIS_NUMBERS)[draw_operations(m, generator)]
        elif self.kind == "octahedral":
            moves[:, 0] = torch.randint(len(CUBE_OPERATIONS), (m,), generator=generator)
        if self.roll:
            moves[:, 1:] = torch.randint(self.period, (m, 3), generator=generator)
        return moves

    def moved(self, voxels: torch.Tensor, moves: torch.Tensor) -> torch.Tensor:
        """Apply the operation, then the shift, to each sample.

        Parameters
        ----------
        voxels : torch.Tensor, shape (m, C, n, n, n)
            Not changed.
        moves : torch.Tensor, shape (m, 4)
            As of :meth:`draw`; on the CPU or on the voxels' device.

        Returns
        -------
        torch.Tensor, shape (m, C, n, n, n)
        """
        return self._one_by_one(voxels, moves) if voxels.device.type == "cpu" else self._gather(voxels, moves)

    def _one_by_one(self, voxels, moves):
        """On the CPU, where copies of single samples stay in the cache: half the time of a gather."""
        moved = torch.empty_like(voxels)
        for i, (number, *shifts) in enumerate(moves.tolist()):
            sample = CUBE_OPERATIONS[number](voxels[i])
            for dim, shift in zip(_AXES, shifts, strict=True):
                if shift:
                    sample = self._rolled(sample, shift, dim)
            moved[i] = sample
        return moved

    def _rolled(self, sample, shift, dim):
        """Move the distinct planes along one axis; a last plane that repeats the first follows it."""
        rolled = sample.narrow(dim, 0, self.period).roll(shift, dim)
        return rolled if self.period == self.n else torch.cat([rolled, rolled.narrow(dim, 0, 1)], dim)

    def _gather(self, voxels, moves):
        """On a GPU: the whole batch in one gather, with no wait for the device."""
        moves = on_device(moves, voxels.device)
        offsets = self._offsets[moves[:, 0]]
        if self.roll:
            lines = (self._line - moves[:, 1:, None]) % self.period
            offsets = offsets.gather(2, lines)
        sources = outer_sum(offsets)[:, None].expand(-1, voxels.shape[1], -1)
        return voxels.flatten(2).gather(2, sources).view(voxels.shape)


def on_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A small tensor of the CPU on a GPU, without waiting for what runs there.

    Parameters
    ----------
    tensor : torch.Tensor
    device : torch.device

    Returns
    -------
    torch.Tensor
        The tensor itself where it is there already.
    """
    if device.type == "cuda" and tensor.device.type == "cpu":
        # A copy from pageable memory would wait for the stream.
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def symmetry_views(voxels: torch.Tensor, k: int) -> Iterator[torch.Tensor]:
    """The first k of the cube's symmetries of a whole batch, for averages over predictions.

    Parameters
    ----------
    voxels : torch.Tensor, shape (m, C, n, n, n)
    k : int
        From 1 to 48; 1, 2, 4, 8, 24 and 48 are groups, for which the average is itself symmetric.

    Returns
    -------
    iterator of torch.Tensor, shape (m, C, n, n, n)
        The voxels themselves first.

    Raises
    ------
    PorevoxError
        For another k.
    """
    if not 1 <= k <= len(CUBE_OPERATIONS):
        raise PorevoxError(f"The number of symmetry views must be from 1 to 48, not {k}.")
    return (operation(voxels) for operation in CUBE_OPERATIONS[:k])
