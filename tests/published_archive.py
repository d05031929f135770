"""Archives of published voxels, in the layout of those of RetNet (figshare 24598845), made on the spot."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.energy.channels import channel_from_dict
from porevox.energy.forcefield import load_forcefield
from porevox.energy.grid import GridSpec

TEMPERATURE_K = 298.0
#: Entry of the configuration's `datasets.<name>.voxels` that goes with them, but for `file`.
SOURCE = {
    "holds": "boltzmann_factor",
    "temperature_K": TEMPERATURE_K,
    "grid": {"kind": "mic_supercell", "n": 25, "endpoint": True},
    "probe_sigma_A": 2.5,
    "probe_epsilon_K": 50.0,
    "cutoff_A": 10.0,
    "forcefield": "uff",
}


def part(name: str) -> dict:
    """Entry of `parts` for one of the two folders of the archive."""
    folder = f"data/MOFs/batch_{name}"
    return {"name": name, "voxels": f"{folder}/clean_voxels.npy", "names": f"{folder}/clean_names.json"}


PARTS = [part("train"), part("val_test")]


def boltzmann_factors(cif: bytes, root: Path, endpoint: bool = True, n: int = 25) -> np.ndarray:
    """What pymoxel would have stored: exp(-V/T) of the thesis' probe, (n, n, n) float32."""
    structure = read_cif(cif, "structure", ReadingPolicy())
    table = load_forcefield(root / "resources/forcefields/uff.csv")
    grid = GridSpec("mic_supercell", n, endpoint)
    energies = channel_from_dict({"kind": "lennard_jones"}).compute(structure, grid, table).values
    with np.errstate(under="ignore"):
        return np.exp(-energies / TEMPERATURE_K).astype(np.float32)


def npy_bytes(array: np.ndarray) -> bytes:
    """A NumPy file in memory."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def write_archive(
    path: Path, parts: dict[str, tuple[list[str], np.ndarray]], names_first: bool = True, prefix: str = ""
) -> Path:
    """Write names and array of each part into a tar, compressed if its name ends in .gz."""
    how = {"mode": "w:gz", "compresslevel": 1} if path.name.endswith("gz") else {"mode": "w"}
    with tarfile.open(path, **how) as archive:
        for name, (names, array) in parts.items():
            entry = part(name)
            content = [
                (entry["names"], json.dumps({"names": names}).encode()),
                (entry["voxels"], npy_bytes(array)),
            ]
            for member, data in content if names_first else reversed(content):
                info = tarfile.TarInfo(prefix + member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return path
