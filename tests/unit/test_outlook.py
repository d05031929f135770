"""What a run will need: downloads, disk, jobs and hours, and a disk that is too small."""

import numpy as np
import pytest
import yaml

from porevox import layout, outlook, plan, thesis
from porevox.errors import PorevoxError


@pytest.fixture
def shipped(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return plan.load(yaml.safe_load((root / "config.yaml").read_text()))


@pytest.fixture
def found(shipped):
    return outlook.outlook(shipped, thesis.studies(shipped))


def test_each_download_is_counted_once(shipped, found):
    # two studies on the same voxels
    assert len(found.downloads) == 4 and found.jobs["downloads"] == 4
    voxels = shipped["datasets"]["uo_mofs_voxels"]["voxels"]["file"]
    assert found.guesses[str(layout.source_path(voxels))] == 64870 * 25**3 * 4
    assert set(found.unsized) == {"screening_data.tar.gz", "properties.tgz"}


def test_a_size_that_is_known_is_no_guess_and_what_is_there_is_not_counted(shipped):
    entry = shipped["datasets"]["uo_mofs_voxels"]
    entry["voxels"]["file"]["size_bytes"] = 3_000_000_000
    path = layout.source_path(entry["voxels"]["file"])
    found = outlook.outlook(shipped, ["mofs-co2"])
    assert found.downloads[str(path)] == 3_000_000_000 and str(path) not in found.guesses
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    assert str(path) not in outlook.outlook(shipped, ["mofs-co2"]).downloads


def test_what_has_arrived_of_a_file_needs_no_room_again(shipped):
    before = outlook.outlook(shipped, ["mofs-co2"]).disk_bytes
    path = layout.source_path(shipped["datasets"]["uo_mofs_voxels"]["voxels"]["file"])
    path.parent.mkdir(parents=True)
    with open(f"{path}.part", "wb") as part:
        part.truncate(3_000_000_000)
    assert before - outlook.outlook(shipped, ["mofs-co2"]).disk_bytes == 3_000_000_000


def test_files_fetched_by_hand_are_neither_downloads_nor_copied(shipped, tmp_path):
    before = outlook.outlook(shipped, ["mofs-co2"]).disk_bytes
    shipped["sources_dir"] = str(tmp_path)
    for name in ("retnet-voxels.tar.gz", "screening_data.tar.gz"):
        (tmp_path / name).write_bytes(b"x")
    found = outlook.outlook(shipped, ["mofs-co2"])
    assert found.downloads == {} and found.unsized == []
    assert before - found.disk_bytes == pytest.approx(64870 * 25**3 * 4)


def test_hours_follow_from_rates_sizes_and_epochs(shipped):
    found = outlook.outlook(shipped, ["mofs-co2"])
    rates = outlook.read_rates()
    sizes = shipped["studies"]["mofs-co2"]["sizes"]
    # training, validation of 5,000 after each of 50 epochs, and the predictions of all in the end
    passes = sum(50 * (size + 5000 / 3) + (5000 + 27438) / 3 for size in sizes)
    assert found.core_hours["RetNet"] == pytest.approx(
        passes * rates["retnet_cpu_ms"]["value"] / 3.6e6, rel=2e-3
    )
    assert found.gpu_hours == pytest.approx(passes * rates["retnet_gpu_ms"]["upper_bound"] / 3.6e6, rel=2e-3)
    assert not found.gpu_measured and found.jobs["trainings"] == 27
    # voxels are converted once for the whole study
    expected = 64870 * rates["published_ms"]["value"] / 3.6e6
    assert found.core_hours["published voxels"] == pytest.approx(expected) and not found.unrated
    shipped["studies"]["mofs-co2"]["models"].append("kernel")
    assert outlook.outlook(shipped, ["mofs-co2"]).unrated == ["kernel_ridge"]


def test_trainings_that_have_ended_are_not_counted(shipped):
    before = outlook.outlook(shipped, ["mofs-co2"])
    folder = layout.study_dir("mofs-co2", 0) / "retnet/n32432/seed0"
    folder.mkdir(parents=True)
    (folder / "run.json").touch()
    after = outlook.outlook(shipped, ["mofs-co2"])
    assert after.jobs["trainings"] == before.jobs["trainings"] - 1
    assert after.core_hours["RetNet"] < 0.7 * before.core_hours["RetNet"]


def test_voxels_that_are_there_are_not_counted(config, shipped):
    study = {**config["studies"]["mine"], "split": {**config["studies"]["mine"]["split"], "test": 1}}
    config["studies"]["mine"] = study
    before = outlook.outlook(config, ["mine"])
    assert before.jobs["voxel shards"] == 2 and before.downloads == {}
    channel = plan.specs.channels(config, "mine")[0]["folder"]
    layout.Path(channel, "shard0").mkdir(parents=True)
    layout.Path(channel, "shard0/shard.json").touch()
    after = outlook.outlook(config, ["mine"])
    assert after.jobs["voxel shards"] == 1
    assert before.disk_bytes - after.disk_bytes == pytest.approx(1.5 * 25**3 * 4)


@pytest.mark.parametrize(
    ("study", "sizes"),
    [
        ("mofs-co2", (32432, 5000, 27438)),
        ("mofs-co2-cifs", (324426 - 32438, 5000, 27438)),
        ("cofs-ch4", (69840 - 13968, 0, 13968)),
    ],
)
def test_split_sizes(shipped, study, sizes):
    assert outlook.split_sizes(shipped, study) == sizes


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(shipped, monkeypatch):
    needed = outlook.outlook(shipped, ["mofs-co2"]).disk_bytes
    assert needed > 2 * 64870 * 25**3 * 4
    monkeypatch.setattr(outlook, "free_bytes", lambda: needed + 1)
    outlook.check_disk(shipped, ["mofs-co2"])
    monkeypatch.setattr(outlook, "free_bytes", lambda: needed - 2e9)
    with pytest.raises(PorevoxError, match=r"\(mofs-co2\) needs at least 8\.\d GB in .*: free 2\.0 GB more"):
        outlook.check_disk(shipped, ["mofs-co2"])


def test_every_rate_that_was_measured_says_how():
    rates = outlook.read_rates()
    measured = [
        *rates["voxels_ms"].values(),
        rates["retnet_cpu_ms"],
        rates["forest_ms"],
        rates["bootstrap_ns"],
    ]
    assert all({"value", "machine", "date", "command"} <= rate.keys() for rate in measured)
    assert all(np.isfinite(rate["value"]) for rate in measured)
    assert rates["retnet_gpu_ms"]["value"] is not None or rates["retnet_gpu_ms"]["source"]
