"""Reading archives must be safe, complete or loud, and independent of how they were packed."""

import bz2
import gzip
import io
import lzma
import os
import random
import stat
import tarfile
import tracemalloc
import zipfile

import pytest

from porevox.errors import PorevoxError
from porevox.files.archive import MAX_MEMBER_BYTES, members

FILES = {"b.cif": b"data_b\n" * 300, "sub/a.cif": b"data_a\n", "notes.txt": b"x", "C.CIF": b""}


def write_tar(path, files=FILES, mode="w", links=()):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, kind in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "b.cif"
            archive.addfile(info)
    return path


def write_zip(path, files=FILES):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_folder(path, files=FILES):
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def read_all(source, suffix=""):
    return [(member.name, member.read()) for member in members(source, suffix)]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_tars_keep_their_order(tmp_path, mode):
    assert read_all(write_tar(tmp_path / "a", mode=mode)) == list(FILES.items())


def test_zip_keeps_its_order(tmp_path):
    assert read_all(write_zip(tmp_path / "a")) == list(FILES.items())


def test_folder_is_sorted_and_suffix_has_no_case(tmp_path):
    names = [name for name, _ in read_all(write_folder(tmp_path / "f"), ".cif")]
    assert names == ["C.CIF", "b.cif", "sub/a.cif"]


def test_sizes_are_those_of_the_content(tmp_path):
    for source in (
        write_folder(tmp_path / "f"),
        write_zip(tmp_path / "z"),
        write_tar(tmp_path / "t"),
    ):
        assert {m.name: m.size for m in members(source)} == {n: len(c) for n, c in FILES.items()}


def test_a_leading_dot_of_tar_is_dropped(tmp_path):
    write_tar(tmp_path / "t", {"./a.cif": b"1"})
    assert read_all(tmp_path / "t") == [("a.cif", b"1")]


def test_litter_of_macos_is_ignored(tmp_path):
    files = {"a.cif": b"1", "__MACOSX/a.cif": b"2", "s/._a.cif": b"3"}
    for source in (
        write_folder(tmp_path / "f", files),
        write_zip(tmp_path / "z", files),
        write_tar(tmp_path / "t", files),
    ):
        assert read_all(source) == [("a.cif", b"1")]


UNSAFE = ["/etc/a.cif", "../a.cif", "x/../../a.cif", "C:/a.cif", "C:\\a.cif", "..\\a.cif", "\\a.cif"]


@pytest.mark.parametrize("name", UNSAFE)
@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_names_that_climb_out_are_refused(tmp_path, write, name):
    found = list(members(write(tmp_path / "a", {name: b"1", "ok..cif": b"2"})))
    assert [m.problem and m.problem[0] for m in found] == ["unsafe_path", None]


def test_links_and_devices_in_tars_are_refused(tmp_path):
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
    links = [(f"{i}.cif", kind) for i, kind in enumerate(kinds)]
    found = list(members(write_tar(tmp_path / "t", {}, links=links)))
    assert [m.problem[0] for m in found] == ["not_a_file"] * 4


def test_links_in_zips_are_refused(tmp_path):
    info = zipfile.ZipInfo("l.cif")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    write_zip(tmp_path / "z", {info: b"/etc/passwd"})
    assert [m.problem[0] for m in members(tmp_path / "z")] == ["not_a_file"]


def test_windows_zips_have_folders(tmp_path):
    info = zipfile.ZipInfo("MOFs\\a.cif")
    info.create_system = 0
    assert read_all(write_zip(tmp_path / "z", {info: b"1"})) == [("MOFs/a.cif", b"1")]


def test_linked_files_and_folders_of_a_folder_are_followed(tmp_path):
    write_folder(tmp_path / "far", {"a.cif": b"1", "deep/b.cif": b"2"})
    near = write_folder(tmp_path / "near", {"c.cif": b"3"})
    (near / "link.cif").symlink_to(tmp_path / "far" / "a.cif")
    (near / "linked").symlink_to(tmp_path / "far" / "deep")
    (near / "loop").symlink_to(near)
    assert read_all(near) == [("c.cif", b"3"), ("link.cif", b"1"), ("linked/b.cif", b"2")]


def test_broken_links_and_pipes_of_a_folder_are_refused(tmp_path):
    (tmp_path / "a.cif").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "b.cif")
    assert [m.problem[0] for m in members(tmp_path)] == ["not_a_file"] * 2


def test_names_that_are_not_unicode_become_printable(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.cif")).write_bytes(b"1")
    assert read_all(tmp_path) == [("caf\\udce9.cif", b"1")]


@pytest.mark.parametrize("write", [write_tar, write_zip, write_folder])
def test_bombs_are_not_inflated(tmp_path, write):
    bomb = {"bomb.cif": bytes(MAX_MEMBER_BYTES + 1), "a.cif": b"1"}
    source = write(tmp_path / "a", bomb)
    if write is write_tar:
        (tmp_path / "gz").write_bytes(gzip.compress(source.read_bytes(), 1))
        source = tmp_path / "gz"
    tracemalloc.start()
    problems = {m.name: m.problem and m.problem[0] for m in members(source)}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert problems == {"bomb.cif": "too_large", "a.cif": None}
    assert peak < 5e6


def test_memory_does_not_grow_with_the_archive(tmp_path):
    write_tar(tmp_path / "t", {f"{number}.cif": b"" for number in range(5000)})
    tracemalloc.start()
    count = sum(1 for _ in members(tmp_path / "t"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 5000
    assert peak < 2e6


def test_a_forged_header_does_not_fill_the_memory(tmp_path):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 2 * MAX_MEMBER_BYTES
    zeros = bytes(2 * MAX_MEMBER_BYTES)
    (tmp_path / "t").write_bytes(gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + zeros, 1))
    with pytest.raises(PorevoxError, match="claims"):
        read_all(tmp_path / "t")


def test_the_end_of_every_file_is_needed(tmp_path):
    """Cutting a compressed tar anywhere, however little, is noticed."""
    for compress in (gzip.compress, bz2.compress, lzma.compress):
        whole = compress(write_tar(tmp_path / "t").read_bytes())
        for cut in (1, 4, 9, len(whole) // 2, len(whole) - 30):
            (tmp_path / "cut.tar.gz").write_bytes(whole[:-cut])
            with pytest.raises(PorevoxError, match="truncated or corrupt"):
                read_all(tmp_path / "cut.tar.gz")


def test_a_plain_tar_cut_anywhere_is_noticed(tmp_path):
    whole = write_tar(tmp_path / "t").read_bytes()
    end = len(whole.rstrip(b"\0")) // 512 * 512 + 512
    for length in range(100, end, 100):
        (tmp_path / "cut").write_bytes(whole[:length])
        with pytest.raises(PorevoxError):
            read_all(tmp_path / "cut")
    (tmp_path / "cut").write_bytes(whole[:end])  # between two members: only the end mark is missing
    with pytest.raises(PorevoxError, match="end mark"):
        read_all(tmp_path / "cut")


def test_a_whole_gzip_vouches_for_a_tar_without_end_mark(tmp_path):
    whole = write_tar(tmp_path / "t").read_bytes()
    end = len(whole.rstrip(b"\0")) // 512 * 512 + 512
    (tmp_path / "gz").write_bytes(gzip.compress(whole[:end]))
    assert read_all(tmp_path / "gz") == list(FILES.items())


def test_a_broken_header_is_not_the_end(tmp_path):
    """The standard library stops silently there, and half the database would be gone."""
    content = bytearray(write_tar(tmp_path / "t").read_bytes())
    second = content.index(b"sub/a.cif")
    content[second + 2] ^= 1
    (tmp_path / "t").write_bytes(content)
    with tarfile.open(tmp_path / "t") as archive:
        assert len(archive.getnames()) == 1
    with pytest.raises(PorevoxError, match="no tar header"):
        read_all(tmp_path / "t")


def test_damaged_archives_raise_nothing_else(tmp_path):
    """Random damage is either noticed and explained, or did not touch what is read."""
    whole = {
        "z": write_zip(tmp_path / "z").read_bytes(),
        "t": write_tar(tmp_path / "t").read_bytes(),
        "g": gzip.compress((tmp_path / "t").read_bytes()),
    }
    dice = random.Random(1)
    noticed = 0
    for name, content in whole.items():
        for _ in range(300):
            damaged = bytearray(content)
            for _ in range(dice.choice([1, 1, 3, 20])):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            (tmp_path / name).write_bytes(damaged[: dice.choice([len(damaged)] * 3 + [100, 700])])
            try:
                for member in members(tmp_path / name):
                    if member.problem is None:
                        member.read()
            except PorevoxError:
                noticed += 1
    assert noticed > 300


def test_encrypted_zips_are_named(tmp_path):
    content = bytearray(write_zip(tmp_path / "z", {"a.cif": b"1"}).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "z").write_bytes(content)
    with pytest.raises(PorevoxError, match="encrypted: repack it without a password"):
        read_all(tmp_path / "z")


def test_a_wrong_checksum_in_a_zip_names_the_member(tmp_path):
    content = bytearray(write_zip(tmp_path / "z", {"a.cif": b"1" * 1000}).read_bytes())
    content[content.index(b"PK\x01\x02") + 16] ^= 1
    (tmp_path / "z").write_bytes(content)
    with pytest.raises(PorevoxError, match=r"z \(at a.cif\) is truncated or corrupt"):
        read_all(tmp_path / "z")


def test_a_compressed_file_that_is_no_tar(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(b"data_a\n" * 500))
    with pytest.raises(PorevoxError, match="no tar header at byte 0"):
        read_all(tmp_path / "a.tar.gz")


def test_a_file_that_vanishes_is_named(tmp_path):
    member = next(members(write_folder(tmp_path / "f")))
    os.unlink(member.path)
    with pytest.raises(PorevoxError, match="C.CIF vanished"):
        member.read()


@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_a_large_member_can_be_read_as_a_stream(tmp_path, write):
    for member in members(write(tmp_path / "a")):
        stream, content = member.open(), b""
        while piece := stream.read(100):
            assert len(piece) <= 100
            content += piece
        assert content == FILES[member.name]


def test_a_stream_that_breaks_is_told_in_one_sentence(tmp_path):
    noise = {"big.npy": random.Random(0).randbytes(300_000)}
    source = write_tar(tmp_path / "a.tar.gz", noise, "w:gz")
    source.write_bytes(source.read_bytes()[:200_000])
    member = next(members(source))
    with pytest.raises(PorevoxError, match="a.tar.gz .at big.npy. is truncated or corrupt"):
        stream = member.open()
        while stream.read(10_000):
            pass
