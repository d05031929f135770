"""A shard of structures: every one accounted for, whatever happens to some."""

import csv
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from porevox import voxels
from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.energy.forcefield import load_forcefield
from porevox.energy.grid import GridSpec
from porevox.energy.lennard_jones_channel import LennardJonesChannel
from porevox.errors import REASONS, PorevoxError
from porevox.structures import build_packs, read_pack

GRID = {"kind": "mic_supercell", "n": 6, "endpoint": False}
NAMES = ("energies.npy", "index.csv", "ledger.csv")


def cif(length=12.0, elements="CON", occupancy=1):
    places = ((0.0, 0.0, 0.0), (0.25, 0.4, 0.1), (0.6, 0.7, 0.5))
    atoms = "".join(
        f"{element}{i} {element} {x} {y} {z} {occupancy}\n"
        for i, (element, (x, y, z)) in enumerate(zip(elements, places, strict=False))
    )
    return (
        f"data_x\n_cell_length_a {length}\n_cell_length_b {length + 1}\n_cell_length_c 9.5\n"
        "_cell_angle_alpha 90\n_cell_angle_beta 96\n_cell_angle_gamma 90\n"
        "_symmetry_space_group_name_H-M 'P 1'\nloop_\n_atom_site_label\n_atom_site_type_symbol\n"
        "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\n" + atoms
    )


@pytest.fixture(scope="module")
def forcefield(root):
    return root / "resources" / "forcefields" / "uff.csv"


def packed(folder, files):
    source = folder / "cifs"
    source.mkdir()
    for id, text in files.items():
        (source / f"{id}.cif").write_text(text)
    build_packs(source, folder / "packs", n_shards=1)
    return folder / "packs" / "shard0000.zip"


GOOD = {f"good{number:02d}": cif(11.0 + 0.3 * number) for number in range(12)}
BAD = {
    "bad_text": "this is no CIF",
    "empty": "",
    "no_parameters": cif(elements=("C", "Og")),
    "partial": cif(occupancy=0.5),
}


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("pack"), GOOD | BAD)


def run(pack, out_dir, forcefield, workers=1, **changed):
    settings = {"grid": GRID, "channel": {}, "reading": {}, "memory_limit_MB": 1000.0} | changed
    return voxels.voxelise_shard(pack, out_dir, forcefield=forcefield, workers=workers, **settings)


def table(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_structure_is_in_the_index_or_in_the_ledger(pack, tmp_path, forcefield):
    summary = run(pack, tmp_path, forcefield)
    index, ledger = table(tmp_path / "index.csv"), table(tmp_path / "ledger.csv")
    assert [row["id"] for row in index] == sorted(GOOD)
    assert [row["row"] for row in index] == [str(row) for row in range(12)]
    assert [row["id"] for row in ledger] == sorted(BAD)
    reasons = {row["id"]: row["reason"] for row in ledger}
    assert reasons["bad_text"] == reasons["empty"] == "unreadable_cif"
    assert reasons["no_parameters"] == "unknown_element"
    assert reasons["partial"] == "partial_occupancy"
    assert all(row["reason"] in REASONS and row["detail"] for row in ledger)
    assert (summary["n_structures"], summary["n_rejected"]) == (12, 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*NAMES, "shard.json"])


def test_the_rows_are_the_energies_of_their_structures(pack, tmp_path, forcefield):
    run(pack, tmp_path, forcefield)
    stored = np.load(tmp_path / "energies.npy", allow_pickle=False)
    assert stored.shape == (12, 6, 6, 6)
    assert stored.dtype == np.float32
    contents = dict(read_pack(pack))
    for row in table(tmp_path / "index.csv"):
        structure = read_cif(contents[row["id"]], row["id"], ReadingPolicy())
        result = LennardJonesChannel().compute(
            structure, GridSpec.from_dict(GRID), load_forcefield(forcefield)
        )
        expected = result.values
        with np.errstate(over="ignore"):
            assert np.array_equal(stored[int(row["row"])], expected.astype(np.float32))
        assert float(row["volume_A3"]) == structure.volume_A3
        assert float(row["density_g_cm3"]) == structure.density_g_cm3
        assert (row["n_atoms"], row["reader"]) == ("3", "gemmi")


def test_shard_json_tells_what_was_computed(pack, tmp_path, forcefield):
    summary = run(pack, tmp_path, forcefield, channel={"cutoff_A": 8})
    assert json.loads((tmp_path / "shard.json").read_text()) == summary
    stored = np.load(tmp_path / "energies.npy")
    assert summary["energies_sha256"] == hashlib.sha256(stored.tobytes()).hexdigest()
    assert summary["grid"] == GridSpec.from_dict(GRID).to_dict()
    assert summary["channel"] == LennardJonesChannel(cutoff_A=8.0).to_dict()
    assert summary["reading"] == {
        "partial_occupancy": "reject",
        "overlapping_atoms": "reject",
        "overlap_distance_A": 0.5,
    }
    assert (summary["quantity"], summary["unit"]) == ("energy", "K")
    assert summary["forcefield"]["digest"] == load_forcefield(forcefield).digest
    assert summary["wall_time_s"] > 0


def test_the_bytes_do_not_depend_on_the_workers(pack, tmp_path, forcefield):
    for workers in (1, 2):
        run(pack, tmp_path / str(workers), forcefield, workers)
    for name in NAMES:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    one, two = (json.loads((tmp_path / w / "shard.json").read_text()) for w in "12")
    assert one | {"wall_time_s": 0} == two | {"wall_time_s": 0}


def test_a_reading_policy_reaches_the_reader(pack, tmp_path, forcefield):
    run(pack, tmp_path, forcefield, reading={"partial_occupancy": "full"})
    assert "partial" in [row["id"] for row in table(tmp_path / "index.csv")]


def poisoned(monkeypatch, id, deed):
    """Make reading one structure fatal; forked workers inherit the change."""
    honest = voxels.read_cif

    def reader(content, its_id, policy):
        if its_id == id:
            deed()
        return honest(content, its_id, policy)

    monkeypatch.setattr(voxels, "read_cif", reader)


def kill_own_process():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("deed", [lambda: os._exit(139), kill_own_process])
def test_a_structure_that_kills_its_worker_loses_only_itself(
    pack, tmp_path, forcefield, monkeypatch, deed, workers
):
    poisoned(monkeypatch, "good05", deed)
    run(pack, tmp_path, forcefield, workers=workers)
    accepted = [row["id"] for row in table(tmp_path / "index.csv")]
    assert accepted == sorted(set(GOOD) - {"good05"})
    reasons = {row["id"]: row["reason"] for row in table(tmp_path / "ledger.csv")}
    assert reasons.pop("good05") == "worker_crashed"
    assert set(reasons) == set(BAD)


@pytest.mark.parametrize("workers", [1, 2])
def test_memory_errors_are_the_structures_fault(pack, tmp_path, forcefield, monkeypatch, workers):
    def no_memory():
        raise MemoryError("Unable to allocate 7 EiB")

    poisoned(monkeypatch, "good03", no_memory)
    run(pack, tmp_path, forcefield, workers)
    [row] = [row for row in table(tmp_path / "ledger.csv") if row["id"] == "good03"]
    assert row["reason"] == "too_large"
    assert "7 EiB" in row["detail"]


def test_an_unforeseen_exception_is_recorded_and_logged(pack, tmp_path, forcefield, monkeypatch, caplog):
    poisoned(monkeypatch, "good07", lambda: [][7])
    with caplog.at_level(logging.ERROR, logger="porevox"):
        run(pack, tmp_path, forcefield)
    [row] = [row for row in table(tmp_path / "ledger.csv") if row["id"] == "good07"]
    assert row["reason"] == "worker_crashed"
    assert row["detail"] == "IndexError: list index out of range"
    [record] = [record for record in caplog.records if "good07" in record.getMessage()]
    assert record.levelno == logging.ERROR
    assert "Traceback" in record.getMessage()


def test_a_bug_that_meets_every_structure_is_no_matter_of_the_structures(tmp_path, forcefield, monkeypatch):
    pack = packed(tmp_path, GOOD)

    def broken(*arguments):
        raise TypeError("takes 3 positional arguments")

    monkeypatch.setattr(LennardJonesChannel, "compute", broken)
    monkeypatch.setattr(voxels, "_warm_up", lambda settings: None)
    with pytest.raises(PorevoxError, match="TypeError: takes 3"):
        run(pack, tmp_path / "out", forcefield)
    assert list((tmp_path / "out").iterdir()) == []


def needs(monkeypatch, memory_MB):
    """Let one structure need more memory than the others."""
    monkeypatch.setattr(
        LennardJonesChannel, "memory_MB", lambda c, s, g: memory_MB if s.id == "good02" else 1.0
    )


def test_a_structure_beyond_the_memory_is_rejected_before_it_is_computed(
    pack, tmp_path, forcefield, monkeypatch
):
    def never(*arguments):
        raise AssertionError("computed all the same")

    honest = LennardJonesChannel.compute
    needs(monkeypatch, 900.0)
    monkeypatch.setattr(
        LennardJonesChannel,
        "compute",
        lambda c, s, *rest: never() if s.id == "good02" else honest(c, s, *rest),
    )
    run(pack, tmp_path, forcefield, memory_limit_MB=899.0)
    [row] = [row for row in table(tmp_path / "ledger.csv") if row["id"] == "good02"]
    assert row["reason"] == "too_large"
    assert "900 MB" in row["detail"]


def test_what_is_rejected_does_not_depend_on_the_workers(pack, tmp_path, forcefield, monkeypatch):
    needs(monkeypatch, 60.0)
    run(pack, tmp_path / "alone", forcefield, 1, memory_limit_MB=100.0)
    run(pack, tmp_path / "shared", forcefield, 2, memory_limit_MB=100.0)
    rejected = [{row["id"] for row in table(tmp_path / name / "ledger.csv")} for name in ("alone", "shared")]
    assert rejected[0] == rejected[1]
    run(pack, tmp_path / "less", forcefield, 2, memory_limit_MB=50.0)
    assert {row["id"] for row in table(tmp_path / "less" / "ledger.csv")} - rejected[0] == {"good02"}


def test_a_grid_that_cannot_fit_is_refused_at_once(pack, tmp_path, forcefield):
    with pytest.raises(PorevoxError, match="choose fewer points"):
        run(pack, tmp_path, forcefield, grid={"kind": "unit_cell", "n": 2000})


@pytest.mark.parametrize(
    "wrong",
    [
        {"grid": {"kind": "sphere"}},
        {"channel": {"cutoff": 10}},
        {"reading": {"occupancy": "reject"}},
        {"reading": {"partial_occupancy": "perhaps"}},
        {"workers": 0},
        {"workers": 1.5},
        {"memory_limit_MB": float("nan")},
    ],
)
def test_a_faulty_setting_stops_the_shard(pack, tmp_path, forcefield, wrong):
    with pytest.raises(PorevoxError):
        run(pack, tmp_path, forcefield, **wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_pack_stops_the_shard_and_leaves_nothing(tmp_path, forcefield):
    with pytest.raises(PorevoxError, match="missing"):
        run(tmp_path / "shard0009.zip", tmp_path / "out", forcefield)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_shard_without_any_usable_structure_is_still_a_shard(tmp_path, forcefield):
    summary = run(packed(tmp_path, BAD), tmp_path / "out", forcefield)
    assert np.load(tmp_path / "out" / "energies.npy").shape == (0, 6, 6, 6)
    assert table(tmp_path / "out" / "index.csv") == []
    assert summary["n_structures"] == 0


def test_a_ledger_of_nothing_is_a_header(tmp_path, forcefield):
    run(packed(tmp_path, GOOD), tmp_path / "out", forcefield)
    assert (tmp_path / "out" / "ledger.csv").read_text() == "id,reason,detail\n"


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_counts_every_structure(pack, tmp_path, forcefield, workers):
    seen = []
    run(pack, tmp_path, forcefield, workers, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 16) for done in range(1, 17)]


KILLED = """
import sys, time
sys.path.insert(0, sys.argv[1])
from porevox import voxels
def progress(done, total):
    if done == 8:
        print("half", flush=True)
        time.sleep(60)
voxels.voxelise_shard(sys.argv[2], sys.argv[3], {"kind": "unit_cell", "n": 6}, {}, {},
                      sys.argv[4], 1000.0, int(sys.argv[5]), progress)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_job_leaves_no_file_under_a_final_name(root, pack, tmp_path, forcefield, workers):
    script, out = tmp_path / "job.py", tmp_path / "out"
    script.write_text(KILLED)
    library = root / "workflow" / "lib"
    command = [sys.executable, str(script), str(library), str(pack), str(out)]
    with subprocess.Popen(
        [*command, str(forcefield), str(workers)], stdout=subprocess.PIPE, text=True
    ) as job:
        assert job.stdout.readline() == "half\n"
        assert list(out.iterdir())
        job.kill()
    assert all(path.name.endswith(".partial") for path in out.iterdir())
    time.sleep(0.1)
    run(pack, out, forcefield)
    assert sorted(path.name for path in out.iterdir()) == sorted([*NAMES, "shard.json"])


def test_a_structure_that_takes_too_long_is_rejected_and_the_others_are_not(
    pack, tmp_path, forcefield, monkeypatch
):
    honest = LennardJonesChannel.compute

    def slow(channel, structure, *rest):
        if structure.id == "good02":
            time.sleep(30)
        return honest(channel, structure, *rest)

    monkeypatch.setattr(LennardJonesChannel, "compute", slow)
    run(pack, tmp_path, forcefield, time_limit_s=0.5)
    rejected = {row["id"]: row for row in table(tmp_path / "ledger.csv")}
    assert set(rejected) == {"good02", *BAD}
    assert rejected["good02"]["reason"] == "timeout"
    assert rejected["good02"]["detail"] == "took longer than 0.5 s"


def test_only_guest_channels_have_a_guest_energy(pack, tmp_path, forcefield):
    site = {"x_A": 0.0, "y_A": 0.0, "z_A": 0.0, "sigma_A": 3.0, "epsilon_K": 90.0, "charge_e": 0.0}
    guest = {"kind": "guest", "sites": [site], "temperature_K": 298.0}
    summary = run(pack, tmp_path / "guest", forcefield, channel=guest)
    assert (summary["quantity"], summary["unit"]) == ("effective_energy", "K")
    assert all(float(row["guest_energy_K"]) < 0.0 for row in table(tmp_path / "guest" / "index.csv"))
    run(pack, tmp_path / "probe", forcefield)
    assert {row["guest_energy_K"] for row in table(tmp_path / "probe" / "index.csv")} == {""}


def test_without_charges_there_is_no_electrostatic_channel(pack, tmp_path):
    summary = run(pack, tmp_path, None, channel={"kind": "electrostatic"})
    assert summary["forcefield"] is None
    assert summary["n_structures"] == 0
    reasons = {row["id"]: row["reason"] for row in table(tmp_path / "ledger.csv")}
    assert {reasons[id] for id in GOOD} == {"no_charges"}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("charges", ["eqeq", "cif_or_eqeq"])
def test_equilibrated_charges_stand_in_for_those_that_are_missing(charges, workers, pack, tmp_path):
    channel = {"kind": "electrostatic", "charges": charges}
    summary = run(pack, tmp_path, None, channel=channel, workers=workers)
    assert summary["channel"]["charges"] == charges
    assert summary["n_structures"] == len(GOOD)
    values = np.load(tmp_path / "energies.npy")
    assert np.nanmax(np.abs(values[np.isfinite(values)])) > 0.1
    reasons = {row["id"]: row["reason"] for row in table(tmp_path / "ledger.csv")}
    assert reasons["no_parameters"] == "unknown_element"


def test_a_matrix_of_charges_beyond_the_memory_is_rejected(tmp_path, monkeypatch):
    pack = packed(tmp_path, {"one": cif()})
    monkeypatch.setattr("porevox.crystal.eqeq.memory_MB", lambda n_atoms, lattice_A: 800.0 * (n_atoms == 3))
    run(pack, tmp_path, None, channel={"kind": "electrostatic", "charges": "eqeq"}, memory_limit_MB=500.0)
    assert [row["reason"] for row in table(tmp_path / "ledger.csv")] == ["too_large"]


GIANT = """
import re, resource, sys
from pathlib import Path
from porevox import voxels
voxels.voxelise_shard(sys.argv[1], sys.argv[2], {"kind": sys.argv[4], "n": 25}, {"kind": sys.argv[5]}, {},
                      sys.argv[3] if sys.argv[5] == "lennard_jones" else None, 1000.0, 1)
# not ru_maxrss of this process: that begins with what its parent, pytest, had in memory
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("grid", "kind"),
    [("mic_supercell", "lennard_jones"), ("cubic_box", "lennard_jones"), ("unit_cell", "electrostatic")],
)
def test_no_process_takes_500_MB_for_14000_sites_in_700000_cubic_angstrom(
    root, tmp_path, forcefield, grid, kind
):
    sites = np.indices((25, 25, 25)).reshape(3, -1).T[:14_000] / 25 + 0.01
    rows = [f"C{i} C {x:.4f} {y:.4f} {z:.4f} {(-1) ** i * 0.3}" for i, (x, y, z) in enumerate(sites)]
    head = cif(88.8, "").replace("89.8", "88.8").replace("_c 9.5", "_c 88.8")
    text = head.replace("_occupancy", "_charge") + "\n".join(rows) + "\n"
    pack = packed(tmp_path, {"giant": text})
    env = {**os.environ, "PYTHONPATH": str(root / "workflow" / "lib")}
    command = [sys.executable, "-c", GIANT, str(pack), str(tmp_path / "out"), str(forcefield), grid, kind]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert [row["id"] for row in table(tmp_path / "out" / "index.csv")] == ["giant"], done.stderr
    assert max(map(float, done.stdout.split())) < 500.0
