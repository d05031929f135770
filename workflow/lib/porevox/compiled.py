"""Compiled functions: how numba is used everywhere in this library."""

import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path

import llvmlite.binding
import numba

#: Folders with compiled functions, which call and contain one another.
_FOLDERS = ("crystal", "energy")


def _stamp() -> str:
    """What the machine code depends on beyond the file a function stands in: 12 digits.

    numba looks only at that file when it asks whether its cache is up to date, but compiled
    functions contain those of other files; and nodes with different processors may share a cache.
    """
    known = hashlib.sha256(llvmlite.binding.get_host_cpu_name().encode())
    known.update(llvmlite.binding.get_host_cpu_features().flatten().encode())
    for folder in _FOLDERS:
        for path in sorted((Path(__file__).parent / folder).glob("*.py")):
            known.update(path.read_bytes())
    return known.hexdigest()[:12]


_STAMP = _stamp()


def _never_shared(dispatcher):
    """Give every piece of machine code a file name of its own.

    numba numbers them. Two processes that compile a function for different types of arguments at
    the same time may take the same number, and the index then leads to the other's code. With
    names that are never used twice, the worst is that one of the two is compiled once more.
    """
    files = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if files is None:  # nothing is compiled (NUMBA_DISABLE_JIT), or nothing kept
        return dispatcher
    stem = files._index_name.removesuffix(".nbi")
    files._data_name = lambda number: f"{stem}.{uuid.uuid4().hex[:12]}.nbc"
    return dispatcher


def jit(**options) -> Callable:
    """Decorate a function to be compiled when it is first called.

    The machine code is kept on disk where there is a place for it: beside the module, or in the
    user's cache. A change of any compiled function, and another type of processor, have files of
    their own, each written under a temporary name first and named like no other; so jobs that start at
    the same time on different nodes do not get in each other's way.

    Parameters
    ----------
    **options
        Of :func:`numba.njit`; the interpreter's lock is always released, and division by zero
        gives infinity.

    Returns
    -------
    callable
        The decorator.
    """
    options = {"nogil": True, "error_model": "numpy", **options}

    def decorate(function):
        name = function.__qualname__
        function.__qualname__ = f"{name}-{_STAMP}"  # the cache's files are named after it
        try:
            return _never_shared(numba.njit(cache=True, **options)(function))
        except RuntimeError:  # neither the module's folder nor the user's cache can be written
            return numba.njit(**options)(function)
        finally:
            function.__qualname__ = name

    return decorate
