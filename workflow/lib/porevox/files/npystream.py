"""NumPy files of many equal blocks, read a few rows at a time: from a stream, or mapped from disk.

The header is read by NumPy's own format module and never lets pickled objects through.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from porevox.errors import PorevoxError

#: Bytes read at a time.
BLOCK_BYTES = 16_000_000
_READERS: dict[tuple[int, int], Callable[..., tuple]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class Stream(Protocol):
    """Bytes that come one after the other."""

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes."""


@dataclass(frozen=True)
class NpyHeader:
    """What the header of a NumPy file says.

    Parameters
    ----------
    shape : tuple of int
        The first axis counts rows.
    dtype : numpy.dtype
        Floating point.
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize


def read_header(stream: Stream, where: str) -> NpyHeader:
    """Read the header of a NumPy file and leave the stream at its first number.

    Parameters
    ----------
    stream : Stream
        At the start of the file.
    where : str
        Names the file in messages.

    Returns
    -------
    NpyHeader

    Raises
    ------
    PorevoxError
        It is no NumPy file, or not of numbers in C order with float16, float32 or float64.
    """
    try:
        version = np.lib.format.read_magic(stream)  # type: ignore[arg-type]  # it names the size
        shape, fortran, dtype = _READERS[version](stream)
    except (ValueError, KeyError, EOFError) as error:
        reason = " ".join(str(error).split())[:200]
        raise PorevoxError(
            f"{where} is no NumPy file that can be read here ({reason}): check the path."
        ) from error
    if dtype.kind != "f" or dtype.itemsize not in (2, 4, 8):
        raise PorevoxError(f"{where} holds {dtype}, but float16, float32 or float64 is needed: convert it.")
    if fortran:
        raise PorevoxError(f"{where} is in Fortran order: save it again with numpy.ascontiguousarray.")
    return NpyHeader(shape, dtype)


def stream_rows(stream: Stream, header: NpyHeader, where: str) -> Iterator[np.ndarray]:
    """Read the rows of a NumPy file from a stream.

    Parameters
    ----------
    stream : Stream
        Behind the header.
    header : NpyHeader
    where : str
        Names the file in messages.

    Yields
    ------
    ndarray, shape (k, ...)
        Some rows, all of them in all; read-only. About :data:`BLOCK_BYTES`.

    Raises
    ------
    PorevoxError
        The stream ends too early.
    """
    for start, stop in _blocks(header):
        size = (stop - start) * header.row_bytes
        data = stream.read(size)
        if len(data) != size:
            raise PorevoxError(
                f"{where} ends within row {start + len(data) // header.row_bytes} of {header.shape[0]}: it "
                "is truncated, retrieve it again."
            )
        yield np.frombuffer(data, header.dtype).reshape(stop - start, *header.shape[1:])


def mapped_rows(path: Path, header: NpyHeader) -> Iterator[np.ndarray]:
    """Read the rows of a NumPy file on disk, memory-mapped.

    Parameters
    ----------
    path : pathlib.Path
        Of the file.
    header : NpyHeader

    Yields
    ------
    ndarray, shape (k, ...)
        As for :func:`stream_rows`.

    Raises
    ------
    PorevoxError
        The file is shorter than its header says.
    """
    for start, stop in _blocks(header):
        try:
            # mapped anew: the pages of what was read before are given back
            rows = np.load(path, mmap_mode="r", allow_pickle=False)[start:stop]
        except (OSError, ValueError, EOFError) as error:
            raise PorevoxError(f"{path} cannot be read ({error}): it is truncated, copy it again.") from error
        yield rows


def _blocks(header: NpyHeader) -> Iterator[tuple[int, int]]:
    """First and last row (exclusive) of each block."""
    n_rows, step = header.shape[0], max(1, BLOCK_BYTES // max(header.row_bytes, 1))
    for start in range(0, n_rows, step):
        yield start, min(start + step, n_rows)
