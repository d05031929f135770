"""Data augmentation: symmetry operations of the cube that leave the uptake unchanged.

Thesis, section 3.3.3 and figure 3.2: at each step every sample of a batch undergoes, with equal
odds, the identity, a rotation by 90 degrees (either sense, about one of three axes), a flip along
one of three axes, or a reflection, i.e. the transposition of one of three pairs of axes. Of the 48
symmetries of the cube these are 13 operations.
"""

from functools import partial

import torch

#: Tensor dimensions of the three grid axes, counted from the end.
_AXES = (-3, -2, -1)
#: The pair of dimensions perpendicular to each axis: the plane of a rotation or a transposition.
_PLANES = ((-2, -1), (-3, -1), (-3, -2))
_KINDS = 4
_IDENTITY, _ROTATION, _FLIP = range(3)


def _identity(voxels):
    return voxels


#: (name, function on (..., n, n, n) tensors) of the 13 operations, in the order of draw_operations.
OPERATIONS = (
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


def augment(voxels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Apply one random operation to each sample of a batch.

    Parameters
    ----------
    voxels : torch.Tensor, shape (m, C, n, n, n)
        Not changed.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    torch.Tensor, shape (m, C, n, n, n)
        The samples in their old order, all channels of a sample moved alike.
    """
    drawn = draw_operations(len(voxels), generator)
    moved = torch.empty_like(voxels)
    # Samples are grouped by operation: 13 tensor calls a batch, whatever the batch's size.
    for index in drawn.unique().tolist():
        samples = (drawn == index).nonzero().squeeze(1).to(voxels.device)
        moved.index_copy_(0, samples, OPERATIONS[index][1](voxels[samples]))
    return moved
