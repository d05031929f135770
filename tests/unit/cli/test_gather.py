"""CIFs from files, folders and archives: every one packed or accounted for."""

import os
import tarfile
import zipfile

import pytest

from porevox.cli.gather import find_cif, write_pack
from porevox.errors import PorevoxError
from porevox.structures import pack_size, read_pack


def packed(tmp_path, *sources):
    n, rejected = write_pack(sources, tmp_path / "pack.zip")
    contents = dict(read_pack(tmp_path / "pack.zip"))
    assert n == pack_size(tmp_path / "pack.zip") == len(contents)
    return contents, rejected


def test_files_folders_and_archives_are_packed_together_in_order_of_their_ids(tmp_path, write_cif):
    write_cif(tmp_path / "folder" / "deep" / "d.CIF", length=10)
    write_cif(tmp_path / "z.cif", length=11)
    archived = write_cif(tmp_path / "a.cif", length=12)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(archived, "inner/a.cif")
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr("m.cif", archived.read_text())
    sources = [tmp_path / name for name in ("z.cif", "m.zip", "folder", "a.tar.gz")]
    contents, rejected = packed(tmp_path, *sources)
    assert list(contents) == ["a", "d", "m", "z"] and not rejected
    assert contents["z"] == (tmp_path / "z.cif").read_bytes()
    assert contents["a"] == contents["m"] == archived.read_bytes()


def test_the_second_file_of_a_name_is_rejected_and_said_where_the_first_lies(tmp_path, write_cif):
    one = write_cif(tmp_path / "one" / "x.cif", length=10)
    two = write_cif(tmp_path / "two" / "x.cif", length=11)
    contents, [rejected] = packed(tmp_path, one, two.parent)
    assert contents == {"x": one.read_bytes()}
    assert (rejected.id, rejected.reason) == ("x", "duplicate_id")
    assert str(one) in rejected.detail and str(two) in rejected.detail


def test_a_file_given_by_itself_and_in_its_folder_counts_once(tmp_path, write_cif):
    file = write_cif(tmp_path / "cifs" / "x.cif")
    contents, rejected = packed(tmp_path, file.parent, file, file)
    assert list(contents) == ["x"] and not rejected


def test_a_cif_under_another_ending_is_a_cif(tmp_path, write_cif):
    contents, _ = packed(tmp_path, write_cif(tmp_path / "x.txt"))
    assert list(contents) == ["x"]


def test_names_that_would_break_a_table_are_rejected(tmp_path, write_cif):
    _, [rejected] = packed(tmp_path, write_cif(tmp_path / "a\nb.cif"), write_cif(tmp_path / "c.cif"))
    assert rejected.reason == "bad_name" and "\n" not in rejected.id


def make_gz(tmp_path):
    path = tmp_path / "x.cif.gz"
    path.write_bytes(b"\x1f\x8b")
    return path


def make_text(tmp_path):
    path = tmp_path / "notes.md"
    path.write_text("# notes")
    return path


def make_empty_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def make_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda tmp_path: tmp_path / "nowhere", "does not exist"),
        (make_gz, "gunzip"),
        (make_text, "neither a folder nor"),
        (make_empty_folder, "holds no .cif"),
        (make_pipe, "neither a file nor a folder"),
    ],
)
def test_what_holds_no_structures_is_an_error_in_one_sentence(tmp_path, write_cif, make, message):
    with pytest.raises(PorevoxError, match=message) as caught:
        packed(tmp_path, write_cif(tmp_path / "good.cif"), make(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(tmp_path, write_cif):
    file = write_cif(tmp_path / "x.cif")
    file.chmod(0)
    with pytest.raises(PorevoxError, match="x.cif cannot be read"):
        packed(tmp_path, file)


def test_a_file_that_cannot_be_opened_is_named(tmp_path, write_cif, monkeypatch):
    file = write_cif(tmp_path / "x.cif")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(file), "read_bytes", refuse)
    with pytest.raises(PorevoxError, match="x.cif cannot be read .Permission denied"):
        packed(tmp_path, file)


def test_one_structure_is_found_by_name_or_because_it_is_the_only_one(cifs):
    assert find_cif(cifs, "good1") == ("good1", (cifs / "good1.cif").read_bytes())
    assert find_cif(cifs, "good1.cif")[0] == "good1"
    assert find_cif(cifs / "good2.cif", None)[0] == "good2"
    with pytest.raises(PorevoxError, match="several"):
        find_cif(cifs, None)
    with pytest.raises(PorevoxError, match="no structure named nix"):
        find_cif(cifs, "nix")
