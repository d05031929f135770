"""Files fetched by hand are asked for by name before anything starts."""

import pytest

from porevox import layout, plan
from porevox.errors import PorevoxError
from porevox.hand_fetched import check_fetched, lies_at, link


@pytest.fixture
def downloads(config, tmp_path):
    """A study whose dataset is downloaded, with a folder of files fetched by hand."""
    entry = config["datasets"]["mine"]
    entry["structures"] = {"name": "cifs.tgz", "urls": ["http://x/cifs?id=1"], "sha256": None, "folder": None}
    entry["tables"][0]["file"] = {"urls": ["http://x/labels.csv", "http://y/z"], "sha256": None}
    config["sources_dir"] = str(tmp_path / "by-hand")
    (tmp_path / "by-hand").mkdir()
    return config


def test_all_that_is_missing_is_named_at_once(downloads):
    with pytest.raises(PorevoxError) as caught:
        plan.check(downloads)
    text = str(caught.value)
    assert "cifs.tgz (from http://x/cifs?id=1), labels.csv (from http://x/labels.csv)" in text
    assert "`datasets.mine`" in text and "\n" not in text


def test_what_is_in_the_folder_or_was_downloaded_before_is_not_missing(downloads, tmp_path):
    (tmp_path / "by-hand/cifs.tgz").touch()
    there = layout.source_path(downloads["datasets"]["mine"]["tables"][0]["file"])
    there.parent.mkdir(parents=True)
    there.touch()
    check_fetched(downloads, "mine")
    there.unlink()
    with pytest.raises(PorevoxError, match="needs: labels.csv"):
        check_fetched(downloads, "mine")


def test_without_such_a_folder_everything_is_downloaded(downloads):
    downloads["sources_dir"] = None
    check_fetched(downloads, "mine")


def test_a_link_replaces_what_was_there(tmp_path):
    (tmp_path / "given").write_text("new")
    target = tmp_path / "deep/target"
    for _ in range(2):
        link(tmp_path / "given", target)
    assert target.is_symlink() and target.read_text() == "new"
    target.unlink()
    target.write_text("old")
    link(tmp_path / "given", target)
    assert target.read_text() == "new" and [p.name for p in target.parent.iterdir()] == ["target"]


def test_a_file_that_lies_where_downloads_do_is_left_alone(tmp_path):
    (tmp_path / "given").write_text("all there is")
    link(tmp_path / "given", tmp_path / "given")
    assert (tmp_path / "given").read_text() == "all there is"


def test_a_file_lies_where_it_was_put_until_it_is_linked(downloads, tmp_path):
    file = downloads["datasets"]["mine"]["tables"][0]["file"]
    assert lies_at(downloads, file) == tmp_path / "by-hand/labels.csv"
    there = layout.source_path(file)
    there.parent.mkdir(parents=True)
    there.touch()
    assert lies_at(downloads, file) == there
    assert lies_at(downloads, {"path": "mine.csv"}) == layout.source_path({"path": "mine.csv"})
