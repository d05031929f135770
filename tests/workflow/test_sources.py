"""Where structures and labels come from: folders, archives, a server, three keys on the command line."""

import hashlib
import http.server
import json
import tarfile
import threading
import zipfile
from functools import partial

import pytest

DATASET = "results/tiny/split0/dataset/dataset.json"


def unpack(project):
    with zipfile.ZipFile(project.root / "data/cifs.zip") as archive:
        archive.extractall(project.root / "data/unpacked")
    return project.root / "data/unpacked/cifs"


def voxels_of(project):
    """Digest of every shard's energies."""
    records = sorted(project.root.glob("results/voxels/**/shard.json"))
    return [json.loads(path.read_text())["energies_sha256"] for path in records]


def use(project, **structures):
    config = project.config
    config["datasets"]["tiny"]["structures"] = structures
    project.config = config


@pytest.fixture
def server(tmp_path):
    """A real HTTP server of one folder; yields the folder and its address."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        log_message = staticmethod(lambda *_: None)

    handler = partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


def test_folder_archive_and_download_give_the_same_voxels(finished, fresh, server):
    expected = voxels_of(finished)
    cifs = unpack(fresh)
    use(fresh, path="data/unpacked/cifs")
    fresh.run(DATASET)
    assert voxels_of(fresh) == expected and len(expected) == 3

    folder, address = server
    with tarfile.open(folder / "cifs.tar.gz", "w:gz") as archive:
        archive.add(cifs, "somewhere/inside")
    (folder / "labels.csv").write_bytes((fresh.root / "data/labels.csv").read_bytes())
    sha256 = hashlib.sha256((folder / "cifs.tar.gz").read_bytes()).hexdigest()
    mirrors = [f"{address}/gone.tar.gz", f"{address}/cifs.tar.gz"]
    use(fresh, urls=mirrors, sha256=sha256)
    config = fresh.config
    config["datasets"]["tiny"]["tables"] = [{"file": {"urls": [f"{address}/labels.csv"]}}]
    fresh.config = config
    jobs = fresh.jobs(DATASET)
    assert sum(job.startswith("retrieve") for job in jobs) == 2
    # the same structures from another place: nothing to voxelise
    assert not any(job.startswith("voxels") for job in jobs)
    assert fresh.jobs(DATASET) == [], fresh.run("-n", DATASET)


def test_a_wrong_checksum_stops_the_run_in_one_sentence(fresh, server):
    folder, address = server
    (folder / "cifs.zip").write_bytes((fresh.root / "data/cifs.zip").read_bytes())
    use(fresh, urls=[f"{address}/cifs.zip"], sha256="0" * 64)
    out = fresh.run("--retries", "0", DATASET, ok=False)
    assert "checksum" in out.lower() and "Traceback" not in out
    assert not list(fresh.root.glob("results/sources/**/cifs.zip"))


def test_three_keys_make_a_study_of_ones_own(fresh):
    unpack(fresh)
    out = fresh.run(
        "results/own/split0/mean/metrics.csv",
        "--config",
        "structures=data/unpacked",
        "labels=data/labels.csv",
        "target=uptake",
    )
    table = (fresh.root / "results/own/split0/mean/metrics.csv").read_text()
    assert table.count(",R2,") >= 4 and "Traceback" not in out


def test_report_is_one_page_with_captions(finished):
    finished.run("--report", "report.html")
    page = (finished.root / "report.html").read_text(encoding="utf-8")
    for words in ("learning curve", "parity plots", "How to read it", "What not to conclude"):
        assert words in page
    assert "http://" not in page.split("<body")[0].replace("http://www.w3.org", "")


def test_first_run_made_everything_and_says_where(finished):
    folder = finished.root / "results/tiny/split0"
    for stem in ("learning_curve", "parity"):
        for kind in ("pdf", "svg", "png", "csv"):
            assert (folder / "figures" / f"{stem}.{kind}").stat().st_size > 100
    assert "24 structures in, 24 used" in finished.first_output
    assert "R2 on the test set" in finished.first_output and "figures" in finished.first_output
    run = json.loads((folder / "retnet/n9/seed0/run.json").read_text())
    assert run["n_train"] == 9 and run["seed"] == 0 and run["wall_time_s"] > 0
    assert {"torch", "porevox", "python"} <= set(run["versions"])
