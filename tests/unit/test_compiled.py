"""Compiled functions and the cache of their machine code."""

import os
import shutil
import subprocess
import sys

import pytest

from porevox.energy import kernel

COLD_START = """
import numpy as np
from porevox.energy import image_list, kernel
images = np.full((5, 1 + image_list.PADDING), 0.0)
images[3:] = 1.0
out = np.empty((1, 1, 1))
kernel.sum_points(images, image_list.pad(images, 1), np.array([2.0, 0.0, 0.0]), np.eye(3),
                  np.ones(2, dtype=np.int64), 10.0, None, np.ones((1, 1, 1), dtype=bool),
                  np.empty((5, 5, 8 + image_list.PADDING)), out)
print(repr(float(out[0, 0, 0])))
"""
EXPECTED = repr(2.0**-12 - 2.0**-6)


def started(library, cache, **variables):
    env = {**os.environ, "PYTHONPATH": str(library), "NUMBA_CACHE_DIR": str(cache), **variables}
    return subprocess.Popen([sys.executable, "-c", COLD_START], env=env, stdout=subprocess.PIPE, text=True)


def cached(cache):
    """Files of machine code by the name of their function."""
    return sorted(path.name for path in cache.rglob("*.nbc") if "sum_points" in path.name)


@pytest.mark.slow
def test_many_processes_may_start_on_an_empty_cache(root, tmp_path):
    library = root / "workflow" / "lib"
    processes = [started(library, tmp_path) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in processes] == [EXPECTED] * 3
    assert cached(tmp_path)


@pytest.mark.slow
def test_a_function_that_contains_an_edited_one_is_compiled_anew(root, tmp_path):
    """numba itself looks only at the file in which a function stands."""
    library = tmp_path / "lib"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "workflow" / "lib" / "porevox", library / "porevox", ignore=ignore)
    assert started(library, tmp_path / "cache").communicate()[0].strip() == EXPECTED
    before = cached(tmp_path / "cache")
    pairs = library / "porevox" / "energy" / "line_kernel.py"
    text = pairs.read_text()
    assert text.count("a * inverse6 - b") == 1
    pairs.write_text(text.replace("a * inverse6 - b", "a * inverse6 - 2.0 * b"))
    again = started(library, tmp_path / "cache").communicate()[0].strip()
    assert again == repr(2.0**-12 - 2.0 * 2.0**-6)
    assert len(cached(tmp_path / "cache")) == len(before) + 1


@pytest.mark.slow
def test_another_processor_has_machine_code_of_its_own(root, tmp_path):
    library = root / "workflow" / "lib"
    other = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    for variables in ({}, other, {}, other):
        result = started(library, tmp_path, **variables).communicate()[0].strip()
        assert float(result) == pytest.approx(float(EXPECTED), rel=1e-14)
    [index] = [path for path in tmp_path.rglob("*.nbi") if "sum_points" in path.name]
    assert len(cached(tmp_path)) == 2
    assert index.stat().st_size > 0


def test_no_two_pieces_of_machine_code_have_one_name():
    """numba's numbers are taken twice when two processes save at the same time."""
    files = kernel.sum_points._cache._cache_file
    names = {files._data_name(1) for _ in range(100)}
    assert len(names) == 100
    assert all(name.endswith(".nbc") and name.startswith("kernel.sum_points-") for name in names)


def test_without_any_place_for_a_cache_the_kernel_still_works(root):
    no_place = (
        "from numba.core import caching\n"
        "for c in (caching.CompileResultCacheImpl, caching.CodeLibraryCacheImpl):\n"
        "    c._locator_classes = []\n"
    )
    uncached = "print(type(kernel.sum_points._cache).__name__)\n"
    env = {**os.environ, "PYTHONPATH": str(root / "workflow" / "lib")}
    done = subprocess.run(
        [sys.executable, "-c", no_place + COLD_START + uncached],
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [EXPECTED, "NullCache"], done.stderr
