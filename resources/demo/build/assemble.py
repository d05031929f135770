"""Gather finished structures, labels and descriptors into the files that are shipped."""

import argparse
import csv
import gzip
import io
import json
import tarfile
from collections import Counter
from pathlib import Path

from common import write_atomic

UPTAKE = "CH4_uptake_5.8bar_298K"
LABEL_COLUMNS = {
    f"{UPTAKE}_mmol_per_g": "mmol_per_g",
    f"{UPTAKE}_mmol_per_g_se": "mmol_per_g_se",
    f"{UPTAKE}_cm3STP_per_cm3": "cm3stp_per_cm3",
    f"{UPTAKE}_cm3STP_per_cm3_se": "cm3stp_per_cm3_se",
    "gcmc_seed": "seed",
    "gcmc_initialisation_cycles": "initialisation",
    "gcmc_production_cycles": "production",
}
DESCRIPTOR_COLUMNS = {
    "void_fraction": "void_fraction",
    "gravimetric_surface_area_m2_per_g": "gravimetric_surface_area_m2_per_g",
    "density_g_per_cm3": "density_g_per_cm3",
    "PLD_A": "PLD_A",
    "LCD_A": "LCD_A",
}
PROVENANCE_COLUMNS = {
    "topology": "topology",
    "nodes": "nodes",
    "edges": "edges",
    "attempt": "attempt",
    "n_atoms": "n_atoms",
    "cell_volume_A3": "volume_A3",
    "formula": "formula",
}


def finished(work):
    """Ids that have a CIF, descriptors, provenance and a label without error, sorted.

    Streams know nothing of each other: of equal blocks on an equal net one is kept.

    Parameters
    ----------
    work : Path
        Folder of the build's intermediate files.

    Returns
    -------
    list of str
    """
    ids = sorted(path.stem for path in (work / "labels").glob("pvx_*.json"))
    first = {}
    for name in ids:
        if "error" not in load(work, "labels", name):
            record = load(work, "provenance", name)
            first.setdefault((record["topology"], record["nodes"], record["edges"]), name)
    return sorted(first.values())


def load(work, kind, name):
    """One JSON record of the build."""
    return json.loads((work / kind / f"{name}.json").read_text())


def archive(work, ids):
    """Reproducible cifs.tar.gz: sorted members, fixed owner, mode and times.

    Parameters
    ----------
    work : Path
        Folder of the build's intermediate files.
    ids : list of str
        Structures to include.

    Returns
    -------
    bytes
    """
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(ids):
            content = (work / "cifs" / f"{name}.cif").read_bytes()
            member = tarfile.TarInfo(f"{name}.cif")
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0, compresslevel=9) as out:
        out.write(plain.getvalue())
    return packed.getvalue()


def table(work, kind, columns, ids):
    """CSV text with one row per id; floats with six significant digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", *columns])
    for name in ids:
        record = load(work, kind, name)
        values = (record[key] for key in columns.values())
        writer.writerow([name, *(f"{v:.6g}" if isinstance(v, float) else v for v in values)])
    return text.getvalue()


def assemble(work, out):
    """Write cifs.tar.gz, labels.csv, descriptors.csv and provenance.csv into `out`.

    Parameters
    ----------
    work : Path
        Folder of the build's intermediate files.
    out : Path
        Folder for the dataset.

    Returns
    -------
    int
        Number of structures.
    """
    out.mkdir(parents=True, exist_ok=True)
    ids = finished(work)
    write_atomic(out / "cifs.tar.gz", archive(work, ids))
    write_atomic(out / "labels.csv", table(work, "labels", LABEL_COLUMNS, ids))
    write_atomic(out / "descriptors.csv", table(work, "descriptors", DESCRIPTOR_COLUMNS, ids))
    write_atomic(out / "provenance.csv", table(work, "provenance", PROVENANCE_COLUMNS, ids))
    return len(ids)


def fates(work):
    """How many attempts of all streams ended how."""
    count = Counter()
    for path in sorted(work.glob("attempts-*.csv")):
        with path.open(newline="") as handle:
            count.update(row["fate"] for row in csv.DictReader(handle))
    return count


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    print(f"{assemble(args.work, args.out)} structures")
    for reason, number in fates(args.work).most_common():
        print(f"{number:6d} {reason}")
