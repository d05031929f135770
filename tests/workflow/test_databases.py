"""Databases that come with the project, and how one is added: archives of their layout, from a server."""

import csv
import io
import json
import re
import tarfile

import pandas as pd
import pytest
import yaml

from porevox import layout, plan
from porevox.schema import check_block
from workflow_project import make_cif

ENTRIES = {"type": "object", "additionalProperties": {"$ref": "#/$defs/dataset"}}


@pytest.fixture(scope="module")
def entries(root):
    return check_block(yaml.safe_load((root / "resources/datasets.yaml").read_text()), ENTRIES, "datasets")


def downloads(entry):
    return [file for file in layout.dataset_files(entry) if "urls" in file]


def test_every_entry_says_where_it_is_from(entries):
    assert {"uo_mofs", "uo_mofs_voxels", "mercado_cofs", "core_mof_2019", "curated_cofs"} <= set(entries)
    for name, entry in entries.items():
        assert entry["title"] and entry["licence"] and re.search(r"doi 10\.\d{4,}/", entry["citation"]), name
        assert all(url.startswith("https://") for file in downloads(entry) for url in file["urls"]), name
        assert not downloads(entry) or entry["n_structures"], name


def test_every_target_says_what_it_is(entries):
    for name, entry in entries.items():
        for column, target in entry["targets"].items():
            assert target["label"], (name, column)
            # what the label says in words stands in numbers, too
            bar = re.search(r", ([\d.]+) bar", target["label"])
            kelvin = re.search(r", (\d+) K$", target["label"])
            if bar and target["pressure_bar"]:
                assert float(bar[1]) == target["pressure_bar"]
            if kelvin and target["temperature_K"]:
                assert float(kelvin[1]) == target["temperature_K"]


def test_files_fetched_by_hand_have_names_of_their_own(entries):
    names = {}
    for entry in entries.values():
        for file in downloads(entry):
            names.setdefault(layout.download_name(file), set()).add(layout.download_key(file))
    assert all(len(keys) == 1 for keys in names.values()), names
    assert "file" not in names and "download" not in names


def test_voxels_and_cifs_of_the_same_database_share_their_labels(entries):
    table, other = (entries[name]["tables"][0]["file"] for name in ("uo_mofs", "uo_mofs_voxels"))
    assert layout.source_path(table) == layout.source_path(other)


def add(archive, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def ottawa_table(labels, change):
    """The official table as far as the samples have it, with two rows as bad as those of the real one."""
    rows = [row for row in csv.DictReader(io.StringIO(labels)) if row["has_full_UO_row"] == "True"]
    official = [name for name in rows[0] if "[" in name or name in ("CO2/N2_selectivity", "void_fraction")]
    for row, (column, cell) in zip(rows, change, strict=False):
        row[column] = cell
    text = io.StringIO()
    writer = csv.DictWriter(text, ["MOFname", *official], extrasaction="ignore")
    writer.writeheader()
    writer.writerows({**row, "MOFname": row["id"]} for row in rows)
    return text.getvalue().encode(), [row["id"] for row in rows]


@pytest.mark.slow
def test_the_ottawa_database_as_it_is(fresh, server, entries, shared_data, root):
    """The shipped entry, archives of the same layout with all samples there are, up to a dataset."""
    folder, address = server
    with tarfile.open(shared_data / "uo-mofs/cifs.tar.gz") as archive:
        cifs = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}
    with tarfile.open(folder / "MOF_database.tar.gz", "w:gz") as archive:
        for name, content in cifs.items():
            add(archive, f"MOF_database/{name}", content)
        for number in range(5000):
            add(archive, f"MOF_database/logs/{number}.txt", b"")
    bad = [("CO2/N2_selectivity", "inf"), ("void_fraction", "0.0"), ("volume [A^3]", "")]
    table, labelled = ottawa_table((shared_data / "uo-mofs/labels.csv").read_text(), bad)
    with tarfile.open(folder / "screening_data.tar.gz", "w:gz") as archive:
        add(archive, "screening_data/top_MOFs_screening_data.csv", b"MOFname,x\na,1\n")
        add(archive, "screening_data/all_MOFs_screening_data.csv", table)
    config, entry = fresh.config, yaml.safe_load((root / "resources/datasets.yaml").read_text())["uo_mofs"]
    for file in (entry["structures"], entry["tables"][0]["file"]):
        file["urls"] = [f"{address}/gone/{file['name']}", f"{address}/{file['name']}"]
    # the declared number is far too small: it costs nothing but larger shards
    config["datasets"] = {"ottawa": entry | {"n_structures": 40, "shard_size": 20}}
    study = config["studies"].pop("tiny")
    study |= {"dataset": "ottawa", "target": "CO2_uptake_P0.15bar_T298K [mmol/g]", "sizes": [8, 16]}
    config |= {"run": ["ottawa"], "studies": {"ottawa": study}}
    fresh.config = config
    fresh.run("results/ottawa/split0/dataset/dataset.json")

    ledgers = list(fresh.root.glob("results/voxels/ottawa/**/ledger.csv"))
    assert len(ledgers) == 2 and all(len(path.read_text().splitlines()) == 1 for path in ledgers)
    manifest = pd.read_csv(fresh.root / "results/structures/ottawa/manifest.csv", dtype=str)
    assert set(manifest["id"]) == {name.removesuffix(".cif") for name in cifs} and len(manifest) == 60
    done = fresh.root / "results/ottawa/split0/dataset"
    rows = pd.read_csv(done / "table.csv").set_index("id")
    assert set(rows.index) == set(labelled) and rows["row_lj"].notna().all()
    drops = pd.read_csv(done / "drops.csv", keep_default_na=False)
    assert json.loads((done / "summary.json").read_text())["drops"] == {
        "dataset/descriptor_not_finite": 1,
        "dataset/incomplete_row": 1,
        "labels/no_label": 20,
    }
    reasons = ("incomplete_row", "descriptor_not_finite")
    incomplete, empty = (set(drops.loc[drops["reason"] == reason, "id"]) for reason in reasons)
    assert (incomplete, empty) == ({labelled[0]}, {labelled[2]})
    descriptors = rows[entry["descriptors"]]
    assert set(rows.index[descriptors.isna().any(axis=1)]) == incomplete | empty
    assert descriptors.loc[labelled[1], "void_fraction"] == 0


@pytest.fixture
def example(root):
    """What docs/datasets.md says one writes."""
    page = (root / "docs/datasets.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S)
    return yaml.safe_load(block)


def test_the_example_of_the_documentation_is_accepted(example, root):
    config = yaml.safe_load((root / "config.yaml").read_text())
    config["datasets"], config["run"] = example["datasets"], example["run"]
    config["studies"] |= example["studies"]
    entry = plan.load(config)["datasets"]["zeolites"]
    assert layout.source_path(entry["structures"]).name == "zeolites.tar.gz"
    assert entry["tables"][0]["file"]["member"] == "uptakes.csv"


@pytest.mark.slow
def test_the_example_of_the_documentation_is_enough(example, fresh, server):
    folder, address = server
    entry = example["datasets"]["zeolites"]
    for file in (entry["structures"], entry["tables"][0]["file"]):
        file["urls"] = [f"{address}/{layout.download_name(file)}"]
    names = [f"ZEO-{number}.v1" for number in range(20)]
    with tarfile.open(folder / "zeolites.tar.gz", "w:gz") as archive:
        for number, name in enumerate(names):
            add(archive, f"zeolites-1.0/relaxed/{name}.cif", make_cif(name, number).encode())
            add(archive, f"zeolites-1.0/raw/{name}.cif", b"data_raw\n")
    rows = [f"{name}.cif,{number / 7:.3f},{number},0.{number + 10}" for number, name in enumerate(names)]
    rows[3] = f"{names[3]}.cif,1.0,5,2e44"
    header = "framework,CH4 uptake (mmol/g),Density [g/cm3],void_fraction"
    with tarfile.open(folder / "properties.tgz", "w:gz") as archive:
        add(archive, "tables/uptakes.csv", "\n".join([header, *rows]).encode())
    config = fresh.config
    config["datasets"] = example["datasets"]
    config["studies"] = {"zeolites": example["studies"]["zeolites"] | {"grid": "tiny"}}
    config["grids"] = {"tiny": {"kind": "mic_supercell", "n": 8}}
    config["run"] = ["zeolites"]
    fresh.config = config
    fresh.run("results/zeolites/split0/dataset/dataset.json")
    done = fresh.root / "results/zeolites/split0/dataset"
    summary = json.loads((done / "summary.json").read_text())
    assert summary["n_structures"] == 20 and summary["n_usable"] == 19
    assert summary["drops"] == {"labels/known_faulty": 1}
