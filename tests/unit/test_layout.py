"""Paths and keys."""

import copy
from pathlib import Path

import pytest

from porevox import layout

GRID = {"kind": "mic_supercell", "n": 25, "endpoint": False, "box_length_A": 30.0, "channels": []}
SETTINGS = {"kind": "lennard_jones", "probe_sigma_A": 2.5}
READING = {"partial_occupancy": "reject"}


def key(**changes):
    blocks = {"grid": GRID, "settings": SETTINGS, "reading": READING}
    blocks = copy.deepcopy(blocks)
    for name, value in changes.items():
        block, entry = name.split("__")
        blocks[block][entry] = value
    return layout.voxel_key(**blocks, forcefield_sha256="abc")


@pytest.mark.parametrize(
    "change",
    [
        {"grid__n": 32},
        {"grid__endpoint": True},
        {"settings__probe_sigma_A": 3.73},
        {"settings__kind": "electrostatic"},
        {"reading__partial_occupancy": "full"},
        {"grid__kind": "unit_cell"},
    ],
)
def test_what_changes_voxels_changes_their_key(change):
    assert key(**change) != key()


@pytest.mark.parametrize(
    "change",
    [{"grid__box_length_A": 40.0}, {"grid__n": 25.0}, {"grid__channels": [SETTINGS]}],
)
def test_what_does_not_leaves_it(change):
    assert key(**change) == key()
    assert layout.voxel_key(GRID, SETTINGS, READING, "other table") != key()
    assert layout.voxel_key(GRID, SETTINGS, READING, None) != key()


def test_the_box_length_counts_in_a_box():
    assert key(grid__kind="cubic_box") != key(grid__kind="cubic_box", grid__box_length_A=40.0)


@pytest.mark.parametrize("size", [400, 2, "25%", "100%"])
def test_size_tokens_come_back(size):
    assert layout.size_of(layout.size_token(size)) == size


def test_source_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = layout.source_path({"path": "resources/datasets.yaml"})
    assert shipped == layout.ROOT / "resources/datasets.yaml"
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources/datasets.yaml").touch()
    assert layout.source_path({"path": "resources/datasets.yaml"}) == Path("resources/datasets.yaml")
    first = {"urls": ["http://a.org/x/data.tar.gz?download=1"], "sha256": None}
    other = {"urls": ["http://b.org/x/data.tar.gz?download=1"], "sha256": None}
    assert layout.source_path(first).name == "data.tar.gz"
    assert layout.source_path(first) != layout.source_path(other)
    mirrored = {**first, "urls": [*first["urls"], *other["urls"]]}
    assert layout.source_path(first) == layout.source_path(mirrored)


def test_a_download_may_have_a_name_and_is_found_by_its_path():
    file = {"urls": ["http://a.org/record/file?filename=x.tgz&record_id=1"], "sha256": None}
    assert layout.source_path(file).name == "file"
    named = {**file, "name": "x.tgz"}
    assert layout.source_path(named) == layout.source_path(file).with_name("x.tgz")
    table = {"urls": ["http://a.org/t.csv"], "sha256": "0" * 64}
    entries = {
        "a": {"structures": named, "tables": [{"file": {"path": "mine.csv"}}, {"file": table}]},
        "b": {"structures": None, "voxels": {"file": table}, "tables": []},
    }
    config = {"datasets": entries}
    assert layout.dataset_files(entries["b"]) == [table]
    assert layout.find_download(config, layout.source_path(table)) is table
    assert layout.find_download(config, layout.source_path(named)) is named
    assert layout.find_download(config, layout.source_path(file)) is None


def test_runs_by_model():
    files = [
        "results/s/split0/rf/n2/seed0/run.json",
        "results/s/split0/cnn/n2/seed0/run.json",
        "results/s/split0/rf/n4/seed0/run.json",
    ]
    found = layout.runs_by_model(files)
    assert found["rf"] == [Path(files[0]).parent, Path(files[2]).parent] and len(found["cnn"]) == 1


def test_number_of_shards():
    assert (
        layout.n_shards(1200, 250) == 5
        and layout.n_shards(1, 250) == 1
        and layout.n_shards(None, 250) is None
    )


@pytest.mark.parametrize("n", [1, 1041, 20_000, 20_001, 324_426, 10**6, 10**7, 10**8])
def test_the_rule_keeps_shards_few_and_jobs_long(n):
    shards, size = layout.n_shards(n), layout.shard_size(n)
    assert 1 <= shards <= layout.MOST_SHARDS and (shards - 1) * size < n <= shards * size
    # ten times the 3.4 s that a job costs on a cluster, with 1.71 ms of kernel per structure
    assert shards == 1 or size * 0.00171 > 10 * 3.4


def test_what_the_user_gives_wins_over_the_rule():
    assert layout.shard_size(10**7, 7) == 7 and layout.n_shards(100_000, 10) == 10_000


def test_scores_lie_in_the_only_split_or_beside_all_folds():
    assert layout.scored_dir("s", 1) == layout.study_dir("s", 0) == Path("results/s/split0")
    assert layout.scored_dir("s", 5) == Path("results/s/pooled")


@pytest.mark.parametrize(
    ("sizes", "largest"),
    [([100, 400, 200], 400), (["50%", "9%"], "50%"), ([400, "100%", 20], "100%"), (["50%", 400], 400)],
)
def test_the_largest_size(sizes, largest):
    assert layout.largest_size(sizes) == largest
