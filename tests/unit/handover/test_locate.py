"""Models by path, in archives, and by address."""

import hashlib
import io
import os
import random
import shutil
import tarfile
import zipfile

import pytest

from porevox.errors import PorevoxError
from porevox.handover.locate import is_model, locate
from porevox.handover.record import check_files, read_record


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
@pytest.mark.parametrize("inside", ["", "mine"])
def test_an_archive_is_unpacked_once(folder, tmp_path, kind, inside):
    base = folder if not inside else folder.parent
    archive = shutil.make_archive(tmp_path / "packed", kind, base, inside or None)
    found = locate(archive, tmp_path / "unpacked")
    assert is_model(found)
    check_files(read_record(found), found)
    before = os.stat(found / "bundle.json").st_mtime_ns
    assert locate(archive, tmp_path / "unpacked") == found
    assert os.stat(found / "bundle.json").st_mtime_ns == before
    assert [path.name for path in (tmp_path / "unpacked").iterdir()] == [found.name]


def test_a_folder_is_taken_as_it_is(folder, tmp_path):
    assert locate(str(folder), tmp_path / "unpacked") == folder
    assert locate({"path": str(folder)}, tmp_path / "unpacked") == folder
    assert not (tmp_path / "unpacked").exists()


def test_an_address_needs_a_checksum_and_is_held_to_it(folder, tmp_path, site, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = open(shutil.make_archive(tmp_path / "packed", "zip", folder), "rb").read()
    site.files["/net.zip"] = content
    address = {"url": f"{site.url}/net.zip"}
    with pytest.raises(PorevoxError, match="has no checksum"):
        locate(address)
    with pytest.raises(PorevoxError, match="its sha256 is"):
        locate(address | {"sha256": 64 * "0"})
    good = address | {"sha256": hashlib.sha256(content).hexdigest()}
    assert is_model(locate(good))
    n = len(site.requests)
    assert is_model(locate(good)) and len(site.requests) == n


def test_a_file_is_held_to_the_checksum_that_was_given(folder, tmp_path):
    archive = shutil.make_archive(tmp_path / "packed", "zip", folder)
    good = hashlib.sha256(open(archive, "rb").read()).hexdigest()
    assert is_model(locate({"path": archive, "sha256": good}, tmp_path / "unpacked"))
    with pytest.raises(PorevoxError, match=f"sha256 is {good}"):
        locate({"path": archive, "sha256": 64 * "0"}, tmp_path / "unpacked")
    with pytest.raises(PorevoxError, match="a folder, which has no sha256"):
        locate({"path": str(folder), "sha256": good}, tmp_path / "unpacked")


def test_an_archive_is_hashed_once(folder, tmp_path, monkeypatch):
    archive = shutil.make_archive(tmp_path / "packed", "zip", folder)
    os.utime(archive, (1e9, 1e9))  # what has just been written may change again under the same date
    found = locate(archive, tmp_path / "unpacked")
    monkeypatch.setattr("porevox.files.digest.file_sha256", None)
    assert locate(archive, tmp_path / "unpacked") == found


def test_archives_of_something_else_are_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "both/one")
    shutil.copytree(folder, tmp_path / "both/two")
    two = shutil.make_archive(tmp_path / "two", "zip", tmp_path / "both")
    with pytest.raises(PorevoxError, match=r"holds 2 bundle\.json"):
        locate(two, tmp_path / "unpacked")
    (tmp_path / "other").mkdir()
    none = shutil.make_archive(tmp_path / "none", "zip", tmp_path / "other")
    with pytest.raises(PorevoxError, match=r"holds no bundle\.json"):
        locate(none, tmp_path / "unpacked")
    broken = tmp_path / "broken.zip"
    broken.write_bytes(open(two, "rb").read()[:2000])
    with pytest.raises(PorevoxError, match="broken or unsafe"):
        locate(broken, tmp_path / "unpacked")
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(PorevoxError, match="neither a folder nor a zip or tar"):
        locate(tmp_path / "text", tmp_path / "unpacked")


def test_archives_that_python_cannot_read_are_refused_in_one_sentence(tmp_path):
    content = random.Random(0).randbytes(100_000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("bundle.json", content)
    torn = bytearray(packed.getvalue())
    torn[50_000:50_100] = bytes(100)
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
        archive.writestr("bundle.json", content)
    locked, strange = bytearray(packed.getvalue()), bytearray(packed.getvalue())
    place = locked.rindex(b"PK\x01\x02")
    locked[6] = locked[place + 8] = 1  # the flag of an encrypted member
    strange[8] = strange[place + 10] = 99  # a method of compression that nobody has
    for name, data in (("torn", torn), ("locked", locked), ("strange", strange)):
        (tmp_path / f"{name}.zip").write_bytes(data)
        with pytest.raises(PorevoxError, match="broken or unsafe"):
            locate(tmp_path / f"{name}.zip", tmp_path / "unpacked")


def test_nothing_is_written_outside(tmp_path):
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as content:
        member = tarfile.TarInfo("../../evil.txt")
        member.size = 4
        content.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(PorevoxError, match="broken or unsafe"):
        locate(archive, tmp_path / "deep/er/unpacked")
    assert not list(tmp_path.rglob("evil.txt"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_place_is_said(folder, tmp_path):
    archive = shutil.make_archive(tmp_path / "packed", "zip", folder)
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(PorevoxError, match="cannot be written"):
        locate(archive, tmp_path / "locked/unpacked")
