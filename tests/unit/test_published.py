"""Published voxels become shards like our own: every name accounted for, nothing loaded whole."""

import csv
import io
import json
import subprocess
import sys
import tarfile
import zipfile

import numpy as np
import pytest

from porevox import published, voxels
from porevox.errors import REASONS, PorevoxError
from porevox.published import convert_part
from published_archive import npy_bytes, part, write_archive

N = 4
TRAIN = part("train")


def factors(m=6, n=N, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).uniform(0, 300, (m, n, n, n)).astype(dtype)


def convert(source, out, entry=TRAIN, holds="boltzmann_factor", n=N):
    return convert_part(source, entry, holds, 298.0 if holds == "boltzmann_factor" else None, n, out)


def rows(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def names_of(m):
    return [f"str_m{k}_o1_o12_pcu_sym.{k}" for k in range(m)]


def archive(tmp_path, array, names=None, **how):
    names = names_of(len(array)) if names is None else names
    return write_archive(tmp_path / "data.tar.gz", {"train": (names, array)}, **how)


def test_a_shard_has_the_files_and_columns_of_our_own():
    assert published.INDEX_COLUMNS == voxels.INDEX_COLUMNS
    assert published.LEDGER_COLUMNS == voxels.LEDGER_COLUMNS


@pytest.mark.parametrize("names_first", [True, False])
@pytest.mark.parametrize("prefix", ["", "./"])
def test_a_part_becomes_a_shard(tmp_path, names_first, prefix):
    array = factors()
    source = archive(tmp_path, array, names_first=names_first, prefix=prefix)
    record = convert(source, tmp_path / "out")
    assert np.array_equal(np.load(tmp_path / "out/energies.npy"), array)
    index = rows(tmp_path / "out/index.csv")
    assert [(row["id"], row["row"]) for row in index] == [(n, str(k)) for k, n in enumerate(names_of(6))]
    assert rows(tmp_path / "out/ledger.csv") == []
    assert json.loads((tmp_path / "out/shard.json").read_text()) == record
    assert record["quantity"] == "boltzmann_factor" and record["temperature_K"] == 298.0
    assert record["n_structures"] == record["n_published"] == 6 and len(record["energies_sha256"]) == 64


def test_the_source_of_the_bytes_does_not_matter(tmp_path):
    array, entry = factors(), TRAIN
    folder = tmp_path / "folder"
    (folder / entry["voxels"]).parent.mkdir(parents=True)
    (folder / entry["voxels"]).write_bytes(npy_bytes(array))
    (folder / entry["names"]).write_text(json.dumps(names_of(6)))  # a plain list, too
    sources = [archive(tmp_path, array), folder]
    with zipfile.ZipFile(tmp_path / "data.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(folder / entry["voxels"], entry["voxels"])
        packed.write(folder / entry["names"], entry["names"])
    sources += [tmp_path / "data.zip", write_archive(tmp_path / "data.tar", {"train": (names_of(6), array)})]
    found = {convert(source, tmp_path / f"out{k}")["energies_sha256"] for k, source in enumerate(sources)}
    assert len(found) == 1
    tables = {(tmp_path / f"out{k}/index.csv").read_bytes() for k in range(len(sources))}
    assert len(tables) == 1


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4"])
@pytest.mark.parametrize("shape", [(5, N, N, N), (5, 1, N, N, N), (5, N, N, N, 1)])
def test_other_precisions_and_an_axis_for_the_channel(tmp_path, dtype, shape):
    array = factors(5).astype(dtype)
    convert(archive(tmp_path, array.reshape(shape)), tmp_path / "out")
    stored = np.load(tmp_path / "out/energies.npy")
    assert stored.dtype == np.float32 and np.array_equal(stored, array.astype(np.float32))


@pytest.mark.parametrize(
    ("value", "reason"),
    [(np.nan, "voxels_not_finite"), (np.inf, "voxels_not_finite"), (-0.5, "negative_factor")],
)
@pytest.mark.parametrize("names_first", [True, False])
def test_faulty_factors_are_left_out_by_name(tmp_path, value, reason, names_first):
    array = factors(8)
    array[3, 1, 2, 3] = value
    record = convert(archive(tmp_path, array, names_first=names_first), tmp_path / "out")
    (rejected,) = rows(tmp_path / "out/ledger.csv")
    assert rejected["id"] == names_of(8)[3] and rejected["reason"] == reason in REASONS
    index = rows(tmp_path / "out/index.csv")
    stored = np.load(tmp_path / "out/energies.npy")
    assert len(index) == len(stored) == record["n_structures"] == 7 and record["n_rejected"] == 1
    for row in index:
        assert np.array_equal(stored[int(row["row"])], array[names_of(8).index(row["id"])])
    # the place of every published name is kept
    listed = rows(tmp_path / "out/names.csv")
    assert [row["id"] for row in listed] == names_of(8) and [row["position"] for row in listed][-1] == "7"


def test_factors_beyond_single_precision_are_not_finite_and_a_zero_is_legal(tmp_path):
    array = factors(3, dtype=np.float64)
    array[0, 0, 0, 0] = 1e39
    array[1] = 0.0
    convert(archive(tmp_path, array), tmp_path / "out")
    assert [row["id"] for row in rows(tmp_path / "out/ledger.csv")] == names_of(3)[:1]


def test_energies_may_be_infinite_and_negative_but_not_minus_infinite(tmp_path):
    array = factors(4) - 150
    array[0, 0, 0, 0], array[1] = np.inf, np.inf
    array[2, 0, 0, 0], array[3, 0, 0, 0] = -np.inf, np.nan
    record = convert(archive(tmp_path, array), tmp_path / "out", holds="energy_K")
    assert record["quantity"] == "energy" and record["unit"] == "K" and record["n_structures"] == 2
    assert [row["id"] for row in rows(tmp_path / "out/ledger.csv")] == names_of(4)[2:]


@pytest.mark.parametrize("names_first", [True, False])
def test_of_a_name_that_stands_twice_the_first_counts(tmp_path, names_first):
    names = ["a.cif", "b", "a", "", 7, "c"]
    array = factors()
    convert(archive(tmp_path, array, names, names_first=names_first), tmp_path / "out")
    index = {row["id"]: int(row["row"]) for row in rows(tmp_path / "out/index.csv")}
    stored = np.load(tmp_path / "out/energies.npy")
    assert list(index) == ["a", "b", "c"]
    assert all(
        np.array_equal(stored[index[name]], array[k]) for name, k in zip("abc", (0, 1, 5), strict=True)
    )
    reasons = [row["reason"] for row in rows(tmp_path / "out/names.csv")]
    assert reasons == ["", "", "duplicate_id", "bad_name", "bad_name", ""] and set(reasons) - {""} <= set(
        REASONS
    )


@pytest.mark.parametrize(
    ("array", "names", "sentence"),
    [
        (factors(6), names_of(5), "5 names, but .*clean_voxels.npy holds 6 structures: they do not belong"),
        (factors(2, 5), None, r"shape \(2, 5, 5, 5\), but `voxels.grid.n` says \(N, 4, 4, 4\)"),
        (np.zeros((2, 2, N, N, N), np.float32), None, r"has the shape \(2, 2, 4, 4, 4\)"),
        (np.zeros((0, N, N, N), np.float32), None, r"has the shape \(0, 4, 4, 4\)"),
        (np.zeros(3, np.float32), None, r"has the shape \(3,\)"),
        (np.zeros((2, N, N, N), int), None, "holds int64"),
        (np.asfortranarray(factors(2)), None, "Fortran order"),
    ],
)
@pytest.mark.parametrize("names_first", [True, False])
def test_what_cannot_be_used_is_refused_in_one_sentence(tmp_path, array, names, sentence, names_first):
    source = archive(tmp_path, array, names, names_first=names_first)
    with pytest.raises(PorevoxError, match=sentence):
        convert(source, tmp_path / "out")
    assert not (tmp_path / "out/shard.json").exists()


def test_a_member_that_is_missing_is_named_with_those_that_look_like_it(tmp_path):
    source = archive(tmp_path, factors())
    with pytest.raises(PorevoxError, match="holds no elsewhere/clean_names.json.*batch_train/clean_names"):
        convert(source, tmp_path / "out", {**TRAIN, "names": "elsewhere/clean_names.json"})
    (tmp_path / "folder").mkdir()
    with pytest.raises(PorevoxError, match="folder/data/MOFs/batch_train/clean_names.json does not exist"):
        convert(tmp_path / "folder", tmp_path / "out")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "data.tar", "w") as packed:
        info = tarfile.TarInfo(TRAIN["voxels"])
        info.type, info.linkname = kind, "/etc/passwd"
        packed.addfile(info)
    with pytest.raises(PorevoxError, match="is not read: the member is a link or a device"):
        convert(tmp_path / "data.tar", tmp_path / "out")


@pytest.mark.parametrize("text", ["{", '{"mofs": []}', '"names"', "7"])
def test_names_that_are_no_list_are_refused(tmp_path, text):
    with tarfile.open(tmp_path / "data.tar", "w") as packed:
        info = tarfile.TarInfo(TRAIN["names"])
        info.size = len(text)
        packed.addfile(info, io.BytesIO(text.encode()))
    with pytest.raises(PorevoxError, match="clean_names.json in .* is (no valid JSON|neither a list)"):
        convert(tmp_path / "data.tar", tmp_path / "out")


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_truncated_archive_is_told_and_leaves_no_shard(tmp_path, share):
    source = archive(tmp_path, factors(40))
    content = source.read_bytes()
    source.write_bytes(content[: int(share * len(content))])
    with pytest.raises(PorevoxError, match="truncated"):
        convert(source, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_corrupt_byte_is_found_wherever_it_is(tmp_path):
    """Also behind what is read: only the checksum at the very end tells that what came before is right."""
    parts = {"train": (names_of(6), factors()), "val_test": (names_of(6), factors(seed=1))}
    source = write_archive(tmp_path / "data.tar.gz", parts)
    content = bytearray(source.read_bytes())
    content[-8] ^= 1  # in the checksum itself
    source.write_bytes(content)
    with pytest.raises(PorevoxError, match="data.tar.gz is truncated or corrupt .CRC check failed"):
        convert(source, tmp_path / "out")
    assert not (tmp_path / "out/shard.json").exists()


def test_an_array_that_is_larger_than_its_member_is_refused_before_anything_is_copied(tmp_path):
    short = npy_bytes(factors(6))[:-1000]
    with tarfile.open(tmp_path / "data.tar", "w") as packed:
        info = tarfile.TarInfo(TRAIN["voxels"])
        info.size = len(short)
        packed.addfile(info, io.BytesIO(short))
    with pytest.raises(PorevoxError, match="6 structures need 1536: it is truncated"):
        convert(tmp_path / "data.tar", tmp_path / "out")


def test_progress_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("porevox.files.npystream.BLOCK_BYTES", 2 * 4 * N**3)
    said = []
    arguments = (TRAIN, "boltzmann_factor", 298.0, N, tmp_path / "out")
    convert_part(archive(tmp_path, factors(5)), *arguments, progress=lambda *counts: said.append(counts))
    assert said == [(2, 5), (4, 5), (5, 5)]


_CHILD = """
import re, sys
from pathlib import Path
from published_archive import part
from porevox.published import convert_part
convert_part(sys.argv[1], part("train"), "boltzmann_factor", 298.0, 25, sys.argv[2])
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""


class Repeated(io.RawIOBase):
    """A NumPy file of many equal structures, made as it is read; easy to compress."""

    def __init__(self, n_rows):
        self._row = np.tile(np.random.default_rng(0).uniform(0, 300, 125), 125).tobytes()
        stream = io.BytesIO()
        shape = (n_rows, 25, 25, 25)
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": shape})
        self._head, self._place = stream.getvalue(), 0
        self.size = len(self._head) + n_rows * len(self._row)

    def read(self, size=-1):
        size = min(size, self.size - self._place)
        start, self._place = self._place, self._place + size
        head = self._head[start : start + size]
        start = max(start - len(self._head), 0) % len(self._row)
        copies = (start + size) // len(self._row) + 1
        return head + (self._row * copies)[start : start + size - len(head)]


@pytest.mark.slow
def test_the_memory_of_two_gigabytes_is_that_of_a_few_blocks(tmp_path, root):
    peaks = {}
    for n_rows in (100, 16_000):  # 2 GB in double precision
        names = json.dumps({"names": [f"mof{k}" for k in range(n_rows)]}).encode()
        source = tmp_path / f"{n_rows}.tar.gz"
        with tarfile.open(source, "w:gz", compresslevel=1) as packed:
            for name, stream, size in (
                (TRAIN["voxels"], array := Repeated(n_rows), array.size),
                (TRAIN["names"], io.BytesIO(names), len(names)),
            ):
                info = tarfile.TarInfo(name)
                info.size = size
                packed.addfile(info, stream)
        command = [sys.executable, "-c", _CHILD, str(source), str(tmp_path / f"out{n_rows}")]
        path = {"PYTHONPATH": f"{root / 'workflow/lib'}:{root / 'tests'}", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        peaks[n_rows] = float(done.stdout)
    stored = np.load(tmp_path / "out16000/energies.npy", mmap_mode="r")
    assert stored.shape == (16_000, 25, 25, 25) and np.array_equal(stored[-1], stored[0])
    # MB; what grows is the list of names
    assert peaks[16_000] - peaks[100] < 60, peaks
