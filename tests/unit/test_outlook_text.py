"""The few lines on what a run will need."""

import pytest
import yaml

from porevox import outlook_text, plan, thesis


@pytest.fixture
def shipped(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return plan.load(yaml.safe_load((root / "config.yaml").read_text()))


def test_all_that_is_asked_before_the_first_byte_is_said(shipped, capsys):
    text = outlook_text.text(shipped, thesis.studies(shipped))
    assert "downloads  4 files" in text and "retnet-voxels.tar.gz 4.1 GB" in text
    assert "size not known: screening_data.tar.gz" in text
    assert "GB at the peak" in text and "are free" in text and "55 trainings" in text
    assert "core-hours (" in text and "not measured; from the authors'" in text
    outlook_text.show([text, "other"])
    assert text in capsys.readouterr().out


def test_a_disk_that_is_too_small_is_said_in_a_dry_run_too(shipped, monkeypatch):
    monkeypatch.setattr(outlook_text, "free_bytes", lambda: 1e9)
    text = outlook_text.text(shipped, thesis.studies(shipped))
    assert "NOT ENOUGH" in text and "1.0 GB are free" in text


def test_known_sizes_are_added_up(shipped):
    for name in ("uo_mofs_voxels", "mercado_cofs"):
        entry = shipped["datasets"][name]
        for file in [
            entry["voxels"] and entry["voxels"]["file"],
            entry["structures"],
            entry["tables"][0]["file"],
        ]:
            if file:
                file["size_bytes"] = 500_000_000
    text = outlook_text.text(shipped, ["mofs-co2", "cofs-ch4"])
    assert "4 files; 2.0 GB in 4 files of known size\n" in text and "unknown size" not in text
