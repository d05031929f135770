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
    shipped = layout.source_path("demo", {"path": "resources/datasets.yaml"})
    assert shipped == layout.ROOT / "resources/datasets.yaml"
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources/datasets.yaml").touch()
    assert layout.source_path("demo", {"path": "resources/datasets.yaml"}) == Path("resources/datasets.yaml")
    first = {"urls": ["http://a.org/x/data.tar.gz?download=1"], "sha256": None}
    other = {"urls": ["http://b.org/x/data.tar.gz?download=1"], "sha256": None}
    assert layout.source_path("demo", first).name == "data.tar.gz"
    assert layout.source_path("demo", first) != layout.source_path("demo", other)
    mirrored = {**first, "urls": [*first["urls"], *other["urls"]]}
    assert layout.source_path("demo", first) == layout.source_path("demo", mirrored)


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


def test_scores_lie_in_the_only_split_or_beside_all_folds():
    assert layout.scored_dir("s", 1) == layout.study_dir("s", 0) == Path("results/s/split0")
    assert layout.scored_dir("s", 5) == Path("results/s/pooled")


@pytest.mark.parametrize(
    ("sizes", "largest"),
    [([100, 400, 200], 400), (["50%", "9%"], "50%"), ([400, "100%", 20], "100%"), (["50%", 400], 400)],
)
def test_the_largest_size(sizes, largest):
    assert layout.largest_size(sizes) == largest
