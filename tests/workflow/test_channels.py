"""Several voxel channels and tables of Henry coefficients, on real runs of charged structures."""

import copy
import csv
import json
import shutil

import pytest

from workflow_project import CONFIG, N, Project, make_cif, new_project, write_archive

FOLDER = "results/tiny/split0"
HENRY = tuple(f"results/henry/{name}/henry.csv" for name in ("methane", "co2"))
# figures see no channels
TARGETS = (f"{FOLDER}/retnet/metrics.csv", *HENRY)
BEFORE_TRAINING = (f"{FOLDER}/dataset/dataset.json", *HENRY)
CHANNELS = [
    {"name": "lj", "kind": "lennard_jones", "probe": "CH4", "cutoff_A": 8},
    {"name": "co2", "kind": "guest", "guest": "CO2", "cutoff_A": 8, "n_orientations": 4},
    {"name": "es", "kind": "electrostatic", "accuracy_V": 0.05},
]
UNCHARGED = "mof05"


def charged_config():
    """One study of three channels, and Henry coefficients from two of them."""
    config = copy.deepcopy(CONFIG)
    config["grids"] = {"thesis": {"kind": "mic_supercell", "n": 16, "channels": CHANNELS}}
    config["models"] = {"retnet": {"epochs": 1, "batch_size": 4}}
    config["datasets"]["tiny"]["shard_size"] = N
    config["studies"]["tiny"] |= {"sizes": [6], "models": ["retnet", "mean"]}
    entry = {"dataset": "tiny", "grid": "thesis"}
    config["henry"] = {"methane": {**entry, "channel": "lj"}, "co2": {**entry, "channel": "co2"}}
    return config


@pytest.fixture(scope="module")
def finished_channels(tmp_path_factory, root) -> Project:
    project = new_project(tmp_path_factory.mktemp("channels") / "project", root)
    names = [f"mof{k:02d}" for k in range(N)]
    cifs = {name: make_cif(name, k, charged=name != UNCHARGED) for k, name in enumerate(names)}
    write_archive(project.root / "data/cifs.zip", cifs)
    project.config = charged_config()
    project.first_output = project.run(*TARGETS)
    return project


@pytest.fixture
def channels(finished_channels, tmp_path) -> Project:
    shutil.copytree(finished_channels.root, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def read(project, path):
    with (project.root / path).open(newline="") as stream:
        return {row["id"]: row for row in csv.DictReader(stream)}


def set_channel(project, number, **values):
    config = project.config
    config["grids"]["thesis"]["channels"][number].update(values)
    project.config = config


def voxelised(jobs):
    """Channels whose voxels were computed."""
    return {job.split("channel=")[1].split(",")[0] for job in jobs if job.startswith("voxels")}


def test_the_network_sees_all_channels(finished_channels):
    dataset = json.loads((finished_channels.root / FOLDER / "dataset/dataset.json").read_text())
    said = [(c["name"], c["quantity"], c["unit"], c["forcefield"]) for c in dataset["channels"]]
    assert said == [
        ("lj", "energy", "K", "uff"),
        ("co2", "effective_energy", "K", "uff"),
        ("es", "potential", "V", None),
    ]
    assert dataset["transform"]["potential_limit_V"] == 2.0
    card = json.loads((finished_channels.root / FOLDER / "retnet/n6/seed0/model.json").read_text())
    assert [channel["name"] for channel in card["channels"]] == ["lj", "co2", "es"]
    assert (finished_channels.root / FOLDER / "retnet/metrics.csv").read_text().count("retnet,") >= 4


def test_structures_without_charges_are_named_and_stay_with_the_others(finished_channels):
    drops = read(finished_channels, f"{FOLDER}/dataset/drops.csv")
    assert set(drops) == {UNCHARGED}
    assert drops[UNCHARGED]["reason"] == "no_charges" and drops[UNCHARGED]["affects"] == "voxel_models"
    assert "channel" in drops[UNCHARGED]["detail"] and "es" in drops[UNCHARGED]["detail"]
    row = read(finished_channels, f"{FOLDER}/dataset/table.csv")[UNCHARGED]
    assert row["row_lj"] and not row["row_co2"] and not row["row_es"]


def test_henry_coefficients_of_every_structure_are_there_or_explained(finished_channels):
    assert "Henry coefficients co2: 23 of 24 structures; not used: 1 no_charges" in (
        finished_channels.first_output
    )
    everything = {f"mof{k:02d}" for k in range(N)}
    for name, missing in (("methane", set()), ("co2", {UNCHARGED})):
        found = read(finished_channels, f"results/henry/{name}/henry.csv")
        assert set(found) == everything - missing
        assert set(read(finished_channels, f"results/henry/{name}/rejected.csv")) == missing
        # more than an ideal gas in a box of this density, less than anything real
        logarithms = [float(row["log10_K_H_mol_per_kg_Pa"]) for row in found.values()]
        assert all(-8 < value < 2 for value in logarithms)
        assert all(-5 < float(row["Q_st_kJ_per_mol"]) < 100 for row in found.values())


def test_a_second_run_has_nothing_to_do(finished_channels):
    assert "Nothing to be done" in finished_channels.run(*TARGETS)
    assert "Nothing to be done" in finished_channels.run("henry")


def test_a_plain_run_makes_henry_tables_and_henry_alone_needs_neither_labels_nor_studies(channels):
    config = channels.config
    shutil.rmtree(channels.root / "results/henry")
    (channels.root / "data/labels.csv").unlink()
    config |= {"run": [], "studies": {}}
    config["datasets"]["tiny"]["tables"] = []
    channels.config = config
    jobs = channels.jobs()
    assert [job.split()[0] for job in jobs] == ["henry_coefficients"] * 2


def test_renaming_a_probe_reruns_nothing_and_its_numbers_their_channel(channels):
    table = channels.root / "resources/probes.csv"
    text = table.read_text()
    table.write_text(text.replace("\nCH4,", "\nmethane,"))
    set_channel(channels, 0, probe="methane")
    assert channels.jobs(*BEFORE_TRAINING) == []
    table.write_text(text.replace("\nCH4,3.73,", "\nmethane,3.72,"))
    jobs = channels.jobs(*BEFORE_TRAINING)
    assert voxelised(jobs) == {"lj"}
    assert [job for job in jobs if job.startswith("henry")] == ["henry_coefficients henry=methane"]


@pytest.mark.slow
def test_the_force_field_does_not_concern_the_electrostatic_channel(channels):
    table = channels.root / "resources/forcefields/uff.csv"
    text = table.read_text()
    assert "\nC,3.851,0.105,3.430851," in text
    table.write_text(text.replace("\nC,3.851,0.105,3.430851,", "\nC,3.851,0.105,3.44,"))
    assert voxelised(channels.jobs(*BEFORE_TRAINING)) == {"lj", "co2"}
    set_channel(channels, 2, accuracy_V=0.02)
    assert voxelised(channels.jobs(*BEFORE_TRAINING)) == {"es"}


def test_henry_s_temperature_concerns_one_table(channels):
    config = channels.config
    config["henry"]["methane"]["temperature_K"] = 273
    channels.config = config
    assert channels.jobs(*TARGETS) == ["henry_coefficients henry=methane"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda p: set_channel(p, 1, guest="CO3"), "did you mean `CO2`"),
        (lambda p: set_channel(p, 1, temperature_K=273), "effective energies at 273 K"),
    ],
)
def test_mistakes_are_told_before_any_job(channels, change, sentence):
    change(channels)
    out = channels.run("-n", ok=False)
    assert sentence in out and "Traceback" not in out, out
