"""NumPy files read a few rows at a time: the same numbers as at once, or one clear sentence."""

import io

import numpy as np
import pytest

from porevox.errors import PorevoxError
from porevox.files import npystream
from porevox.files.npystream import mapped_rows, read_header, stream_rows


def npy(array, version=(1, 0)):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version)
    return stream.getvalue()


@pytest.fixture
def few_bytes(monkeypatch):
    """Blocks of three rows of eight doubles."""
    monkeypatch.setattr(npystream, "BLOCK_BYTES", 3 * 8 * 8 + 5)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", ">f8"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_rows_are_those_of_numpy_from_a_stream_and_from_disk(few_bytes, tmp_path, dtype, version):
    array = np.random.default_rng(0).normal(size=(8, 2, 4)).astype(dtype)
    (tmp_path / "a.npy").write_bytes(npy(array, version))
    with open(tmp_path / "a.npy", "rb") as stream:
        header = read_header(stream, "a.npy")
        blocks = list(stream_rows(stream, header, "a.npy"))
        assert stream.read() == b""
    assert header.shape == (8, 2, 4) and header.dtype == dtype and header.row_bytes == array[0].nbytes
    assert max(block.nbytes for block in blocks) <= npystream.BLOCK_BYTES
    mapped = list(mapped_rows(tmp_path / "a.npy", header))
    for found in (blocks, mapped):
        assert np.array_equal(np.concatenate(found), array)
    if dtype.endswith("8"):
        assert [len(block) for block in blocks] == [len(block) for block in mapped] == [3, 3, 2]


def test_rows_larger_than_a_block_come_one_by_one(few_bytes):
    array = np.zeros((3, 50), np.float64)
    stream = io.BytesIO(npy(array))
    header = read_header(stream, "a.npy")
    assert [len(block) for block in stream_rows(stream, header, "a.npy")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04 not an array", "a.npy is no NumPy file that can be read here .*magic string"),
        (b"", "a.npy is no NumPy file"),
        (npy(np.zeros((2, 3)))[:20], "a.npy is no NumPy file"),
        (b"\x93NUMPY\x09\x00" + bytes(100), "a.npy is no NumPy file"),
        (npy(np.zeros((2, 3), np.int32)), "a.npy holds int32, but float16, float32 or float64 is needed"),
        (npy(np.zeros((2, 3), np.complex64)), "a.npy holds complex64"),
        (npy(np.asfortranarray(np.zeros((2, 3)))), "Fortran order"),
    ],
)
def test_other_files_are_refused(content, sentence):
    with pytest.raises(PorevoxError, match=sentence):
        read_header(io.BytesIO(content), "a.npy")


def test_pickled_objects_are_never_loaded(tmp_path):
    array = np.empty(2, object)
    array[:] = [None, {}]
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with open(tmp_path / "a.npy", "rb") as stream, pytest.raises(PorevoxError, match="holds object"):
        read_header(stream, "a.npy")


def test_a_stream_that_ends_too_early_says_where(few_bytes):
    stream = io.BytesIO(npy(np.zeros((8, 2, 4)))[:-70])
    header = read_header(stream, "a.npy")
    with pytest.raises(PorevoxError, match="a.npy ends within row 6 of 8: it is truncated"):
        list(stream_rows(stream, header, "a.npy"))


def test_a_file_shorter_than_its_header_says_is_refused(tmp_path):
    content = npy(np.zeros((8, 2, 4)))
    (tmp_path / "a.npy").write_bytes(content[:-8])
    header = read_header(io.BytesIO(content), "a.npy")
    with pytest.raises(PorevoxError, match="a.npy cannot be read .*truncated"):
        list(mapped_rows(tmp_path / "a.npy", header))
