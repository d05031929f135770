"""A renamed column of a download is told as soon as it is there."""

import tarfile

import pytest

from porevox import layout
from porevox.downloaded_tables import column_troubles, warn_of_columns


@pytest.fixture
def downloaded(config, tmp_path):
    """The study's table, downloaded as a member of an archive; yields where it lies."""
    file = {"urls": ["http://x/all.tgz"], "sha256": None, "member": "labels.csv"}
    config["datasets"]["mine"]["tables"][0]["file"] = file
    path = layout.source_path(file)
    path.parent.mkdir(parents=True)

    def put(header):
        (tmp_path / "labels.csv").write_text(header + "\n")
        with tarfile.open(path, "w:gz") as archive:
            archive.add(tmp_path / "labels.csv", "x/labels.csv")

    return path, put


def test_what_is_in_order_is_not_mentioned(config, downloaded, capsys):
    path, put = downloaded
    put("id,y,rho")
    warn_of_columns(config, path)
    assert capsys.readouterr().err == ""


def test_the_nearest_name_is_offered(config, downloaded, capsys, caplog):
    path, put = downloaded
    put("id,Y,rho [g/cm3]")
    warn_of_columns(config, path)
    said = capsys.readouterr().err
    assert "`studies.mine.target` names the column `y`, which labels.csv in" in said
    assert "did you mean `Y`?" in said and "did you mean `Y`?" in caplog.text


def test_tables_of_other_studies_and_tables_still_to_come_are_left_alone(config, downloaded):
    path, put = downloaded
    put("id,Y")
    table = config["datasets"]["mine"]["tables"][0]
    config["datasets"]["mine"]["tables"].append(table | {"file": {"urls": ["http://x/2"], "sha256": None}})
    assert column_troubles(config, path) == []
    config["datasets"]["mine"]["tables"].pop()
    assert len(column_troubles(config, path)) == 1
    assert column_troubles(config, path.with_name("other")) == []
    config["run"] = []
    assert column_troubles(config, path) == []


def test_studies_of_the_thesis_may_name_what_is_not_there(config, downloaded):
    path, put = downloaded
    put("id,Y")
    config["run"], config["thesis"] = [], {"mofs": "mine", "cofs": "nowhere", "augmentation": "half"}
    config["studies"]["half"] = config["studies"]["mine"] | {"dataset": "gone"}
    assert len(column_troubles(config, path)) == 1
    config["studies"]["mine"]["models"] = ["gone"]
    assert column_troubles(config, path) == []
