"""The stage *published_manifest*: which structures published voxels are of, as the CIFs' manifest says it."""

import csv
import hashlib
import json
from pathlib import Path

from porevox.energy.energyfile import appearing
from porevox.errors import PorevoxError

MANIFEST_COLUMNS = ("id", "member", "shard", "part", "position")
REJECTED_COLUMNS = ("id", "member", "reason", "detail")


def write_manifest(shards: list[Path], out_dir: str | Path) -> dict:
    """Gather the names of all parts.

    Parameters
    ----------
    shards : list of Path
        Folders written by :func:`porevox.published.convert_part`, in the order of the parts.
    out_dir : path
        Receives ``manifest.csv`` (each structure once, with its part and its place among the names
        published there), ``rejected.csv`` (names that cannot be used; of a name in two parts the
        first one counts) and ``shards.json``.

    Returns
    -------
    dict
        What stands in ``shards.json``.

    Raises
    ------
    PorevoxError
        A shard cannot be read, or none of the names can be used.
    """
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    part_of: dict[str, str] = {}
    accepted, rejected, summary = [], [], {}
    for number, folder in enumerate(map(Path, shards)):
        record, names = _read(folder)
        part, usable = record["part"], []
        for row in names:
            member = f"{part['names']}[{row['position']}]"
            if not row["reason"] and row["id"] in part_of:
                row |= {"reason": "duplicate_id", "detail": f"it stands in part {part_of[row['id']]}, too"}
            if row["reason"]:
                rejected.append((row["id"], member, row["reason"], row["detail"]))
                continue
            part_of[row["id"]] = part["name"]
            usable.append(row["id"])
            accepted.append((row["id"], member, number, part["name"], row["position"]))
        digest = hashlib.sha256("\n".join([record["energies_sha256"], *usable]).encode()).hexdigest()
        summary[str(number)] = {"n": len(usable), "digest": digest}
    if not accepted:
        raise PorevoxError(f"None of the names in {', '.join(map(str, shards))} can be used: check `parts`.")
    shards_json = {"n_shards": len(summary), "shards": summary}
    _write(out_dir / "manifest.csv", MANIFEST_COLUMNS, accepted)
    _write(out_dir / "rejected.csv", REJECTED_COLUMNS, rejected)
    with appearing(out_dir / "shards.json") as temporary:
        temporary.write_text(json.dumps(shards_json, indent=1) + "\n", encoding="utf-8")
    return shards_json


def _read(folder: Path) -> tuple[dict, list[dict]]:
    try:
        record = json.loads((folder / "shard.json").read_text(encoding="utf-8"))
        with open(folder / "names.csv", encoding="utf-8", newline="") as stream:
            return record, list(csv.DictReader(stream))
    except (OSError, ValueError) as error:
        raise PorevoxError(
            f"The shard {folder} cannot be read ({error}): run the stage published again."
        ) from error


def _write(path: Path, columns: tuple[str, ...], rows: list[tuple]) -> None:
    with appearing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
