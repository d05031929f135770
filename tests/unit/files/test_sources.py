"""What counts as a structure, and that it does not depend on how the CIFs are stored."""

import hashlib
import io
import json
import tarfile
import unicodedata
import zipfile

import pytest

from porevox.errors import REASONS, PorevoxError
from porevox.files import sources
from porevox.files.digest import DigestCache
from porevox.files.sources import Record, content_digest, scan

NAMES = ["a b.cif", "Ü_μ.cif", "$(rm -rf ~);'\".cif", "x,y.CIF", "sub/-q|&*?.cif", "NA.cif", "007.cif"]


def fill(folder, names=NAMES):
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(f"data_{number}\n".encode())
    return folder


def packed(folder, target, backwards=False):
    """Pack a folder into a zip or a tar.gz."""
    files = sorted((p for p in folder.rglob("*") if p.is_file()), reverse=backwards)
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(folder))
    else:
        with tarfile.open(target, "w:gz") as archive:
            for file in files:
                archive.add(file, file.relative_to(folder))
    return target


def test_folder_zip_and_tar_hold_the_same(tmp_path):
    folder = fill(tmp_path / "f")
    found = [
        scan(folder),
        scan(packed(folder, tmp_path / "a.zip")),
        scan(packed(folder, tmp_path / "a.tgz", backwards=True)),
    ]
    assert found[0].records == found[1].records == found[2].records
    assert len({scanned.digest for scanned in found}) == 1
    assert [record.id for record in found[0].records] == sorted(
        ["a b", "Ü_μ", "$(rm -rf ~);'\"", "x,y", "-q|&*?", "NA", "007"]
    )


def test_records_tell_size_and_hash(tmp_path):
    (tmp_path / "a.cif").write_bytes(b"data_a\n")
    assert scan(tmp_path).records == (Record("a", "a.cif", 7, hashlib.sha256(b"data_a\n").hexdigest()),)


def test_digest_is_that_of_sorted_lines(tmp_path):
    records = [Record("b", "m", 1, "22"), Record("a", "n", 1, "11")]
    assert content_digest(records) == hashlib.sha256(b"a\t11\nb\t22\n").hexdigest()


def test_ids_are_normalised(tmp_path):
    decomposed = unicodedata.normalize("NFD", "Ü")
    fill(tmp_path, [f"{decomposed}.cif"])
    assert [record.id for record in scan(tmp_path).records] == ["Ü"]


def test_the_first_of_two_stays(tmp_path):
    folder = fill(tmp_path / "f", ["b/x.cif", "a/x.cif", "a/X.cif"])
    for source, first in (
        (folder, "a/x.cif"),
        (packed(folder, tmp_path / "z.zip", backwards=True), "b/x.cif"),
    ):
        found = scan(source)
        assert {r.id: r.member for r in found.records} == {"x": first, "X": "a/X.cif"}
        (rejected,) = found.rejected
        assert (rejected.id, rejected.reason) == ("x", "duplicate_id")
        assert first in rejected.detail


def test_a_rejected_member_does_not_take_an_id(tmp_path):
    with tarfile.open(tmp_path / "t", "w") as archive:
        for name in ("../x.cif", "x.cif"):
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"abc"))
    found = scan(tmp_path / "t")
    assert [record.member for record in found.records] == ["x.cif"]
    assert [rejected.reason for rejected in found.rejected] == ["unsafe_path"]


@pytest.mark.parametrize("name", [".cif", "  .cif", "a\nb.cif", "a\tb.cif", "a\x7f.cif", "a\u2028.cif"])
def test_names_that_leave_no_id(tmp_path, name):
    fill(tmp_path, [name, "good.cif"])
    found = scan(tmp_path)
    assert [record.id for record in found.records] == ["good"]
    assert [(r.member, r.reason) for r in found.rejected] == [(name, "bad_name")]


def test_reasons_are_known(tmp_path):
    (tmp_path / "l.cif").symlink_to("nowhere")
    fill(tmp_path, ["a/x.cif", "b/x.cif", ".cif"])
    assert {rejected.reason for rejected in scan(tmp_path).rejected} <= set(REASONS)


def test_sources_without_structures(tmp_path):
    with pytest.raises(PorevoxError, match="holds no .cif file"):
        scan(tmp_path)
    fill(tmp_path, [".cif"])
    with pytest.raises(PorevoxError, match=r"no usable .cif file: 1 were rejected.*bad_name"):
        scan(tmp_path)
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(PorevoxError, match=r"empty.zip holds no .cif file"):
        scan(tmp_path / "empty.zip")
    with tarfile.open(tmp_path / "empty.tar.gz", "w:gz"):
        pass
    with pytest.raises(PorevoxError, match=r"empty.tar.gz holds no .cif file"):
        scan(tmp_path / "empty.tar.gz")


def test_an_archive_is_scanned_once(tmp_path, monkeypatch):
    source = packed(fill(tmp_path / "f", [*NAMES, "b/NA.cif"]), tmp_path / "a.zip")
    first = scan(source, DigestCache(tmp_path / "cache"))
    monkeypatch.setattr(sources, "structures", lambda *_: pytest.fail("scanned again"))
    assert scan(source, DigestCache(tmp_path / "cache")) == first
    assert len(first.rejected) == 1


def test_another_archive_of_the_same_name_is_scanned(tmp_path):
    source = packed(fill(tmp_path / "f"), tmp_path / "a.zip")
    scan(source, DigestCache(tmp_path / "cache"))
    packed(fill(tmp_path / "g", ["new.cif"]), source)
    assert [r.id for r in scan(source, DigestCache(tmp_path / "cache")).records] == ["new"]


def test_a_file_that_vanishes_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.cif").write_text("data_a")
    monkeypatch.setattr(DigestCache, "sha256", lambda self, path: open(path + "gone"))
    with pytest.raises(PorevoxError, match=r"a.cif cannot be read \(No such file"):
        scan(tmp_path, DigestCache(tmp_path / "cache"))


@pytest.mark.parametrize("rubbish", ["{", "[]", "null", "[[[1]], []]", '[[], [["a"]]]', "3"])
def test_a_broken_memory_is_ignored(tmp_path, rubbish):
    source = packed(fill(tmp_path / "f"), tmp_path / "a.zip")
    first = scan(source, DigestCache(tmp_path / "cache"))
    (answer,) = (tmp_path / "cache.d").iterdir()
    assert json.loads(answer.read_text())
    answer.write_text(rubbish)
    assert scan(source, DigestCache(tmp_path / "cache")) == first


def test_real_archives_equal_their_folders(tmp_path, shared_data):
    source = shared_data / "uo-mofs" / "cifs.tar.gz"
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    assert scan(tmp_path).digest == scan(source).digest
    assert len(scan(source).records) == 60
