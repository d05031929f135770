"""Constants, file formats and cell geometry that every step of the demo build shares."""

import csv
import json
import os
from pathlib import Path

import numpy as np

SEED = 20261120
UFF_CSV = Path(__file__).resolve().parents[2] / "forcefields" / "uff.csv"
CUTOFF_A = 12.0
TEMPERATURE_K = 298.0
PRESSURE_PA = 5.8e5
METHANE = {"sigma_A": 3.73, "epsilon_K": 148.0, "mass_u": 16.04246}
AVOGADRO = 6.02214076e23
STP_CM3_PER_MOL = 22413.97  # ideal gas at 273.15 K and 101,325 Pa
# one thread per process: both libraries otherwise take every core for arrays this small
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


def write_atomic(path, data):
    """Write `data` (str or bytes) under its final name only when it is complete.

    Parameters
    ----------
    path : Path
        Destination; a temporary file beside it is replaced over it.
    data : str or bytes
        Whole content.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(data.encode() if isinstance(data, str) else data)
    os.replace(part, path)


def write_json(path, record):
    """Write `record` as one sorted JSON object, atomically."""
    write_atomic(path, json.dumps(record, sort_keys=True) + "\n")


def read_uff(path=UFF_CSV):
    """Read the UFF Lennard-Jones table.

    Parameters
    ----------
    path : Path
        CSV with columns element, sigma_A and epsilon_K (others are ignored).

    Returns
    -------
    dict
        element -> (sigma in A, epsilon/kB in K).
    """
    with open(path, newline="") as handle:
        rows = list(csv.DictReader(handle))
    return {r["element"]: (float(r["sigma_A"]), float(r["epsilon_K"])) for r in rows}


def cif_text(name, cellpar, symbols, fractional):
    """Format a P1 CIF: six decimals, fractional coordinates wrapped into [0, 1).

    Parameters
    ----------
    name : str
        Data block name, which is the structure's id.
    cellpar : sequence of 6 floats
        a, b, c in A and alpha, beta, gamma in degrees.
    symbols : sequence of str
        Element per atom, shape (n,).
    fractional : array, shape (n, 3)
        Fractional coordinates.

    Returns
    -------
    str
        The file's text.
    """
    # a coordinate just under 1 rounds to 1.000000, which is 0 of the next cell
    wrapped = np.round(np.mod(fractional, 1.0), 6) % 1.0
    keys = ["length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"]
    lines = [f"data_{name}"]
    lines += [f"_cell_{k} {v:.6f}" for k, v in zip(keys, cellpar, strict=True)]
    lines += ["_symmetry_space_group_name_H-M 'P 1'", "_symmetry_Int_Tables_number 1"]
    lines += ["loop_", "_symmetry_equiv_pos_as_xyz", "'x, y, z'"]
    lines += ["loop_", "_atom_site_label", "_atom_site_type_symbol"]
    lines += [f"_atom_site_fract_{axis}" for axis in "xyz"]
    for i, (s, (x, y, z)) in enumerate(zip(symbols, wrapped, strict=True), start=1):
        lines.append(f"{s}{i} {s} {x:.6f} {y:.6f} {z:.6f}")
    return "\n".join(lines) + "\n"


def read_cif(path):
    """Read a CIF written by `cif_text` (only that dialect).

    Parameters
    ----------
    path : Path
        The shipped file, so that labels belong to the rounded coordinates.

    Returns
    -------
    cellpar : ndarray, shape (6,)
        Lengths in A, angles in degrees.
    symbols : list of str
        Element per atom.
    fractional : ndarray, shape (n, 3)
        Fractional coordinates in [0, 1).
    """
    rows = [line.split() for line in Path(path).read_text().splitlines()]
    cell = [float(r[1]) for r in rows if r[0].startswith("_cell_")]
    atoms = [r for r in rows if len(r) == 5 and not r[0].startswith(("_", "'"))]
    return np.array(cell), [r[1] for r in atoms], np.array([r[2:] for r in atoms], dtype=float)


def lattice(cellpar):
    """Lattice vectors (rows, in A) with a along x and b in the xy plane.

    Parameters
    ----------
    cellpar : sequence of 6 floats
        Lengths in A, angles in degrees.

    Returns
    -------
    ndarray, shape (3, 3)
    """
    a, b, c = cellpar[:3]
    ca, cb, cg = np.cos(np.radians(cellpar[3:]))
    sg = np.sqrt(1.0 - cg**2)
    cy = (ca - cb * cg) / sg
    cz = np.sqrt(1.0 - cb**2 - cy**2)
    return np.array([[a, 0, 0], [b * cg, b * sg, 0], [c * cb, c * cy, c * cz]])


def unit_cells(cellpar, width=2 * CUTOFF_A):
    """Smallest supercell whose perpendicular widths all reach `width` (A)."""
    vectors = lattice(cellpar)
    # rows of the inverse transpose are 1 / perpendicular width long
    widths = 1.0 / np.linalg.norm(np.linalg.inv(vectors).T, axis=1)
    return [int(n) for n in np.ceil(width / widths - 1e-9)]
