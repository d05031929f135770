"""What a local source holds is asked at every parsing: right, and without listing it again."""

import os
import tarfile
import time

import pytest

from porevox.errors import PorevoxError
from porevox.files import looks
from porevox.files.looks import Look, folder_state, look
from porevox.files.sources import scan


@pytest.fixture
def folder(tmp_path):
    """Three structures, one in a folder of its own, all written long ago."""
    folder = tmp_path / "cifs"
    (folder / "more").mkdir(parents=True)
    for name in ("a", "b", "more/c"):
        write(folder / f"{name}.cif", f"data_{name}\n")
    return folder


def write(path, text):
    path.write_text(text)
    age(path)


def age(path):
    """Let a file be older than the dates that are not trusted."""
    past = time.time_ns() - 10_000_000_000 + int(path.stat().st_ino % 1000)
    os.utime(path, ns=(past, past))


@pytest.fixture
def scans(monkeypatch):
    """Sources that were listed."""
    found = []

    def listed(source, *rest):
        found.append(source)
        return scan(source, *rest)

    monkeypatch.setattr("porevox.files.sources.scan", listed)
    return found


def truth(source) -> Look:
    found = scan(source)
    return Look(found.digest, len(found.records))


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_the_second_look_lists_nothing(folder, tmp_path, scans, kind):
    source = folder
    if kind == "archive":
        source = tmp_path / "cifs.tar.gz"
        with tarfile.open(source, "w:gz") as archive:
            archive.add(folder, "cifs")
    expected = truth(source)
    assert [look(source, tmp_path / "cache") for _ in range(3)] == [expected] * 3
    assert len(scans) == 1


@pytest.mark.parametrize("change", ["added", "removed", "renamed", "edited", "edited below", "replaced"])
def test_a_changed_folder_is_listed_again(folder, tmp_path, change):
    before = look(folder, tmp_path / "cache")
    if change == "added":
        write(folder / "d.cif", "data_d\n")
    elif change == "removed":
        (folder / "a.cif").unlink()
    elif change == "renamed":
        (folder / "a.cif").rename(folder / "z.cif")
    elif change == "replaced":  # the same size and date, but another file
        stamp = (folder / "a.cif").stat().st_mtime_ns
        (tmp_path / "new.cif").write_text("data_x\n")
        os.utime(tmp_path / "new.cif", ns=(stamp, stamp))
        os.replace(tmp_path / "new.cif", folder / "a.cif")
    else:
        place = folder / "more/c.cif" if "below" in change else folder / "a.cif"
        place.write_text("data_y\n" * 2)
    after = look(folder, tmp_path / "cache")
    assert after == truth(folder) and after != before


def test_what_may_change_again_under_the_same_date_is_not_remembered(folder, tmp_path, scans):
    (folder / "a.cif").write_text("data_new\n")  # now
    for _ in range(2):
        look(folder, tmp_path / "cache")
    assert len(scans) == 2


def test_a_job_is_content_with_the_look_of_its_run(folder, tmp_path, scans):
    first = look(folder, tmp_path / "cache")
    write(folder / "d.cif", "data_d\n")
    assert look(folder, tmp_path / "cache", earlier=True) == first and len(scans) == 1
    # the next run looks for itself, and its jobs follow it
    second = look(folder, tmp_path / "cache")
    assert second != first
    assert look(folder, tmp_path / "cache", earlier=True) == second and len(scans) == 2


def test_jobs_of_many_sources_are_content_too(tmp_path, scans):
    sources = [tmp_path / f"source{k}" for k in range(12)]
    for source in sources:
        source.mkdir()
        write(source / "a.cif", f"data_a\n# {source.name}\n")
        look(source, tmp_path / "cache")
    scans.clear()
    for source in sources:
        write(source / "b.cif", "data_b\n")  # of which a job must not take notice
        assert look(source, tmp_path / "cache", earlier=True).n_structures == 1
    assert scans == []


def test_a_job_without_an_earlier_look_looks(folder, tmp_path):
    assert look(folder, tmp_path / "cache", earlier=True) == truth(folder)


def test_rubbish_in_the_cache_is_ignored(folder, tmp_path):
    expected = look(folder, tmp_path / "cache")
    for answer in (tmp_path / "cache.d").iterdir():
        answer.write_text('["x"]')
    assert look(folder, tmp_path / "cache") == look(folder, tmp_path / "cache", earlier=True) == expected


def test_a_link_to_a_folder_above_ends(folder):
    os.symlink(folder, folder / "more" / "again")
    before = folder_state(folder)
    os.symlink(folder / "nothing", folder / "broken.cif")
    assert folder_state(folder).key != before.key


def test_a_missing_source_is_told_in_a_sentence(tmp_path):
    with pytest.raises(PorevoxError):
        look(tmp_path / "nothing", tmp_path / "cache")


def test_a_folder_that_changes_while_it_is_looked_at(folder, tmp_path, monkeypatch):
    def vanish(_):
        raise FileNotFoundError("gone")

    monkeypatch.setattr(looks, "folder_state", vanish)
    assert look(folder, tmp_path / "cache") == truth(folder)
