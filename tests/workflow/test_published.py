"""The second road into a study: published voxels, from a server to models, and against our own."""

import csv
import http.server
import json
import tarfile
import threading
from functools import partial

import numpy as np
import pytest

from published_archive import PARTS, SOURCE, boltzmann_factors, write_archive

N_TRAIN, N_OTHER, N_VALIDATION = 20, 14, 5
#: Stands in the published names, but not in the table of labels: one before the boundary, one behind.
UNLABELLED = (2, 9)


@pytest.fixture(scope="module")
def demo(root):
    """CIFs of the first structures of the demo dataset, by name."""
    cifs = {}
    with tarfile.open(root / "resources/demo/cifs.tar.gz") as archive:
        for member in archive:
            if member.name.endswith(".cif"):
                cifs[member.name.rsplit("/", 1)[-1].removesuffix(".cif")] = archive.extractfile(member).read()
            if len(cifs) == N_TRAIN + N_OTHER:
                return cifs


@pytest.fixture(scope="module")
def served(demo, root, tmp_path_factory):
    """A real HTTP server with an archive of the authors' layout; yields its address and the names by part."""
    folder = tmp_path_factory.mktemp("served")
    # in no order, so that the published order shows
    names = sorted(demo, key=lambda name: name[::-1])
    parts = {"train": names[:N_TRAIN], "val_test": names[N_TRAIN:]}
    arrays = {part: np.stack([boltzmann_factors(demo[n], root) for n in parts[part]]) for part in parts}
    write_archive(folder / "data.tar.gz", {part: (parts[part], arrays[part]) for part in parts})

    class Handler(http.server.SimpleHTTPRequestHandler):
        log_message = staticmethod(lambda *_: None)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/data.tar.gz", parts
        server.shutdown()


@pytest.fixture
def project(fresh, served, demo, root):
    """A project whose one study reads the published voxels, with the CIFs of most of them beside it."""
    address, parts = served
    unlabelled = {parts["val_test"][k] for k in UNLABELLED}
    with open(root / "resources/demo/labels.csv", newline="") as stream:
        labels = {row["id"]: row["CH4_uptake_5.8bar_298K_cm3STP_per_cm3"] for row in csv.DictReader(stream)}
    rows = [f"{name},{labels[name]},{len(demo[name])}" for name in demo if name not in unlabelled]
    (fresh.root / "data/labels.csv").write_text("id,uptake,size\n" + "\n".join(rows) + "\n")
    (fresh.root / "data/cifs").mkdir()
    for name in list(demo)[:12]:
        (fresh.root / f"data/cifs/{name}.cif").write_bytes(demo[name])
    config = fresh.config
    table = {"file": {"path": "data/labels.csv"}}
    voxels = {**SOURCE, "file": {"urls": [address]}, "parts": PARTS}
    config["datasets"] = {
        "theirs": {"voxels": voxels, "tables": [table], "descriptors": ["size"]},
        "ours": {"structures": {"path": "data/cifs"}, "tables": [table]},
    }
    split = {"kind": "parts", "train_part": "train", "test_part": "val_test", "validation": N_VALIDATION}
    study = {"dataset": "theirs", "target": "uptake", "grid": "both-ends", "split": split, "sizes": [8, 16]}
    study |= {"models": ["retnet", "rf", "mean"], "bootstrap": {"resamples": 200}}
    config["studies"] = {"theirs": study}
    config["run"] = ["theirs"]
    config["models"]["retnet"] = {"epochs": 1, "batch_size": 4}
    config["grids"] = {"both-ends": {"kind": "mic_supercell", "endpoint": True}}
    comparison = {"published": "theirs", "structures": "ours", "n_structures": 10}
    config["voxel_comparisons"] = {"check": comparison, "uo-mofs": None}
    fresh.config = config
    return fresh


@pytest.mark.slow
def test_from_a_download_to_models_with_the_authors_split(project, served):
    parts = served[1]
    out = project.run()
    folder = project.root / "results/theirs/split0"
    table = list(csv.DictReader((folder / "dataset/table.csv").open()))
    subset = {s: [row for row in table if row["subset"] == s] for s in ("train", "validation", "test")}
    assert [row["id"] for row in subset["train"]] == parts["train"]
    expected = [name for k, name in enumerate(parts["val_test"]) if k not in UNLABELLED]
    # the boundary is counted on the published names: one of the first five has no label
    assert [row["id"] for row in subset["validation"]] == expected[: N_VALIDATION - 1]
    assert [row["id"] for row in subset["test"]] == expected[N_VALIDATION - 1 :]
    for model in ("retnet", "rf", "mean"):
        predictions = list(csv.DictReader((folder / model / "n16/seed0/predictions.csv").open()))
        assert {row["id"] for row in predictions} >= {row["id"] for row in subset["test"]}, model
    assert "34 structures in, 32 used" in out and "2 no_label" in out
    assert project.jobs() == [], project.run("-n")

    project.run("compare_voxels")
    found = json.loads((project.root / "results/voxel_comparisons/check/voxel_comparison.json").read_text())
    assert found["closer_endpoint"] is True and found["agrees"] and found["n_compared"] == 10
    # computed by the same code: single precision is all that differs
    assert found["differences"][0]["endpoint"] and found["differences"][0]["largest"] < 1e-4
    assert not found["differences"][1]["endpoint"] and found["differences"][1]["largest"] > 0.1


def refused(project, change):
    config = project.config
    change(config)
    project.config = config
    out = project.run("-n", ok=False)
    assert "Traceback" not in out
    return " ".join(out.split())


def test_a_grid_that_is_not_the_published_one_is_refused_before_anything_is_downloaded(project):
    out = refused(project, lambda config: config["grids"]["both-ends"].update(endpoint=False))
    assert "`grids.both-ends.endpoint` is false" in out and "published voxels have true" in out
    assert not (project.root / "results/sources").exists()
