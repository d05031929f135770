"""A download ends with the right file under its name, or with a sentence and no file."""

import gzip
import hashlib
import json
import os
import random
import subprocess
import sys

import pytest

from porevox.errors import PorevoxError
from porevox.retrieve import download, retrieve, take

CONTENT = gzip.compress(random.Random(0).randbytes(2_000_000), 1)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "deep" / "a.tar.gz"


def get(site, target, urls=("/a",), **options):
    return download([site.url + url for url in urls], target, pause_s=0.001, timeout_s=5.0, **options)


def left_over(target):
    return sorted(name for name in os.listdir(target.parent) if not name.endswith(".guard"))


def test_a_file_arrives_and_its_checksum_is_told(site, target):
    site.files["/a"] = CONTENT
    assert get(site, target) == SHA256
    assert target.read_bytes() == CONTENT
    assert left_over(target) == ["a.tar.gz"]


def test_what_is_here_is_not_fetched_again(site, target):
    site.files["/a"] = CONTENT
    get(site, target, sha256=SHA256.upper(), size=len(CONTENT))
    assert get(site, target, sha256=SHA256) == SHA256
    assert len(site.requests) == 1


def test_every_hiccup_is_survived(site, target):
    """Cut off again and again, with errors between: more often than one may fail in a row."""
    site.files["/a"] = CONTENT
    site.scripts["/a"] = [500, "cut:100000", 503, *["cut:100000"] * 10, 500]
    assert get(site, target, sha256=SHA256, attempts=3) == SHA256
    assert site.ranges()[-1] == 1_100_000


def test_a_server_that_never_gets_further_is_given_up(site, target):
    site.files["/a"] = CONTENT
    site.scripts["/a"] = ["stuck:1000"] * 20
    with pytest.raises(PorevoxError, match="broke off after 1000 of"):
        get(site, target, attempts=4)
    assert len(site.requests) == 4
    assert left_over(target) == ["a.tar.gz.part", "a.tar.gz.part.json"]


def test_a_later_call_goes_on(site, target):
    site.files["/a"] = CONTENT
    site.scripts["/a"] = ["cut:1000000"]
    with pytest.raises(PorevoxError, match="broke off after 1000000 of"):
        get(site, target, attempts=1)
    assert not target.exists()
    assert get(site, target) == SHA256
    assert site.ranges() == [0, 1_000_000]


def test_the_mirror_is_asked(site, target):
    site.files["/b"] = CONTENT
    assert get(site, target, ["/a", "/b"], sha256=SHA256) == SHA256
    assert [path for path, _ in site.requests] == ["/a", "/b"]


@pytest.mark.parametrize("how", ["html", "empty:202", "empty:200", 401, 404, 410])
def test_a_useless_answer_leads_to_the_mirror_at_once(site, target, how):
    site.files["/a"] = site.files["/b"] = CONTENT
    site.scripts["/a"] = [how]
    assert get(site, target, ["/a", "/b"]) == SHA256
    assert len(site.requests) == 2


def test_a_wrong_checksum_leads_to_the_mirror_and_leaves_nothing(site, target):
    site.files["/a"] = CONTENT[::-1]
    with pytest.raises(PorevoxError, match=f"sha256 is .*, not {SHA256}.*place the file at {target}"):
        get(site, target, sha256=SHA256)
    assert left_over(target) == []
    site.files["/b"] = CONTENT
    assert get(site, target, ["/a", "/b"], sha256=SHA256) == SHA256


def test_halves_that_do_not_match_are_thrown_away(site, target):
    """Without validators the checksum alone can tell, and then all is fetched anew."""
    site.files["/a"] = CONTENT
    target.parent.mkdir()
    target.with_name("a.tar.gz.part").write_bytes(b"rubbish")
    note = {"url": site.url + "/a", "validator": None}
    target.with_name("a.tar.gz.part.json").write_text(json.dumps(note))
    assert get(site, target, sha256=SHA256) == SHA256
    assert site.ranges() == [7, 0]


def test_a_wrong_size_is_noticed(site, target):
    site.files["/a"] = CONTENT
    site.scripts["/a"] = ["unsized"]
    with pytest.raises(PorevoxError, match=f"it has {len(CONTENT)} bytes instead of 7"):
        get(site, target, size=7)
    assert left_over(target) == []


@pytest.mark.parametrize("body", [b'{"message": "quota exceeded"}', b"busy", b"<?xml version='1.0'?>"])
def test_what_is_no_archive_does_not_get_its_name(site, target, body):
    site.files["/a"] = body
    with pytest.raises(PorevoxError, match="no archive|web page"):
        get(site, target)
    assert left_over(target) == []
    if not body.startswith(b"<"):
        assert get(site, target.with_name("labels.csv")) == hashlib.sha256(body).hexdigest()


def test_all_reasons_are_told(site, target):
    site.files["/b"] = CONTENT
    site.scripts["/b"] = ["html"]
    with pytest.raises(PorevoxError) as caught:
        get(site, target, ["/a", "/b"])
    text = str(caught.value)
    assert f"{site.url}/a (the server answered 404 Not Found)" in text
    assert f"{site.url}/b (the server sent a web page" in text
    assert str(target) in text and "\n" not in text


def test_no_address(target):
    with pytest.raises(PorevoxError, match="no address is given"):
        download([], target)


def test_local_files_are_checked_too(tmp_path, target):
    (tmp_path / "source").write_bytes(CONTENT)
    assert download([str(tmp_path / "source")], target, SHA256) == SHA256
    (tmp_path / "source").write_bytes(b"<html>")
    with pytest.raises(PorevoxError, match="sha256 is"):
        download([(tmp_path / "source").as_uri()], target.with_name("b"), SHA256)
    with pytest.raises(PorevoxError, match="it is a web page"):
        download([(tmp_path / "source").as_uri()], target.with_name("labels.csv"))


def test_a_full_or_locked_disk_is_no_fault_of_the_server(site, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PorevoxError, match="cannot be written"):
        get(site, tmp_path / "file" / "a.zip")
    assert site.requests == []


def test_the_first_checksum_is_kept(site, target, tmp_path):
    lock = tmp_path / "locks" / "checksums.json"
    site.files["/a"] = CONTENT
    assert retrieve([site.url + "/a"], target, lock=lock) == SHA256
    assert json.loads(lock.read_text()) == {site.url + "/a": SHA256}
    site.files["/a"] = CONTENT + b"more"
    target.unlink()
    with pytest.raises(PorevoxError, match=f"{lock} recorded the first time; delete that entry"):
        retrieve([site.url + "/a"], target, lock=lock)
    assert not target.exists()
    site.files["/b"] = CONTENT
    assert retrieve([site.url + "/a", site.url + "/b"], target, lock=lock) == SHA256


def test_an_archive_that_ends_too_early_is_not_recorded(site, target, tmp_path):
    """The server says that this is all; only the compression's own checksum knows better."""
    lock = tmp_path / "checksums.json"
    site.files["/a"] = CONTENT[:-1000]
    with pytest.raises(PorevoxError, match="truncated or corrupt archive"):
        retrieve([site.url + "/a"], target, lock=lock)
    assert left_over(target) == [] and not lock.exists()
    site.files["/a"] = CONTENT
    assert retrieve([site.url + "/a"], target, lock=lock) == SHA256


def test_what_happens_is_said_in_the_log(site, target, tmp_path, caplog):
    lock = tmp_path / "checksums.json"
    site.files["/a"] = CONTENT
    site.scripts["/a"] = ["cut:100000"]
    caplog.set_level("INFO", "porevox")
    order = {"pause_s": 0.001, "timeout_s": 5.0}
    download([site.url + "/a"], target, **order)
    assert f"downloading {site.url}/a" in caplog.text
    assert "100000 bytes are here, next try in 0 s" in caplog.text
    retrieve([site.url + "/a"], target, lock=lock)
    assert f"none is declared, so {lock} has it now, to be enforced" in caplog.text
    retrieve([site.url + "/a"], target, lock=lock)
    assert f"that {lock} has since the first time" in caplog.text


FULL_DISK = """
import resource, sys
from pathlib import Path
from porevox.errors import PorevoxError
from porevox.retrieve import download
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, resource.RLIM_INFINITY))
try:
    download([sys.argv[1]], Path(sys.argv[2]), pause_s=0.001, timeout_s=5.0)
except PorevoxError as error:
    print(error)
"""


def test_a_disk_that_is_full_in_the_middle_is_one_sentence_and_the_next_run_goes_on(site, target):
    """A limit on the size of files stands for the disk: writing fails in the same place."""
    site.files["/a"] = CONTENT
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, site.url + "/a", str(target)], capture_output=True, text=True
    )
    assert f"{target} cannot be written (File too large): free the disk" in done.stdout, done.stderr
    assert not target.exists() and target.with_name("a.tar.gz.part").stat().st_size <= 1_500_000
    assert get(site, target) == SHA256
    assert 0 < site.ranges()[-1] <= 1_500_000


def test_a_disk_too_small_is_told_before_the_first_byte_is_kept(site, target, monkeypatch):
    monkeypatch.setattr("porevox.files.space.free_bytes", lambda _: 101_000_000)
    site.files["/a"] = CONTENT
    with pytest.raises(PorevoxError, match="0.1 GB left, but the download of a.tar.gz needs 0.0 GB"):
        get(site, target)
    assert left_over(target) == []


def test_a_file_fetched_by_hand_is_linked_and_not_downloaded(site, target, tmp_path):
    folder, lock = tmp_path / "by hand", tmp_path / "checksums.json"
    folder.mkdir()
    (folder / "a.tar.gz").write_bytes(CONTENT)
    assert retrieve([site.url + "/a"], target, lock=lock, sources_dir=folder) == SHA256
    assert target.is_symlink() and target.read_bytes() == CONTENT
    assert json.loads(lock.read_text()) == {site.url + "/a": SHA256}
    assert site.requests == []


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (None, {}, "No such file"),
        (b"", {}, "it is empty"),
        (b"<html>log in</html>", {}, "it is a web page"),
        (CONTENT[:-1000], {}, "truncated or corrupt"),
        (CONTENT, {"size": 5}, "instead of 5"),
        (CONTENT, {"sha256": "0" * 64}, "sha256 is"),
    ],
    ids=["missing", "empty", "web page", "truncated", "size", "checksum"],
)
def test_a_wrong_file_fetched_by_hand_is_not_taken(target, tmp_path, content, options, words):
    given = tmp_path / "a.tar.gz"
    if content is not None:
        given.write_bytes(content)
    options = {"sha256": None, "size": None} | options
    with pytest.raises(PorevoxError, match=f"{given} cannot be used.*{words}.*fetch it from http://x/a"):
        take(given, target, urls=["http://x/a"], **options)
    assert not target.exists()


def test_a_file_that_is_not_the_one_of_the_first_time_is_not_taken(target, tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(CONTENT)
    lock = tmp_path / "checksums.json"
    lock.write_text(json.dumps({"http://x/a": "0" * 64}))
    with pytest.raises(PorevoxError, match=f"sha256 is.*{lock} recorded the first time"):
        retrieve(["http://x/a"], target, lock=lock, sources_dir=tmp_path)
    assert not target.exists()
