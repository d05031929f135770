"""Digests change when the content does, and a cache never hides a change."""

import hashlib
import json
import os
import subprocess
import sys
import time

import pytest

from porevox.files import digest
from porevox.files.digest import DigestCache, file_sha256, settings_digest


@pytest.fixture
def old_file(tmp_path):
    """A file whose date is well in the past."""
    path = tmp_path / "a.cif"
    path.write_bytes(b"data_a\n")
    backdate(path, 3600)
    return path


def backdate(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture
def hashed(monkeypatch):
    """Names of the files that were read to hash them."""
    names = []

    def counting(path):
        names.append(os.path.basename(path))
        return file_sha256(path)

    monkeypatch.setattr(digest, "file_sha256", counting)
    return names


def test_sha256_of_a_file(tmp_path):
    content = os.urandom(300_000)
    (tmp_path / "a").write_bytes(content)
    assert file_sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_an_unchanged_file_is_not_read_again(tmp_path, old_file, hashed):
    for _ in range(2):
        cache = DigestCache(tmp_path / "cache")
        assert cache.sha256(old_file) == hashlib.sha256(b"data_a\n").hexdigest()
        cache.save()
    assert hashed == ["a.cif"]


def test_a_touch_costs_one_reading(tmp_path, old_file, hashed):
    cache = DigestCache(tmp_path / "cache")
    first = cache.sha256(old_file)
    backdate(old_file, 1800)
    assert [cache.sha256(old_file) for _ in range(3)] == [first] * 3
    assert len(hashed) == 2


def test_a_replaced_file_of_the_same_size_and_date_is_noticed(tmp_path, old_file):
    cache = DigestCache(tmp_path / "cache")
    cache.sha256(old_file)
    other = tmp_path / "other"
    other.write_bytes(b"data_b\n")
    found = old_file.stat()
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    os.replace(other, old_file)
    assert cache.sha256(old_file) == hashlib.sha256(b"data_b\n").hexdigest()


@pytest.mark.parametrize("age_s", [0, 1, -3600])
def test_a_fresh_file_is_not_trusted(tmp_path, old_file, hashed, age_s):
    """It may change again within the resolution of its date (or its clock is ahead of ours)."""
    backdate(old_file, age_s)
    found = old_file.stat()
    cache = DigestCache(tmp_path / "cache")
    cache.sha256(old_file)
    old_file.write_bytes(b"data_c\n")
    os.utime(old_file, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert cache.sha256(old_file) == hashlib.sha256(b"data_c\n").hexdigest()


@pytest.mark.parametrize("content", [b"", b"rubbish", b"porevox hashes 1\nx y\n", b"\xff\0", b"{}"])
def test_a_broken_cache_is_ignored(tmp_path, old_file, content):
    (tmp_path / "cache").write_bytes(content)
    cache = DigestCache(tmp_path / "cache")
    assert cache.sha256(old_file) == hashlib.sha256(b"data_a\n").hexdigest()
    cache.save()
    assert DigestCache(tmp_path / "cache")._known == cache._known != {}


def test_a_cut_cache_does_not_give_half_a_hash(tmp_path, old_file):
    cache = DigestCache(tmp_path / "cache")
    expected = cache.sha256(old_file)
    cache.save()
    whole = (tmp_path / "cache").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "cache").write_bytes(whole[:length])
        assert DigestCache(tmp_path / "cache").sha256(old_file) == expected


def test_strange_names_are_remembered(tmp_path, hashed):
    names = ["a b", "Ü", os.fsdecode(b"\xe9"), "x'\"$", "line\nbreak"]
    for name in names:
        (tmp_path / name).write_text(name, errors="surrogateescape")
        backdate(tmp_path / name, 100)
    for _ in range(2):
        cache = DigestCache(tmp_path / "cache")
        for name in names:
            cache.sha256(tmp_path / name)
        cache.save()
    assert sorted(hashed) == sorted([*names, "line\nbreak"])


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, old_file):
    (tmp_path / "file").write_text("")
    cache = DigestCache(tmp_path / "file" / "cache")
    cache.sha256(old_file)
    cache.save()
    cache.remember("k", 1)
    assert cache.recall("k") is None


def test_two_writers_leave_a_whole_cache(tmp_path, old_file):
    code = (
        "import sys; from porevox.files.digest import DigestCache\n"
        "for i in range(100):\n"
        "    c = DigestCache(sys.argv[1]); c._known.clear(); c.sha256(sys.argv[2]); c.save()\n"
        "    c.remember('k', list(range(1000)))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "cache"), str(old_file)]
    env = {"PYTHONPATH": os.path.dirname(os.path.dirname(os.path.dirname(digest.__file__)))}
    writers = [subprocess.Popen(command, env=env) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        cache = DigestCache(tmp_path / "cache")
        if (tmp_path / "cache").exists():
            assert cache._known or DigestCache(tmp_path / "cache")._known
        assert cache.recall("k") in (None, list(range(1000)))
    assert [writer.returncode for writer in writers] == [0, 0]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.cif", "cache", "cache.d"]


def test_only_the_latest_answers_are_kept(tmp_path):
    cache = DigestCache(tmp_path / "cache")
    for number in range(40):
        cache.remember(f"k{number}", number)
    kept = [n for n in range(40) if cache.recall(f"k{n}") is not None]
    assert len(kept) == digest._KEPT_ANSWERS
    assert 39 in kept


def test_settings_digest_is_that_of_canonical_json():
    text = '{"a":[25,0.5,null,true],"b":"x"}'
    assert (
        settings_digest({"b": "x", "a": (25.0, 0.5, None, True)})
        == hashlib.sha256(text.encode()).hexdigest()[:8]
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"n": 25}, {"n": 25.0}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1, 2], (1, 2)),
        (1e1, 10),
        (-0.0, 0),
        ({"x": {"y": [1.0]}}, {"x": {"y": [1]}}),
    ],
)
def test_the_same_settings(one, other):
    assert settings_digest(one) == settings_digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"n": 25}, {"n": 26}),
        ({"n": 25}, {"n": "25"}),
        (True, 1),
        (None, 0),
        ([1, 2], [2, 1]),
        ([[1], 2], [1, [2]]),
        (0.1, 0.1 + 1e-17 + 1e-16),
        (float("inf"), float("nan")),
    ],
)
def test_other_settings(one, other):
    assert settings_digest(one) != settings_digest(other)


def test_settings_that_are_no_data_are_refused():
    with pytest.raises(TypeError):
        settings_digest({"path": object()})


def test_answers_survive_as_json(tmp_path):
    cache = DigestCache(tmp_path / "cache")
    cache.remember("key", {"a": ["Ü", 1]})
    assert DigestCache(tmp_path / "cache").recall("key") == {"a": ["Ü", 1]}
    assert json.loads((tmp_path / "cache.d" / "key.json").read_text()) == {"a": ["Ü", 1]}
