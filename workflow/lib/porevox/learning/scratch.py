"""Room for arrays that may be larger than the memory: files that the system keeps in memory while it can."""

import os
import tempfile
from collections.abc import Sequence
from mmap import ACCESS_WRITE, mmap

import numpy as np

#: Arrays of at least so many bytes lie in a file: 8,600 structures with one channel at n = 25.
FILE_FROM_BYTES = 2**29


def room(shape: Sequence[int], dtype=np.float32, file_from_bytes: int | None = None) -> np.ndarray:
    """Array without content, writable.

    Parameters
    ----------
    shape : sequence of int
    dtype : dtype-like
    file_from_bytes : int, optional
        An array of so many bytes or more, FILE_FROM_BYTES where not given, is mapped from a nameless
        file in the folder for temporary files (TMPDIR). While memory is free that is as fast as memory;
        where it is not, the system drops pages and reads them again, instead of ending the process.

    Returns
    -------
    numpy.ndarray
        In memory also where that folder has no room; the file is gone with the array.
    """
    n_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    limit = FILE_FROM_BYTES if file_from_bytes is None else file_from_bytes
    if n_bytes < max(limit, 1):
        return np.empty(shape, dtype)
    try:
        with tempfile.TemporaryFile(prefix="porevox-") as file:
            # reserved now: a disk that fills later would end the process at a write into the array
            os.posix_fallocate(file.fileno(), 0, n_bytes)
            content = mmap(file.fileno(), n_bytes, access=ACCESS_WRITE)
    except (OSError, AttributeError):  # no room there, or a system without that call
        return np.empty(shape, dtype)
    return np.frombuffer(content, dtype).reshape(shape)
