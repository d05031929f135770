"""The files of ``porevox voxelize``: readable by anyone, complete, and the same each time."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from porevox.cli.options import CHANNELS
from porevox.crystal.cif import read_cif
from porevox.energy.channels import channel_from_dict
from porevox.energy.forcefield import load_forcefield
from porevox.energy.grid import GridSpec
from porevox.errors import REASONS

FILES = ("out.csv", "out.json", "out.npy", "out.rejected.csv")
SMALL = ("--grid", "unit_cell", "--n", 6)


def table(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_command_tells_what_it_did(command, cifs, tmp_path):
    with command("voxelize", cifs, "-o", "out.npy", "--jobs", 2, *SMALL, cwd=tmp_path) as process:
        said, complaint = process.communicate()
    assert process.returncode == 0 and said == ""
    assert complaint.splitlines()[-1] == (
        "5 structures: 3 voxelised, 2 rejected (1 partial_occupancy, 1 unreadable_cif); "
        "out.npy, out.csv, out.rejected.csv, out.json"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*FILES, "cifs"])


def test_anyone_with_numpy_can_load_the_voxels(in_process, cifs, tmp_path):
    in_process("voxelize", cifs, "-o", tmp_path / "out.npy", "--jobs", 1, *SMALL)
    script = (
        "import sys, numpy; v = numpy.load(sys.argv[1], mmap_mode='r')\n"
        "assert not any(name.startswith('porevox') for name in sys.modules)\n"
        "print(v.shape, v.dtype, v[1].min())"
    )
    arguments = [sys.executable, "-I", "-c", script, tmp_path / "out.npy"]
    said = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    assert said.startswith("(3, 6, 6, 6) float32 -")


def test_rows_are_the_structures_energies(in_process, cifs, tmp_path, root):
    arguments = ("--probe", "CH4", "--cutoff", 9, "--truncation", "shifted")
    status, _ = in_process("voxelize", cifs, "-o", tmp_path / "out.npy", *SMALL, *arguments)
    assert status == 0
    settings = {"probe_sigma_A": 3.73, "probe_epsilon_K": 148.0, "cutoff_A": 9, "truncation": "shifted"}
    channel = channel_from_dict({"kind": "lennard_jones", **settings})
    forcefield = load_forcefield(root / "resources/forcefields/uff.csv")
    voxels, index = np.load(tmp_path / "out.npy"), table(tmp_path / "out.csv")
    assert [row["id"] for row in index] == ["good0", "good1", "good2"]
    for number, row in enumerate(index):
        structure = read_cif((cifs / f"{row['id']}.cif").read_bytes(), row["id"])
        expected = channel.compute(structure, GridSpec("unit_cell", 6), forcefield).values
        with np.errstate(over="ignore"):
            assert np.array_equal(voxels[int(row["row"])], expected.astype(np.float32))
        assert int(row["row"]) == number and float(row["volume_A3"]) == structure.volume_A3


def test_what_was_rejected_and_what_was_set_are_written_down(in_process, cifs, write_cif, tmp_path):
    again = write_cif(tmp_path / "more" / "good1.cif", length=20)
    in_process("voxelize", cifs, again, "-o", tmp_path / "out.npy", *SMALL)
    rejected = {row["id"]: row for row in table(tmp_path / "out.rejected.csv")}
    reasons = {id: row["reason"] for id, row in rejected.items()}
    assert reasons == {
        "good1": "duplicate_id",
        "partial": "partial_occupancy",
        "text": "unreadable_cif",
    }
    assert set(reasons.values()) <= set(REASONS) and all(row["detail"] for row in rejected.values())
    about = json.loads((tmp_path / "out.json").read_text())
    assert (about["n_structures"], about["n_rejected"]) == (3, 3)
    assert (about["quantity"], about["unit"]) == ("energy", "K")
    assert about["grid"]["kind"] == "unit_cell" and about["channel"]["probe_sigma_A"] == 2.5
    assert about["forcefield"]["name"] == "uff" and str(cifs) in about["sources"]


def test_a_reading_policy_reaches_the_reader(in_process, cifs, tmp_path):
    in_process("voxelize", cifs, "-o", tmp_path / "out.npy", *SMALL, "--partial-occupancy", "full")
    assert "partial" in [row["id"] for row in table(tmp_path / "out.csv")]


def test_the_bytes_do_not_depend_on_the_number_of_jobs(in_process, cifs, tmp_path):
    for jobs in (1, 2):
        in_process("voxelize", cifs, "-o", tmp_path / f"{jobs}.npy", "--jobs", jobs, *SMALL)
    for end in ("npy", "csv", "rejected.csv"):
        assert (tmp_path / f"1.{end}").read_bytes() == (tmp_path / f"2.{end}").read_bytes()


def test_nothing_is_written_over_unless_forced(in_process, cifs, tmp_path):
    (tmp_path / "out.csv").write_text("mine")
    arguments = ("voxelize", cifs, "-o", tmp_path / "out.npy", *SMALL)
    status, complaint = in_process(*arguments)
    assert status == 1 and "out.csv is there already" in complaint
    assert (tmp_path / "out.csv").read_text() == "mine" and not (tmp_path / "out.npy").exists()
    assert in_process(*arguments, "--force")[0] == 0
    assert table(tmp_path / "out.csv")[0]["id"] == "good0"


def test_no_usable_structure_is_a_failure_that_says_why(in_process, cifs, tmp_path):
    status, complaint = in_process("voxelize", cifs / "text.cif", "-o", tmp_path / "out.npy", *SMALL)
    assert status == 1
    assert "1 structure: 0 voxelised, 1 rejected (1 unreadable_cif)" in complaint
    assert np.load(tmp_path / "out.npy").shape == (0, 6, 6, 6)
    assert [row["id"] for row in table(tmp_path / "out.rejected.csv")] == ["text"]


def test_quiet_says_nothing(in_process, cifs, tmp_path):
    assert in_process("voxelize", cifs, "-o", tmp_path / "out.npy", *SMALL, "--quiet") == (0, "")


@pytest.mark.parametrize("quiet, bars", [((), True), (("--quiet",), False)])
def test_a_bar_moves_where_someone_watches(in_process, cifs, tmp_path, monkeypatch, quiet, bars):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    _, said = in_process("voxelize", cifs, "-o", tmp_path / "out.npy", *SMALL, *quiet)
    assert ("reading" in said and "voxels:" in said) is bars


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("nowhere", "-o", "out.npy"), "nowhere does not exist"),
        (("cifs", "-o", "out.txt"), "must end in .npy"),
        (("cifs", "-o", "missing/out.npy"), "missing does not exist"),
        (("cifs", "-o", "out.npy", "--jobs", "0"), "--jobs is 0"),
        (("cifs", "-o", "out.npy", "--n", "1"), "grid n is 1"),
        (("cifs", "-o", "out.npy", "--sigma", "-2"), "probe_sigma_A is -2.0"),
        (("cifs", "-o", "out.npy", "--forcefield", "my.csv"), "cannot read the force field my.csv"),
        (("cifs", "-o", "out.npy", "--n", "900"), "choose fewer points"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(in_process, cifs, monkeypatch, arguments, message):
    monkeypatch.chdir(cifs.parent)
    status, complaint = in_process("voxelize", *arguments)
    assert status == 1
    assert complaint.startswith("porevox: ") and message in complaint and complaint.count("\n") == 1
    assert sorted(path.name for path in cifs.parent.iterdir()) == ["cifs"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_can_be_asked_for(in_process, cifs, write_charged, tmp_path, channel):
    file = write_charged(tmp_path / "charged.cif")
    status, complaint = in_process("voxelize", file, "-o", tmp_path / "out.npy", *SMALL, "--channel", channel)
    assert status == 0, complaint
    about = json.loads((tmp_path / "out.json").read_text())
    assert about["channel"]["kind"] == CHANNELS[channel]
    assert about["unit"] == ("V" if channel == "electrostatic" else "K")
    assert not np.isnan(np.load(tmp_path / "out.npy")).any()


@pytest.fixture
def at_work(command, write_cif, tmp_path):
    """A command with minutes of work, in the midst of it."""
    for number in range(60):
        write_cif(tmp_path / "many" / f"{number}.cif", length=30.0 + number)
    arguments = ("--n", 120, "--grid", "cubic_box", "--jobs", 2)
    process = command("voxelize", "many", "-o", "out.npy", *arguments, cwd=tmp_path, start_new_session=True)
    growing = tmp_path / ".out.npy.partial" / "work" / ".energies.npy.partial"
    deadline = time.monotonic() + 300  # where nothing is compiled yet
    while not growing.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_cleans_up(at_work, tmp_path, number):
    at_work.send_signal(number)
    _, complaint = at_work.communicate(timeout=60)
    assert at_work.returncode == 128 + number
    assert complaint.strip() == "porevox: stopped; no file was written."
    assert [path.name for path in tmp_path.iterdir()] == ["many"]


def test_ctrl_c_reaches_the_workers_too_and_none_of_them_shouts(at_work, tmp_path):
    os.killpg(at_work.pid, signal.SIGINT)  # what a terminal does
    _, complaint = at_work.communicate(timeout=60)
    assert at_work.returncode == 130 and complaint.strip() == "porevox: stopped; no file was written."
    assert [path.name for path in tmp_path.iterdir()] == ["many"]


def test_what_a_killed_command_left_behind_does_not_matter(at_work, in_process, cifs, tmp_path):
    at_work.kill()
    at_work.wait()
    assert not (tmp_path / "out.npy").exists() and (tmp_path / ".out.npy.partial").exists()
    assert in_process("voxelize", cifs, "-o", tmp_path / "out.npy", *SMALL)[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*FILES, "cifs", "many"])
