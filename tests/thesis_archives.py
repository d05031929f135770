"""The downloads of the thesis' studies in their authors' layout, made on the spot from the demo dataset.

Test modules load it by its name; nothing of the real archives is in here but names of files and columns.
"""

import csv
import io
import tarfile
from pathlib import Path

import numpy as np

from published_archive import boltzmann_factors
from published_archive import write_archive as write_voxels

#: Columns of the label table of the Ottawa MOFs, and what of the demo dataset stands in them.
UO_COLUMNS = {
    "volume [A^3]": "density_g_per_cm3",
    "weight [u]": "density_g_per_cm3",
    "surface_area [m^2/g]": "gravimetric_surface_area_m2_per_g",
    "void_fraction": "void_fraction",
    "void_volume [cm^3/g]": "void_fraction",
    "largest_free_sphere_diameter [A]": "PLD_A",
    "largest_included_sphere_along_free_sphere_path_diameter [A]": "LCD_A",
    "largest_included_sphere_diameter [A]": "LCD_A",
}
UO_TARGET = "CO2_uptake_P0.15bar_T298K [mmol/g]"
#: The same for the COFs.
COF_COLUMNS = {
    "density [kg/m^3]": "density_g_per_cm3",
    "surface area [m^2/g]": "gravimetric_surface_area_m2_per_g",
    "void fraction [widom]": "void_fraction",
    "largest free sphere diameter [A]": "PLD_A",
    "largest included sphere diameter [A]": "LCD_A",
}
COF_TARGET = "absolute methane uptake low P [v STP/v]"
DEMO_TARGET = "CH4_uptake_5.8bar_298K_cm3STP_per_cm3"


def demo_rows(root: Path, n: int) -> tuple[dict[str, bytes], dict[str, dict[str, str]]]:
    """CIFs of the first n structures of the demo dataset, and their labels and descriptors, by name."""
    rows: dict[str, dict[str, str]] = {}
    for name in ("labels", "descriptors"):
        with open(root / f"resources/demo/{name}.csv", newline="") as stream:
            for row in csv.DictReader(stream):
                rows.setdefault(row["id"], {}).update(row)
    cifs = {}
    with tarfile.open(root / "resources/demo/cifs.tar.gz") as archive:
        for member in archive:
            if member.name.endswith(".cif") and len(cifs) < n:
                cifs[Path(member.name).stem] = archive.extractfile(member).read()
    return cifs, {name: rows[name] for name in cifs}


def table(
    rows: dict[str, dict], id_column: str, columns: dict[str, str], target: str, spoiled: dict
) -> bytes:
    """A label table; `spoiled` maps (name, column) to what stands there instead."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([id_column, *columns, target])
    for name, row in rows.items():
        cells = {column: row[source] for column, source in columns.items()} | {target: row[DEMO_TARGET]}
        writer.writerow([name, *(spoiled.get((name, column), cell) for column, cell in cells.items())])
    return stream.getvalue().encode()


def write_tar(path: Path, members: dict[str, bytes]) -> None:
    """Write a compressed tar."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def write_mofs(folder: Path, root: Path, cifs: dict, rows: dict, n_train: int, spoiled: dict) -> None:
    """Write retnet-voxels.tar.gz, screening_data.tar.gz and MOF_database.tar.gz."""
    names = sorted(cifs, key=lambda name: name[::-1])
    parts = {"train": names[:n_train], "val_test": names[n_train:]}
    arrays = {part: np.stack([boltzmann_factors(cifs[n], root) for n in parts[part]]) for part in parts}
    write_voxels(folder / "retnet-voxels.tar.gz", {part: (parts[part], arrays[part]) for part in parts})
    labels = table(rows, "MOFname", UO_COLUMNS, UO_TARGET, spoiled)
    write_tar(folder / "screening_data.tar.gz", {"screening_data/all_MOFs_screening_data.csv": labels})
    write_tar(folder / "MOF_database.tar.gz", {f"MOF_database/{n}.cif": cif for n, cif in cifs.items()})


def write_cofs(folder: Path, cifs: dict, rows: dict, spoiled: dict) -> None:
    """Write structures.tgz and properties.tgz."""
    write_tar(folder / "structures.tgz", {f"structures/{name}.cif": cif for name, cif in cifs.items()})
    labels = table(rows, "name", COF_COLUMNS, COF_TARGET, spoiled)
    write_tar(folder / "properties.tgz", {"properties.csv": labels})
