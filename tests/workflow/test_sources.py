"""Where structures and labels come from: folders, archives, a server, three keys on the command line."""

import hashlib
import json
import shutil
import tarfile
import zipfile

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
    locked = json.loads((fresh.root / "results/sources/checksums.json").read_text())
    assert locked[mirrors[0]] == sha256 and len(locked) == 2
    # what is here does not come again because of another mirror, nor for another dataset
    config["datasets"]["tiny"]["structures"] = {"urls": [*mirrors, "http://x"], "sha256": sha256}
    config["datasets"]["same"] = config["datasets"]["tiny"]
    config["studies"]["same"] = config["studies"]["tiny"] | {"dataset": "same"}
    fresh.config = config
    again = fresh.jobs("-n", DATASET, DATASET.replace("tiny", "same"))
    assert {job.split()[0] for job in again} == {"structures", "voxels", "dataset"}
    assert all("same" in job for job in again)


def test_downloads_run_where_the_workflow_was_started(root):
    text = (root / "workflow/rules/retrieve.smk").read_text()
    assert "localrules:\n    retrieve,\n" in text


@pytest.mark.slow
def test_files_fetched_by_hand_are_used_where_there_is_no_network(fresh):
    config = fresh.config
    config["datasets"]["tiny"]["structures"] = {"urls": ["http://127.0.0.1:9/get?id=7"], "name": "cifs.zip"}
    config["datasets"]["tiny"]["tables"] = [{"file": {"urls": ["http://127.0.0.1:9/labels.csv"]}}]
    config["sources_dir"] = "by hand"
    fresh.config = config
    manifest = "results/structures/tiny/manifest.csv"
    out = fresh.run("-n", manifest, ok=False)
    assert "cifs.zip (from http://127.0.0.1:9/get?id=7), labels.csv (from http" in out
    assert "Traceback" not in out
    shutil.copytree(fresh.root / "data", fresh.root / "by hand")
    fresh.run(manifest)
    (link,) = fresh.root.glob("results/sources/*/cifs.zip")
    assert link.is_symlink() and link.samefile(fresh.root / "by hand/cifs.zip")
    assert list(json.loads((fresh.root / "results/sources/checksums.json").read_text()))
    # from now on as if it had been downloaded
    del config["sources_dir"]
    fresh.config = config
    assert fresh.jobs(manifest) == []


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
