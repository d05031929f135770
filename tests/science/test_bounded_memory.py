"""65,000 structures at 25^3, 4 GB of voxels: every step of a study stays below 1 GB beyond the page cache.

Each step runs in a process of its own, whose anonymous memory (RssAnon, what the system cannot drop) is
looked at a hundred times a second.
"""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow

N, GRID, SHARD, BLOCK = 65_000, 25, 20_000, 500
LIMIT_MB = 1000
TEMPERATURE_K = 298.0

#: Runs before and after every step.
PRELUDE = """
import json, re, sys, threading, time
from pathlib import Path
folder, peak_MB = Path(sys.argv[1]), 0.0
def held_MB():
    status = Path("/proc/self/status").read_text()
    return sum(int(kB) for kB in re.findall(r"^Rss(?:Anon|Shmem):\\\\s+(\\\\d+) kB", status, re.M)) / 1e3
def watch():
    global peak_MB
    while True:
        peak_MB = max(peak_MB, held_MB())
        time.sleep(0.01)
threading.Thread(target=watch, daemon=True).start()
result = None
""".replace("\\\\", "\\")
CLOSING = "\nprint(json.dumps({'peak_MB': max(peak_MB, held_MB()), 'result': result}))\n"

ASSEMBLE = """
from porevox.dataset import assemble
study = json.loads((folder / "study.json").read_text())
tables = [(folder / "labels.csv", {"id_column": "id", "aliases": {}})]
shards = sorted((folder / "voxels").glob("shard*"))
assemble(folder / "manifest.csv", folder / "rejected.csv", tables, shards, [100], study, folder / "dataset")
"""
PREPARE = """
from porevox.learning.recipe import Recipe
from porevox.learning.voxelset import load_dataset
from porevox.training import prepare, usable
dataset = load_dataset(folder / "dataset")
rows = usable(dataset, dataset.train_rows(dataset.n_train), [])
data, inputs = prepare(dataset, Recipe.from_options({}), rows)
result = {"n": len(data.y), "ids": rows["id"].tolist(), **inputs["standardisation"]}
"""
HISTOGRAM = """
from porevox.baseline.histogram import HISTOGRAM_OPTIONS, energy_histogram
from porevox.learning.voxelset import load_dataset
dataset = load_dataset(folder / "dataset")
found = energy_histogram(dataset, dataset.table, HISTOGRAM_OPTIONS)
result = {"shape": found.shape, "sums": [float(found.sum(axis=1).min()), float(found.sum(axis=1).max())]}
"""
SCALARS = """
from porevox.learning.physics_scalars import scalar_inputs
from porevox.learning.voxelset import load_dataset
dataset = load_dataset(folder / "dataset")
result = list(scalar_inputs(dataset, dataset.table, (), physics=True).shape)
"""


@pytest.fixture(scope="module")
def block():
    """Energies of 500 structures (K), with overlaps; the others repeat them."""
    rng = np.random.default_rng(0)
    energies = rng.uniform(-1500, 3000, (BLOCK, GRID, GRID, GRID)).astype(np.float32)
    energies[rng.random(energies.shape) < 0.1] = np.inf
    return energies


@pytest.fixture(scope="module")
def folder(tmp_path_factory, block):
    """Everything that the stages before the dataset leave."""
    folder = tmp_path_factory.mktemp("large")
    if shutil.disk_usage(folder).free < 12e9:
        pytest.skip("there is less than 12 GB of room for temporary files")
    ids = [f"mof{k:05d}" for k in range(N)]
    (folder / "manifest.csv").write_text("id\n" + "\n".join(ids) + "\n")
    (folder / "rejected.csv").write_text("id,member,reason,detail\n")
    rng = np.random.default_rng(1)
    rows = "".join(f"{id},{y:.4f},{d:.4f}\n" for id, y, d in zip(ids, *rng.random((2, N)), strict=True))
    (folder / "labels.csv").write_text("id,uptake,density\n" + rows)
    for shard, start in enumerate(range(0, N, SHARD)):
        write_shard(folder / "voxels" / f"shard{shard}", ids[start : start + SHARD], block)
    channel = {"name": "lj", "quantity": "energy", "unit": "K", "folder": str(folder / "voxels")}
    split = {"kind": "random", "seed": 0, "test": 0.2, "validation": 0.1}
    study = {
        **{"study": "large", "dataset": "large", "key": "0", "fold": 0, "sample": None},
        **{"target": {"column": "uptake", "unit": "", "label": ""}, "descriptors": ["density"]},
        **{"split": split, "scalars": [], "known_faulty": {}, "faulty_where": []},
        "grid": {"kind": "mic_supercell", "n": GRID, "endpoint": False},
        "transform": {"kind": "boltzmann", "temperature_K": TEMPERATURE_K},
        "channels": [{**channel, "settings": {}, "forcefield": "uff", "key": "0"}],
        "tables": [{"id_column": "id", "aliases": {}}],
    }
    (folder / "study.json").write_text(json.dumps(study))
    yield folder
    shutil.rmtree(folder)


def write_shard(home, ids, block):
    """One shard: its energies repeat the block."""
    home.mkdir(parents=True)
    shape = (len(ids), GRID, GRID, GRID)
    store = np.lib.format.open_memmap(home / "energies.npy", "w+", np.float32, shape)
    for start in range(0, len(ids), BLOCK):
        store[start : start + BLOCK] = block[: len(ids) - start]
    rows = "".join(f"{id},{row},100,8000.0,0.8,gemmi,\n" for row, id in enumerate(ids))
    header = "id,row,n_atoms,volume_A3,density_g_cm3,reader,guest_energy_K\n"
    (home / "index.csv").write_text(header + rows)
    (home / "ledger.csv").write_text("id,reason,detail\n")
    (home / "shard.json").write_text('{"energies_sha256": "0"}')


def run_step(folder, code):
    """Run a step in a process of its own; what it found, after a check of its memory."""
    command = [sys.executable, "-c", PRELUDE + code + CLOSING, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{found['peak_MB']:.0f} MB")
    assert found["peak_MB"] < LIMIT_MB
    return found["result"]


@pytest.fixture(scope="module")
def assembled(folder):
    """The folder after the dataset stage, which is a step like the others."""
    run_step(folder, ASSEMBLE)
    return folder


def test_the_training_subset_and_its_statistics(assembled, block):
    found = run_step(assembled, PREPARE)
    assert found["n"] == 0.7 * N
    # every structure is one of the block's: the reference needs no 4 GB
    factors = np.exp(-block.astype(np.float64) / TEMPERATURE_K).astype(np.float32).astype(np.float64)
    numbers = np.array([int(id.removeprefix("mof")) % SHARD % BLOCK for id in found["ids"]])
    weights = np.bincount(numbers, minlength=BLOCK) / len(numbers)
    mean = weights @ factors.mean(axis=(1, 2, 3))
    variance = weights @ ((factors - mean) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found["mean"], [mean], rtol=1e-6)
    np.testing.assert_allclose(np.square(found["std"]), [variance], rtol=1e-6)


def test_energy_histograms_of_all_structures(assembled):
    found = run_step(assembled, HISTOGRAM)
    assert found["shape"] == [N, 52]
    np.testing.assert_allclose(found["sums"], 1, rtol=1e-12)


def test_scalars_of_all_structures(assembled):
    assert run_step(assembled, SCALARS)[0] == N
