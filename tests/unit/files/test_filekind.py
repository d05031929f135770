"""What a file is must come from its content: downloads are often not what they are called."""

import bz2
import gzip
import lzma
import os
from pathlib import Path

import pytest

from porevox.errors import PorevoxError
from porevox.files.filekind import kind_of, looks_like_html


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (gzip.compress(b"x"), "gzip"),
        (lzma.compress(b"x"), "xz"),
        (bz2.compress(b"x"), "bzip2"),
        (b"PK\x03\x04rest", "zip"),
        (b"\0" * 1024, "tar"),
    ],
)
def test_the_name_does_not_count(tmp_path, content, kind):
    path = tmp_path / "called.txt"
    path.write_bytes(content)
    assert kind_of(path) == kind


def test_a_folder(tmp_path):
    assert kind_of(tmp_path) == "folder"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"data_IRMOF-1\n_cell_length_a 25", "single CIF"),
        (b"Rar!\x1a\x07", "RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
        (b"some text " * 200, "neither a folder nor a zip"),
        (b"short", "neither a folder nor a zip"),
    ],
)
def test_what_is_no_archive_is_named(tmp_path, content, words):
    path = tmp_path / "MOF_database.tar.gz"
    path.write_bytes(content)
    with pytest.raises(PorevoxError, match=words) as caught:
        kind_of(path)
    assert str(path) in str(caught.value)


def test_missing(tmp_path):
    with pytest.raises(PorevoxError, match="nowhere does not exist"):
        kind_of(tmp_path / "nowhere")


def test_a_device_is_refused():
    with pytest.raises(PorevoxError, match="neither a file nor a folder"):
        kind_of(Path(os.devnull))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK\x03\x04")
    path.chmod(0)
    with pytest.raises(PorevoxError, match="grant read permission"):
        kind_of(path)


def test_web_pages_are_recognised():
    assert looks_like_html(b"\xef\xbb\xbf  <HTML>")
    assert looks_like_html(b"<!doctype HTML>")
    assert not looks_like_html(b"id,uptake\n<1>,2")
