"""Lennard-Jones parameters of the framework's atoms, and how they mix with the probe's."""

import csv
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from porevox.errors import PorevoxError, StructureRejected

_COLUMNS = ("element", "sigma_A", "epsilon_K")


@dataclass(frozen=True)
class ForceField:
    """Lennard-Jones parameters per element.

    Parameters
    ----------
    name : str
        File name without its suffix, e.g. ``uff``.
    sigma_A : dict of str to float
        Element -> sigma, angstrom.
    epsilon_K : dict of str to float
        Element -> epsilon/kB, K.
    digest : str
        SHA-256 of the parameters (not of the file: comments and row order do not count).
    """

    name: str
    sigma_A: dict[str, float]
    epsilon_K: dict[str, float]
    digest: str


def load_forcefield(path: str | Path) -> ForceField:
    """Read a force field from a CSV table.

    Parameters
    ----------
    path : path
        CSV with at least the columns ``element``, ``sigma_A`` (angstrom) and ``epsilon_K`` (K).

    Returns
    -------
    ForceField

    Raises
    ------
    PorevoxError
        The file is missing or a row is not an element with a positive sigma and an
        epsilon >= 0.

    References
    ----------
    The table shipped as ``uff.csv``: Rappe et al., J. Am. Chem. Soc. 114, 10024 (1992), Table 1;
    sigma = x_I / 2^(1/6), epsilon/kB = D_I x 503.2195 K/(kcal/mol).
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PorevoxError(f"cannot read the force field {path}: {error}") from error
    sigma_A: dict[str, float] = {}
    epsilon_K: dict[str, float] = {}
    for line, row in enumerate(rows, start=2):
        element, sigma, epsilon = _parse_row(row, f"force field {path}, line {line}")
        if element in sigma_A:
            raise PorevoxError(f"force field {path}, line {line}: {element} is listed twice")
        sigma_A[element], epsilon_K[element] = sigma, epsilon
    if not sigma_A:
        raise PorevoxError(f"the force field {path} lists no elements")
    lines = [f"{e},{sigma_A[e]!r},{epsilon_K[e]!r}\n" for e in sorted(sigma_A)]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    return ForceField(path.stem, sigma_A, epsilon_K, digest)


def _parse_row(row: dict, where: str) -> tuple[str, float, float]:
    missing = [name for name in _COLUMNS if not row.get(name)]
    if missing:
        raise PorevoxError(f"{where}: no value in column {missing[0]}")
    try:
        sigma, epsilon = float(row["sigma_A"]), float(row["epsilon_K"])
    except ValueError as error:
        raise PorevoxError(f"{where}: {error}") from error
    if not (math.isfinite(sigma) and sigma > 0 and math.isfinite(epsilon) and epsilon >= 0):
        raise PorevoxError(f"{where}: sigma must be positive and epsilon not negative")
    return row["element"].strip(), sigma, epsilon


def mix(
    forcefield: ForceField, elements: Sequence[str], probe_sigma_A: float, probe_epsilon_K: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lorentz-Berthelot parameters between a probe and each atom.

    Parameters
    ----------
    forcefield : ForceField
    elements : sequence of str, length N
        Plain element symbols.
    probe_sigma_A, probe_epsilon_K : float
        The probe's own sigma (angstrom) and epsilon/kB (K).

    Returns
    -------
    sigma_A : (N,) float64
        (sigma_i + sigma_probe) / 2, angstrom.
    epsilon_K : (N,) float64
        sqrt(epsilon_i epsilon_probe), K. Equation 3.4 of the thesis prints a sum under the root,
        a misprint; the product is Berthelot's rule.

    Raises
    ------
    StructureRejected
        ``unknown_element``: an element has no parameters.
    """
    unknown = sorted(set(elements) - forcefield.sigma_A.keys())
    if unknown:
        names = ", ".join(unknown)
        raise StructureRejected(
            "unknown_element", f"the force field {forcefield.name} has no parameters for {names}"
        )
    sigma = np.array([forcefield.sigma_A[e] for e in elements], dtype=np.float64)
    epsilon = np.array([forcefield.epsilon_K[e] for e in elements], dtype=np.float64)
    return (sigma + probe_sigma_A) / 2.0, np.sqrt(epsilon * probe_epsilon_K)
