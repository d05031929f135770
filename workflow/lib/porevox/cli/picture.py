"""What ``porevox show`` draws: voxels computed from a CIF, or read from where they were stored."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from porevox.cli.gather import find_cif
from porevox.cli.options import Settings
from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.crystal.structure import Structure
from porevox.energy.channels import Channel, channel_from_dict
from porevox.energy.forcefield import load_forcefield
from porevox.energy.grid import GridSpec
from porevox.errors import PorevoxError, StructureRejected


@dataclass(frozen=True, eq=False)
class Shown:
    """One structure's voxels, (n, n, n), and what is known of them."""

    id: str
    values: np.ndarray
    grid: GridSpec
    channel: Channel
    structure: Structure | None
    note: str

    @property
    def cutoff_A(self) -> float:
        """Cutoff radius that set the supercell, angstrom."""
        return getattr(self.channel, "cutoff_A", None) or 10.0


def compute(cif: tuple[str, bytes], wanted: Settings) -> Shown:
    """Compute the voxels of one CIF.

    Parameters
    ----------
    cif : tuple of (str, bytes)
        Id and content.
    wanted : Settings

    Returns
    -------
    Shown

    Raises
    ------
    PorevoxError
        A setting is not allowed, or the structure cannot be used.
    """
    grid, channel = GridSpec.from_dict(wanted.grid), channel_from_dict(wanted.channel)
    forcefield = None if wanted.forcefield is None else load_forcefield(wanted.forcefield)
    structure = _structure(cif, ReadingPolicy(**wanted.reading))
    try:
        values = channel.compute(structure, grid, forcefield).values
    except StructureRejected as rejection:
        raise PorevoxError(_unusable(cif[0], rejection)) from rejection
    note = _note(grid, channel, forcefield.name if forcefield else None)
    return Shown(structure.id, values, grid, channel, structure, note)


def _structure(cif: tuple[str, bytes], policy: ReadingPolicy) -> Structure:
    id, content = cif
    try:
        return read_cif(content, id, policy)
    except StructureRejected as rejection:
        raise PorevoxError(_unusable(id, rejection)) from rejection


def _unusable(id: str, rejection: StructureRejected) -> str:
    return f"{id} cannot be used, {rejection.code}: {rejection.detail}."


def is_stored(source: Path) -> bool:
    """Tell stored voxels from CIFs.

    Parameters
    ----------
    source : pathlib.Path

    Returns
    -------
    bool
        Whether it is an .npy file, a shard's folder or a folder of shards.
    """
    return source.suffix == ".npy" or bool(_shards(source))


def _shards(source: Path) -> list[Path]:
    if (source / "energies.npy").is_file():
        return [source]
    return sorted(path.parent for path in source.glob("shard*/energies.npy"))


def read_stored(source: Path, id: str | None, row: int | None, cif: Path | None) -> Shown:
    """Read one structure's voxels.

    Parameters
    ----------
    source : pathlib.Path
        An .npy file with its .csv and .json beside it, a shard's folder, or a folder of shards.
    id, row : str or int
        Which structure; one of the two, or none where there is only one.
    cif : pathlib.Path or None
        CIF of the structure, or a folder or an archive that holds it.

    Returns
    -------
    Shown

    Raises
    ------
    PorevoxError
        A file is missing or broken, the structure is not there, or the CIF is of another one.
    """
    entry, voxels, about = _find(source, id, row)
    try:
        values = np.load(voxels, mmap_mode="r", allow_pickle=False)[int(entry["row"])]
        settings = json.loads(about.read_text(encoding="utf-8"))
        grid, channel = GridSpec.from_dict(settings["grid"]), channel_from_dict(settings["channel"])
        policy = ReadingPolicy(**settings["reading"])
        forcefield = (settings["forcefield"] or {}).get("name")
    except (PorevoxError, OSError, ValueError, KeyError, IndexError, TypeError) as error:
        message = f"{voxels} or {about.name} beside it cannot be read ({error}): make the voxels anew."
        raise PorevoxError(message) from error
    structure = None
    if cif is not None:
        # a single file may bear any name
        single = cif.suffix.lower() == ".cif" and cif.is_file()
        structure = _structure(find_cif(cif, None if single else entry["id"]), policy)
        _check_same(structure, entry, cif)
    return Shown(entry["id"], values, grid, channel, structure, _note(grid, channel, forcefield))


def _find(source: Path, id: str | None, row: int | None) -> tuple[dict, Path, Path]:
    """Row of the index, voxels and settings of one structure."""
    if source.suffix == ".npy":
        places = [(source.with_suffix(".csv"), source, source.with_suffix(".json"))]
    else:
        places = [
            (folder / "index.csv", folder / "energies.npy", folder / "shard.json")
            for folder in _shards(source)
        ]
    if id is None and row is None:
        row = 0 if len(places) == 1 and len(_index(places[0][0])) == 1 else None
        if row is None:
            raise PorevoxError(f"{source} holds several structures: name one of them, or give its --row.")
    if id is None and len(places) > 1:
        raise PorevoxError(f"{source} is a folder of shards: name the structure, or give one shard's folder.")
    for table, voxels, about in places:
        for entry in _index(table):
            if (id is None or entry["id"] == id) and (row is None or entry["row"] == str(row)):
                return entry, voxels, about
    which = " and ".join(filter(None, [id, None if row is None else f"row {row}"]))
    raise PorevoxError(f"{source} holds no structure {which}: see {places[0][0]}, or why it was rejected.")


def _index(table: Path) -> list[dict]:
    try:
        with open(table, newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, ValueError, csv.Error) as error:
        raise PorevoxError(f"{table}, the index of the voxels, cannot be read ({error}).") from error
    if rows and not {"id", "row", "n_atoms", "volume_A3"} <= set(rows[0]):
        raise PorevoxError(f"{table} is not the index of any voxels: its columns id and row are missing.")
    for row in rows:
        try:
            int(row["row"]), int(row["n_atoms"]), float(row["volume_A3"])
        except (TypeError, ValueError) as error:
            raise PorevoxError(f"{table}: the row of {row['id']!r} holds no numbers ({error}).") from error
    return rows


def _check_same(structure: Structure, entry: dict, cif: Path) -> None:
    volume = float(entry["volume_A3"])
    if structure.n_atoms != int(entry["n_atoms"]) or abs(structure.volume_A3 - volume) > 1e-3 * volume:
        raise PorevoxError(
            f"{cif} is not the structure of the voxels: it has {structure.n_atoms} atoms in "
            f"{structure.volume_A3:.1f} A^3, the voxels are of {entry['n_atoms']} in {volume:.1f} A^3."
        )


def _note(grid: GridSpec, channel: Channel, forcefield: str | None) -> str:
    """A line on what was computed, and how."""
    values = channel.to_dict()
    if channel.kind == "lennard_jones":
        sigma, epsilon = values["probe_sigma_A"], values["probe_epsilon_K"]
        what = f"Lennard-Jones probe, σ = {sigma:g} Å, ε/k = {epsilon:g} K"
    elif channel.kind == "guest":
        what = f"rigid guest of {len(values['sites'])} sites, averaged at {values['temperature_K']:g} K"
    else:
        what = "partial charges of the CIF, Ewald sum"
    if forcefield:
        what += f"; framework: {forcefield}, cutoff {values['cutoff_A']:g} Å, {values['truncation']}"
    points = f"{grid.n} × {grid.n} × {grid.n} points"
    return f"{what}; {points}, {grid.kind.replace('_', ' ')}"
