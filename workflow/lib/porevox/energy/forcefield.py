"""Lennard-Jones parameters of the framework's atoms, and how they mix with the probe's."""

import csv
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

import numpy as np

from porevox.errors import PorevoxError, StructureRejected

_COLUMNS = ("element", "sigma_A", "epsilon_K")
NO_ROW = -1


@dataclass(frozen=True)
class LabelRow:
    """Parameters of the atom sites of an element that bear a certain label in the CIF.

    Parameters
    ----------
    element : str
        Plain element symbol.
    label : str
        A label (``Zn1``) or a shell-style pattern of labels (``O_w*``); capitals count.
    sigma_A, epsilon_K : float
        Sigma, angstrom, and epsilon/kB, K.
    """

    element: str
    label: str
    sigma_A: float
    epsilon_K: float


@dataclass(frozen=True)
class ForceField:
    """Lennard-Jones parameters per element, and of sites with certain labels.

    Parameters
    ----------
    name : str
        File name without its suffix, e.g. ``uff``.
    sigma_A : dict of str to float
        Element -> sigma, angstrom.
    epsilon_K : dict of str to float
        Element -> epsilon/kB, K.
    digest : str
        SHA-256 of the parameters (not of the file: comments and the order of elements do not
        count).
    label_rows : tuple of LabelRow
        What wins over the element's parameters, the first row that matches first.
    """

    name: str
    sigma_A: dict[str, float]
    epsilon_K: dict[str, float]
    digest: str
    label_rows: tuple[LabelRow, ...] = ()

    @cached_property
    def sites(self) -> "SiteRows":
        """Which row of the table holds for an atom site; kept, since sites come back."""
        return SiteRows(self)


class SiteRows(dict):
    """Row of a force field's table by element, or by (element, label); NO_ROW where there is none.

    Parameters
    ----------
    forcefield : ForceField

    Attributes
    ----------
    table : (R, 2) float64
        Sigma (angstrom) and epsilon/kB (K) of every row.
    """

    def __init__(self, forcefield: ForceField):
        super().__init__((element, row) for row, element in enumerate(forcefield.sigma_A))
        elements = [(forcefield.sigma_A[e], forcefield.epsilon_K[e]) for e in forcefield.sigma_A]
        self._labels = list(enumerate(forcefield.label_rows, start=len(elements)))
        labelled = [(row.sigma_A, row.epsilon_K) for row in forcefield.label_rows]
        self.table = np.array(elements + labelled, dtype=np.float64)

    def __missing__(self, site: str | tuple[str, str]) -> int:
        if isinstance(site, str):
            return NO_ROW
        element, label = site
        matches = (r for r, row in self._labels if row.element == element and fnmatchcase(label, row.label))
        self[site] = found = next(matches, self[element])
        return found


def load_forcefield(path: str | Path) -> ForceField:
    """Read a force field from a CSV table.

    Parameters
    ----------
    path : path
        CSV with at least the columns ``element``, ``sigma_A`` (angstrom) and ``epsilon_K`` (K).
        Rows with something in the optional column ``label`` hold for the sites of the element
        whose CIF label matches it (a label, or a shell-style pattern of labels such as ``O_w*``);
        of several that match, the first one. Other columns (``source``, ...) are for readers.

    Returns
    -------
    ForceField

    Raises
    ------
    PorevoxError
        The file is missing, or a row is not an element with a positive sigma and an
        epsilon >= 0, or repeats another.

    References
    ----------
    ``uff.csv``: Rappe et al., J. Am. Chem. Soc. 114, 10024 (1992), Table 1; sigma = x_I / 2^(1/6),
    epsilon/kB = D_I x 503.2195 K/(kcal/mol). ``dreiding.csv``: Mayo et al., J. Phys. Chem. 94, 8897
    (1990), Table II, converted alike from R0 and D0.
    """
    path = Path(path)
    elements: dict[str, tuple[float, float]] = {}
    labelled: dict[tuple[str, str], LabelRow] = {}
    for line, row in enumerate(_read_rows(path), start=2):
        where = f"force field {path}, line {line}"
        element, label, sigma, epsilon = _parse_row(row, where)
        if (element, label) in labelled or (not label and element in elements):
            raise PorevoxError(f"{where}: {' '.join([element, label]).strip()} is listed twice")
        if label:
            labelled[element, label] = LabelRow(element, label, sigma, epsilon)
        else:
            elements[element] = sigma, epsilon
    if not elements:
        raise PorevoxError(f"the force field {path} lists no elements")
    sigma_A, epsilon_K = ({e: pair[i] for e, pair in elements.items()} for i in (0, 1))
    rows = tuple(labelled.values())
    return ForceField(path.stem, sigma_A, epsilon_K, _digest(sigma_A, epsilon_K, rows), rows)


def _read_rows(path: Path) -> list[dict]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PorevoxError(f"cannot read the force field {path}: {error}") from error


def _digest(sigma_A: dict, epsilon_K: dict, rows: tuple[LabelRow, ...]) -> str:
    """Elements in alphabetical order; rows with labels in theirs, since the first match wins."""
    lines = [f"{e},{sigma_A[e]!r},{epsilon_K[e]!r}\n" for e in sorted(sigma_A)]
    lines += [f"{r.element},{r.label!r},{r.sigma_A!r},{r.epsilon_K!r}\n" for r in rows]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _parse_row(row: dict, where: str) -> tuple[str, str, float, float]:
    missing = [name for name in _COLUMNS if not row.get(name)]
    if missing:
        raise PorevoxError(f"{where}: no value in column {missing[0]}")
    try:
        sigma, epsilon = float(row["sigma_A"]), float(row["epsilon_K"])
    except ValueError as error:
        raise PorevoxError(f"{where}: {error}") from error
    if not (math.isfinite(sigma) and sigma > 0 and math.isfinite(epsilon) and epsilon >= 0):
        raise PorevoxError(f"{where}: sigma must be positive and epsilon not negative")
    return row["element"].strip(), (row.get("label") or "").strip(), sigma, epsilon


def mix(
    forcefield: ForceField,
    elements: Sequence[str],
    probe_sigma_A: float,
    probe_epsilon_K: float,
    labels: Sequence[str] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Lorentz-Berthelot parameters between a probe and each atom.

    Parameters
    ----------
    forcefield : ForceField
    elements : sequence of str, length N
        Plain element symbols.
    probe_sigma_A, probe_epsilon_K : float
        The probe's own sigma (angstrom) and epsilon/kB (K).
    labels : sequence of str, length N, optional
        Labels of the atom sites; without them only the elements' own rows count.

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
    sites: Sequence = elements
    if labels is not None and any(row.element in elements for row in forcefield.label_rows):
        sites = list(zip(elements, labels, strict=True))
    rows = np.fromiter(map(forcefield.sites.__getitem__, sites), dtype=np.intp, count=len(sites))
    if (rows == NO_ROW).any():
        without = sorted({elements[i] for i in np.flatnonzero(rows == NO_ROW).tolist()})
        raise StructureRejected(
            "unknown_element",
            f"the force field {forcefield.name} has no parameters for {', '.join(without)}",
        )
    sigma, epsilon = forcefield.sites.table[rows].T
    return (sigma + probe_sigma_A) / 2.0, np.sqrt(epsilon * probe_epsilon_K)
