"""Where results come from: named in full, checksums measured."""

import hashlib

from porevox.pages import provenance

RECORD = {
    "model": "rf",
    "type": "random_forest",
    "versions": {"python": "3.11", "numpy": "2.0"},
    "hardware": {"cpu": "AMD <EPYC>", "cores": 2, "gpu": None},
    "options": {"type": "random_forest", "n_estimators": 100, "max_depth": None, "bootstrap": True},
}
ENTRY = {"title": "Frameworks", "citation": "A & B, doi 10.1/x", "licence": ""}


def test_data_are_cited_and_their_files_hashed(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_bytes(b"id,y\n")
    files = [
        {"source": "https://example.org/labels.csv", "path": file},
        {"source": "cifs", "path": tmp_path},
        {"source": "gone.zip", "path": tmp_path / "gone.zip"},
    ]
    text = provenance.data_table("demo", ENTRY, files, tmp_path / "cache/digests")
    assert hashlib.sha256(b"id,y\n").hexdigest() in text and "https://example.org/labels.csv" in text
    assert "Frameworks (demo)" in text and "A &amp; B, doi 10.1/x" in text
    assert "not given: ask" in text and "a folder" in text and "no longer there" in text


def test_grid_probe_and_force_field_are_named():
    settings = {"kind": "lennard_jones", "probe_sigma_A": 2.5, "cutoff_A": 10.0, "charge": None}
    dataset = {
        "grid": {"kind": "mic_supercell", "n": 25, "endpoint": False},
        "transform": {"kind": "boltzmann", "temperature_K": 298.0},
        "split": {"kind": "random", "seed": 0},
        "channels": [{"name": "lj", "settings": settings, "forcefield": "uff", "key": "02ac124b"}],
        "descriptors": ["density"],
        "digest": "df9b",
    }
    text = provenance.voxel_table(dataset)
    assert "kind = mic_supercell, n = 25, endpoint = no" in text and "temperature_K = 298" in text
    assert "force field uff; kind = lennard_jones, probe_sigma_A = 2.5, cutoff_A = 10; key 02ac124b" in text
    assert "charge" not in text and "df9b" in text and "density" in text


def test_recipes_are_named_once_per_model():
    text = provenance.recipe_table([RECORD, RECORD], {"rf": "RF"})
    assert text.count("n_estimators = 100, bootstrap = yes") == 1 and "max_depth" not in text
    assert ">RF</th>" in text


def test_software_names_all_versions_that_differ():
    other = {**RECORD, "versions": {"python": "3.12"}, "hardware": {"cpu": "X", "cores": 8, "gpu": "H200"}}
    text = provenance.software_table([RECORD, other], {"voxels": "abcd"})
    assert "python 3.11 and 3.12, numpy 2.0" in text and "AMD &lt;EPYC&gt;, 2 cores; X, 8 cores, H200" in text
    assert "voxels <code>abcd</code>" in text


def test_records_are_read_in_order(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).write_text(f'{{"model": "{name}"}}')
    found = provenance.read_records([tmp_path / "b", tmp_path / "a"])
    assert [record["model"] for record in found] == ["b", "a"]
