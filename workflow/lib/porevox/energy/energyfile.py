"""Files of a shard that are complete under their name, or not there at all."""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Write a file under a temporary name; it takes its own name when all went well.

    The temporary name is always the same, so what a killed job leaves behind is overwritten by
    the next.

    Parameters
    ----------
    path : pathlib.Path
        The final name.

    Yields
    ------
    pathlib.Path
        Where to write, in the same folder.
    """
    temporary = path.with_name(f".{path.name}.partial")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def to_single(values: np.ndarray) -> np.ndarray:
    """Energies as they are stored; what is beyond single precision becomes infinite.

    Parameters
    ----------
    values : float64 array
        In the channel's unit.

    Returns
    -------
    float32 array of the same shape, C-contiguous
    """
    with np.errstate(over="ignore"):  # 1e39 K is as impenetrable as +inf
        return np.ascontiguousarray(values, dtype=np.float32)


class EnergyFile:
    """A NumPy file of energies that grows by one structure at a time.

    Parameters
    ----------
    path : pathlib.Path
        The final name; it appears when the ``with`` block ends without an exception.
    n : int
        Points along each axis of the grid.

    Attributes
    ----------
    rows : int
        Structures written so far.
    sha256 : str
        Digest of the raw bytes of the array, without the header; set at the end.
    """

    def __init__(self, path: Path, n: int):
        self.rows = 0
        self.sha256 = ""
        self._shape = (n, n, n)
        self._hash = hashlib.sha256()
        self._appearing = appearing(path)

    def __enter__(self) -> "EnergyFile":
        self._stream = self._appearing.__enter__().open("wb")
        self._stream.write(self._header())
        return self

    def append(self, energies: np.ndarray) -> None:
        """Write the energies of one structure.

        Parameters
        ----------
        energies : (n, n, n) float32
            Energies, K.
        """
        if energies.shape != self._shape or energies.dtype != np.float32:
            raise ValueError(f"expected float32 {self._shape}, got {energies.dtype} {energies.shape}")
        data = np.ascontiguousarray(energies, dtype="<f4").data.cast("B")
        self._stream.write(data)
        self._hash.update(data)
        self.rows += 1

    def __exit__(self, *exception) -> bool | None:
        try:
            if exception[0] is None:
                # The format leaves room in the header for the first dimension to grow.
                self._stream.seek(0)
                self._stream.write(self._header())
                self.sha256 = self._hash.hexdigest()
        finally:
            self._stream.close()
        return self._appearing.__exit__(*exception)

    def _header(self) -> bytes:
        stream = io.BytesIO()
        shape = (self.rows, *self._shape)
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
        return stream.getvalue()
