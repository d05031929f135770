"""The target `thesis`: from archives of the authors' layout on a server to the page of verdicts."""

import csv
import http.server
import itertools
import threading
from functools import partial

import pytest
import yaml

import thesis_archives as archives

N_MOFS, N_TRAIN, N_VALIDATION, N_COFS = 36, 16, 6, 24
#: Enough epochs for a table of 10 and 20.
NETWORK = {"epochs": 20, "batch_size": 8}
FIGURES = ("3.2", "3.3", "4.1", "4.2a", "4.2b", "4.3a", "4.3b", "4.4", "4.4-cofs")


@pytest.fixture(scope="module")
def served(root, tmp_path_factory):
    """A real HTTP server with the archives; yields its address."""
    folder = tmp_path_factory.mktemp("served")
    cifs, rows = archives.demo_rows(root, N_MOFS + N_COFS)
    names = list(cifs)
    mofs, cofs = names[:N_MOFS], names[N_MOFS:]
    # of the forest's rows some are no numbers, in training and in test
    texts = itertools.cycle(("inf", "", "nan"))
    spoiled = {(name, "surface_area [m^2/g]"): text for name, text in zip(mofs[::4], texts, strict=False)}
    archives.write_mofs(folder, root, *({n: d[n] for n in mofs} for d in (cifs, rows)), N_TRAIN, spoiled)
    faulty = {(cofs[3], "void fraction [widom]"): "2e44"}
    archives.write_cofs(folder, *({n: d[n] for n in cofs} for d in (cifs, rows)), faulty)

    class Handler(http.server.SimpleHTTPRequestHandler):
        log_message = staticmethod(lambda *_: None)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def project(fresh, root, served):
    """The shipped configuration and dataset entries, with other addresses and numbers of structures."""
    (fresh.root / "config.yaml").write_text((root / "config.yaml").read_text())
    entries = yaml.safe_load((root / "resources/datasets.yaml").read_text())
    for entry in entries.values():
        files = [entry.get("structures"), entry.get("voxels", {}).get("file")]
        files += [table["file"] for table in entry.get("tables", ())]
        for file in files:
            if file and "urls" in file:
                file["urls"] = [f"{served}/{file['name']}"]
    (fresh.root / "resources/datasets.yaml").write_text(yaml.safe_dump(entries))
    parts = {"validation": N_VALIDATION}
    shipped = ("mofs-co2", "mofs-co2-augmentation", "cofs-ch4")
    few = {name: {"bootstrap": {"resamples": 200}} for name in shipped}
    few["mofs-co2"] |= {"split": parts, "sizes": [6, 12], "models": ["retnet", "rf"]}
    few["mofs-co2-augmentation"] |= {"split": parts, "sizes": [12]}
    few["cofs-ch4"] |= {"split": {"test": 10}, "sizes": [6, "100%"], "models": ["retnet", "rf"]}
    fresh.config = {
        "run": ["cofs-ch4"],
        "datasets": {"uo_mofs_voxels": {"n_structures": N_MOFS}, "mercado_cofs": {"n_structures": N_COFS}},
        "models": {"retnet": NETWORK, "retnet-plain": NETWORK, "rf": {"n_estimators": 10}},
        "studies": few,
    }
    fresh.targets = ("thesis",)
    return fresh


@pytest.mark.slow
def test_the_thesis_from_its_downloads_to_its_page(project):
    planned = project.run("-n")
    assert "4 files" in planned and "screening_data.tar.gz" in planned and "core-hours" in planned
    assert not (project.root / "results/sources").exists()

    jobs = project.jobs()
    assert sum(job.startswith("retrieve") for job in jobs) == 4
    folder = project.root / "results/thesis"
    for figure in FIGURES:
        for kind in ("pdf", "svg", "png", "csv"):
            assert (folder / f"figures/fig_{figure}.{kind}").stat().st_size > 100, (figure, kind)
    source = project.root / "results/cofs-ch4/split0/figures/parity.png"
    assert (folder / "figures/fig_4.4-cofs.png").read_bytes() == source.read_bytes()
    rows = list(csv.DictReader((folder / "thesis.csv").open()))
    found = {(row["part"], row["quantity"], row["rows"]): row for row in rows}
    assert len(rows) == len(found) == 17
    # the forest is tested on what has descriptors, RetNet on all that has voxels
    tested = {model: int(float(found["mofs", f"{model}_R2", "own"]["n_test"])) for model in ("retnet", "rf")}
    assert tested["retnet"] == N_MOFS - N_TRAIN - N_VALIDATION and tested["rf"] < tested["retnet"]
    assert {found["mofs", f"{m}_R2", "common"]["n_test"] for m in ("retnet", "rf")} == {f"{tested['rf']}"}
    assert found["mofs", "epochs", ""]["value"] in ("10", "20")
    page = (folder / "thesis.html").read_text(encoding="utf-8")
    assert "no check of the published ones" in page and page.count("data:image/png") == len(FIGURES) + 1
    assert "(figures/fig_4.3a.png)" in (folder / "thesis.md").read_text()
    assert project.jobs() == [], project.run("-n")
