"""Kills, full disks and bad input, on real runs: finished work or one clear sentence."""

import os
import re
import signal
import subprocess
import time
import zipfile

import psutil
import pytest

from workflow_project import make_cif, write_archive

VOXELS = "results/tiny/split0/dataset/dataset.json"
RETNET = "results/tiny/split0/retnet/n6/seed0/run.json"


def start(project, *arguments):
    """Start a run without waiting for it."""
    with open(project.root / "run.out", "w") as out:
        return subprocess.Popen(
            project.command(*arguments),
            cwd=project.root,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_for(condition, run, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        assert run.poll() is None, "the run ended before it could be killed"
        time.sleep(0.02)
    raise AssertionError("nothing happened in time")


def script_of(run, name):
    """Process of a script that a run has started."""
    for child in psutil.Process(run.pid).children(recursive=True):
        try:
            if any(f".{name}.py" in word for word in child.cmdline()):
                return child
        except psutil.NoSuchProcess:
            continue
    return None


def finished_shards(project):
    """Records of the shards whose job is over, not only its files written."""
    if "(Rule: voxels)" not in (project.root / "run.out").read_text():
        return []
    return sorted(project.root.glob("results/voxels/tiny/thesis/lj/*/shard*/shard.json"))


def starts(project):
    """How often each shard was begun, from the logs."""
    logs = project.root.glob("results/logs/voxels/**/shard*.history.log")
    return {log.name.removesuffix(".history.log"): log.read_text().count("start:") for log in logs}


@pytest.fixture
def slow_voxels(fresh):
    """A project whose shards take a second or more."""
    config = fresh.config
    config["grids"] = {"thesis": {"kind": "cubic_box", "n": 100, "box_length_A": 30.0}}
    fresh.config = config
    return fresh


def test_killed_voxelisation_keeps_finished_shards(slow_voxels):
    run = start(slow_voxels, "--cores", "1", VOXELS)
    done = wait_for(lambda: finished_shards(slow_voxels), run)
    dates = {path: path.stat().st_mtime_ns for path in done}
    wait_for(lambda: sum(starts(slow_voxels).values()) > len(done), run)
    wait_for(lambda: script_of(run, "voxels"), run).kill()
    assert run.wait(60) != 0
    slow_voxels.run(VOXELS)
    assert all(path.stat().st_mtime_ns == date for path, date in dates.items())
    begun = starts(slow_voxels)
    assert [begun[path.parent.name] for path in done] == [1] * len(done)
    assert sum(begun.values()) == 4, "exactly the killed shard is begun twice"


def test_killed_snakemake_goes_on_after_one_unlock(slow_voxels):
    run = start(slow_voxels, "--cores", "1", VOXELS)
    done = wait_for(lambda: finished_shards(slow_voxels), run)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait(60)
    assert "unlock" in slow_voxels.run(VOXELS, ok=False)
    slow_voxels.run("--unlock")
    slow_voxels.run(VOXELS)
    begun = starts(slow_voxels)
    assert [begun[path.parent.name] for path in done] == [1] * len(done)


def test_killed_training_resumes_after_its_last_epoch(fresh):
    config = fresh.config
    config["models"]["retnet"] = {"epochs": 25, "batch_size": 4}
    fresh.config = config
    run = start(fresh, RETNET)
    log = fresh.root / "results/logs/train/tiny/split0/retnet/n6/seed0.history.log"
    wait_for(lambda: log.exists() and "epoch 3/25" in log.read_text(), run)
    wait_for(lambda: script_of(run, "train_retnet"), run).kill()
    assert run.wait(60) != 0
    fresh.run(RETNET)
    text = log.read_text()
    resumed = int(re.search(r"resuming after epoch (\d+)", text).group(1))
    assert resumed >= 2
    epochs = re.findall(r"epoch (\d+)/25:", text)
    assert all(epochs.count(str(k)) == 1 for k in range(1, resumed + 1)), "finished epochs are not repeated"
    assert epochs.count("1") == 1 and set(epochs) == {str(k) for k in range(1, 26)}


def broken_cifs():
    good = make_cif("good", 1)
    return {
        "empty": "",
        "rubbish": "\x00\x01\x02\ufffd" * 200,
        "no-atoms": good[: good.index("loop_")],
        "unobtainium": re.sub(r"^[A-Z][a-z]?(\d+) [A-Z][a-z]? ", r"Xx\1 Xx ", good, flags=re.M),
        "a b; rm -rf $(x) `y`": make_cif("shell", 5),
        "größe-ß": make_cif("unicode", 6),
        "flat": good.replace("_cell_angle_gamma 90", "_cell_angle_gamma 180"),
    }


def test_broken_structures_are_named_and_the_run_goes_on(fresh):
    with zipfile.ZipFile(fresh.root / "data/cifs.zip") as archive:
        cifs = {name[5:-4]: archive.read(name).decode() for name in archive.namelist()}
    broken = broken_cifs()
    write_archive(fresh.root / "data/cifs.zip", cifs | broken)
    with zipfile.ZipFile(fresh.root / "data/cifs.zip", "a") as archive:
        archive.writestr("cifs/../../evil.cif", "data_evil\n")
        archive.writestr("again/mof00.cif", cifs["mof00"])
    labels = fresh.root / "data/labels.csv"
    rows = "".join(f'"{name}",1.0,0.5,0.5\n' for name in broken)
    labels.write_text(labels.read_text() + rows + "mof03,7,7,7\nghost,1,1,1\n", encoding="utf-8")
    config = fresh.config
    config["datasets"]["tiny"]["n_structures"] = len(cifs) + len(broken)
    fresh.config = config
    fresh.run(VOXELS)
    assert not list(fresh.root.parent.rglob("evil.cif"))
    drops = (fresh.root / "results/tiny/split0/dataset/drops.csv").read_text(encoding="utf-8")
    reasons = {tuple(line.split(",")[:3]) for line in drops.splitlines()}
    for name, reason in {
        "empty": "unreadable_cif",
        "rubbish": "unreadable_cif",
        "no-atoms": "no_atoms",
        "flat": "absurd_cell",
        "unobtainium": "unknown_element",
    }.items():
        assert (name, "voxels", reason) in reasons, drops
    assert ("ghost", "labels", "no_structure") in reasons
    assert ("mof03", "labels", "duplicate_label") in reasons
    assert ("mof00", "structures", "duplicate_id") in reasons
    assert "unsafe_path" in drops
    table = (fresh.root / "results/tiny/split0/dataset/table.csv").read_text(encoding="utf-8")
    assert "a b; rm -rf $(x) `y`" in table and "größe-ß" in table


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (lambda p: set_config(p, "studies", "tiny", "target", "uptak"), "names the column `uptak`"),
        (lambda p: set_config(p, "datasets", "tiny", "descriptors", ["x"]), "names the column `x`"),
        (lambda p: set_config(p, "studies", "tiny", "sizs", [3]), "did you mean `sizes`"),
        (lambda p: (p.root / "data/labels.csv").unlink(), "data/labels.csv, which does not exist"),
        (lambda p: (p.root / "data/labels.csv").write_text(""), "is empty"),
        (lambda p: (p.root / "data/cifs.zip").unlink(), "data/cifs.zip, which does not exist"),
        (lambda p: truncate(p.root / "data/cifs.zip"), "cifs.zip"),
    ],
)
def test_mistakes_are_told_before_any_job(fresh, break_it, sentence):
    break_it(fresh)
    out = fresh.run(ok=False)
    assert sentence in out, out
    assert "Traceback" not in out and not re.search(r"^(local)?(rule|checkpoint) ", out, re.M), out


def set_config(project, *keys_and_value):
    *keys, last, value = keys_and_value
    config = project.config
    block = config
    for key in keys:
        block = block[key]
    block[last] = value
    project.config = config


def truncate(path):
    path.write_bytes(path.read_bytes()[:-200])


def test_a_size_beyond_the_train_list_stops_before_training(fresh):
    set_config(fresh, "studies", "tiny", "sizes", [6, 14])
    out = fresh.run(ok=False)
    assert "asks for 14 training structures, but the train list has 13" in out
    assert "rule train" not in out and "Traceback" not in out


def test_a_full_disk_is_one_sentence_and_the_next_run_goes_on(slow_voxels):
    folder = slow_voxels.root / "results/voxels"
    folder.mkdir(parents=True)
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", folder]).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        out = slow_voxels.run(VOXELS, ok=False)
    finally:
        subprocess.run(["umount", folder], check=True)
    assert "No space left on device" in out and "run the same command again" in out
    assert "Traceback" not in out
    slow_voxels.run(VOXELS)


def test_an_unwritable_results_folder_is_one_sentence(fresh):
    (fresh.root / "results").write_text("a file where a folder should be")
    out = fresh.run(VOXELS, ok=False)
    assert "results cannot be written to" in out and "Traceback" not in out
