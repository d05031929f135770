"""Models by path, in archives, and by address."""

import hashlib
import io
import os
import shutil
import tarfile

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
