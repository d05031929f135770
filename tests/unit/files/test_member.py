"""A table in an archive is read where it lies; what is wrong with the archive is one sentence."""

import gzip
import io
import random
import tarfile
import zipfile

import pytest

from porevox.errors import PorevoxError
from porevox.files import archive
from porevox.files.member import check_whole, open_member

FILES = {
    "README": b"read me",
    "./data/labels.csv": b"id,y\na,1\n",
    "b/other_labels.csv": b"x",
    "b/labels.csv": b"2nd",
}


def tar(path, files=FILES, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def zipped(path, files=FILES):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.removeprefix("./"), content)
    return path


def folder(path, files=FILES):
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


@pytest.mark.parametrize("make", [tar, zipped, folder])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("README", b"read me"),
        ("data/labels.csv", FILES["./data/labels.csv"]),
        ("b/labels.csv", b"2nd"),
        ("other_labels.csv", b"x"),
    ],
)
def test_a_member_is_found_by_its_path_or_the_end_of_it(tmp_path, make, name, content):
    with open_member(make(tmp_path / "x"), name) as stream:
        assert stream.read() == content


def test_the_first_of_several_is_meant(tmp_path):
    with open_member(tar(tmp_path / "x"), "labels.csv") as stream:
        assert stream.read() == FILES["./data/labels.csv"]


@pytest.mark.parametrize("make", [tar, zipped])
def test_a_member_of_any_size_is_read_a_piece_at_a_time(tmp_path, monkeypatch, make):
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 1_000_000)
    content = bytes(range(256)) * 20_000
    with open_member(make(tmp_path / "x", {"t.csv": content}), "t.csv") as stream:
        assert b"".join(iter(lambda: stream.read(100_000), b"")) == content


@pytest.mark.parametrize("make", [tar, zipped, folder])
def test_a_member_that_is_not_there(tmp_path, make):
    with pytest.raises(PorevoxError, match=r"holds no file `abels.csv`: it holds .*README.*correct `member`"):
        with open_member(make(tmp_path / "x"), "abels.csv"):
            pass


def test_a_link_is_not_followed(tmp_path):
    with tarfile.open(tmp_path / "x", "w") as archive:
        info = tarfile.TarInfo("labels.csv")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(PorevoxError, match="holds no file"), open_member(tmp_path / "x", "labels.csv"):
        pass


def test_a_truncation_shows_while_reading(tmp_path):
    path = tar(tmp_path / "x", {"t.csv": random.Random(0).randbytes(500_000)})
    path.write_bytes(path.read_bytes()[:-100_000])
    with pytest.raises(PorevoxError, match="truncated or corrupt"), open_member(path, "t.csv") as stream:
        stream.read()


def test_what_is_done_with_a_member_is_not_the_archives_fault(tmp_path):
    with pytest.raises(ValueError, match="mine"), open_member(tar(tmp_path / "x"), "README"):
        raise ValueError("mine")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_what_is_whole_and_what_is_not(tmp_path, mode):
    path = tar(tmp_path / "x", {"t.csv": b"1" * 5000, "u": b"2"}, mode)
    check_whole(path)
    content = path.read_bytes()
    for cut in (1, len(content) // 3, len(content) * 2 // 3) if mode != "w" else (len(content) - 6000,):
        path.write_bytes(content[:-cut])
        with pytest.raises(PorevoxError, match="truncated or corrupt"):
            check_whole(path)


def test_a_flipped_bit_in_a_member_of_a_zip(tmp_path):
    path = tmp_path / "x"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.cif", bytes(range(256)) * 100)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(PorevoxError, match="truncated or corrupt"):
        check_whole(path)


def test_a_web_page_compressed_on_its_way_is_no_archive(tmp_path):
    path = tmp_path / "x.tar.gz"
    path.write_bytes(gzip.compress(b"<!DOCTYPE html><html>Log in</html>"))
    with pytest.raises(PorevoxError, match="a compressed web page"):
        check_whole(path)


def test_a_whole_zip_and_a_flipped_bit(tmp_path):
    path = zipped(tmp_path / "x")
    check_whole(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(PorevoxError, match="truncated or corrupt"):
        check_whole(path)
    content = bytearray(gzip.compress(b"1" * 5000))
    content[-6] ^= 1
    path.write_bytes(content)
    with pytest.raises(PorevoxError, match="truncated or corrupt"):
        check_whole(path)
