"""Join of structures, voxels, labels and descriptors; nothing is lost without a name and a reason."""

import hashlib
import json
import os
from pathlib import Path

import pandas as pd

from porevox.descriptors import add_descriptors, drop_incomplete
from porevox.errors import PorevoxError
from porevox.folds import group_fold, random_fold
from porevox.labels import (
    Drops,
    check_needed,
    faulty_rows,
    join_tables,
    label_structures,
)
from porevox.model_inputs import SCALE_COLUMNS
from porevox.split import check_sizes, file_split, group_split, part_split, random_split


def make_split(
    labels: pd.Series, cells: pd.DataFrame, split: dict, fold: int, manifest: pd.DataFrame | None = None
) -> dict[str, list[str]]:
    """Split labelled structures as a study asks for.

    Parameters
    ----------
    labels : pandas.Series
        Labels by id.
    cells : pandas.DataFrame
        Joined tables, for the group column.
    split : dict
        The study's ``split`` block; with ``folds`` above 1 the splits are the folds of a
        cross-validation.
    fold : int
        Number of the split.
    manifest : pandas.DataFrame, optional
        Structures with the ``part`` and ``position`` of published voxels, for the kind parts.

    Returns
    -------
    dict
        See :func:`porevox.split.random_split`.
    """
    if split["kind"] == "files":
        return file_split({subset: split[f"{subset}_file"] for subset in ("train", "validation", "test")})
    if split["kind"] == "parts":
        return _published_split(manifest, split)
    seed, folds, validation = split["seed"], split.get("folds", 1), split["validation"]
    groups = cells[split["group_column"]] if split["kind"] == "group" else None
    if folds > 1:
        choice = (seed, folds, fold, validation)
        if groups is None:
            return random_fold(labels.index, *choice)
        return group_fold(labels.index, groups.get, *choice)
    if groups is None:
        return random_split(labels.index, seed, split["test"], validation)
    return group_split(labels.index, groups.get, seed, split["test"], validation)


def _published_split(manifest: pd.DataFrame, split: dict) -> dict[str, list[str]]:
    """Names in the order in which they were published, whether or not they have labels."""
    places = manifest["position"].astype(int)
    names = {
        part: dict(zip(places[rows.index], rows["id"], strict=True))
        for part, rows in manifest.groupby("part")
    }
    parts = split["train_part"], split["test_part"]
    return part_split({part: names.get(part, {}) for part in parts}, *parts, split["validation"])


def shortest_train(labels: pd.Series, cells: pd.DataFrame, split: dict, manifest: pd.DataFrame) -> int:
    """Return the length of the shortest train list of all folds; arguments as for :func:`make_split`."""
    folds = range(split.get("folds", 1))
    return min(len(make_split(labels, cells, split, fold, manifest)["train"]) for fold in folds)


def subset_table(parts: dict[str, list[str]], labels: pd.Series, drops: Drops) -> pd.DataFrame:
    """Return one row per usable structure: subset, position in its list, label.

    Parameters
    ----------
    parts : dict
        Names of each subset, in order.
    labels : pandas.Series
        Labels by id.
    drops : Drops
        Ledger; structures that no list names are noted.

    Returns
    -------
    pandas.DataFrame
        Columns ``id``, ``subset``, ``position`` and ``y``. Positions count all names of a list, so
        that size n means its first n names, whether or not each of them can be used.
    """
    rows = [
        (name, subset, position, labels[name])
        for subset in ("train", "validation", "test")
        for position, name in enumerate(parts[subset])
        if name in labels.index
    ]
    table = pd.DataFrame(rows, columns=["id", "subset", "position", "y"])
    drops.add(labels.index.difference(table["id"]), "dataset", "not_in_split")
    known = {row[0] for row in drops.rows}
    listed = [name for names in parts.values() for name in names if name not in labels.index]
    strangers = [name for name in listed if name not in known]
    drops.add(strangers, "dataset", "no_structure", "A split list names it.")
    return table


def add_voxels(table: pd.DataFrame, channel: str, shards: dict[int, Path]) -> pd.DataFrame:
    """Add where each structure's voxels stand: shard and row of one channel.

    Parameters
    ----------
    table : pandas.DataFrame
        With a column ``id``.
    channel : str
        Name of the channel.
    shards : dict
        For each shard the folder with its ``index.csv``.

    Returns
    -------
    pandas.DataFrame
        The table with ``shard``, ``row_<channel>`` and the scale that voxels have lost (volume of the
        cell and density, :data:`porevox.model_inputs.SCALE_COLUMNS`), missing where there are no voxels.
    """
    frames = [_read_index(folder).assign(shard=shard) for shard, folder in sorted(shards.items())]
    found = pd.concat(frames)
    # of published voxels a name may stand in two parts: the first one counts, as in the manifest
    found = found[~found.index.duplicated()].reindex(table["id"]).set_axis(table.index)
    table[f"row_{channel}"] = found["row"].astype("Int64")
    found["shard"] = found["shard"].astype("Int64")
    for column in ("shard", *SCALE_COLUMNS):
        table[column] = found[column] if column not in table else table[column].fillna(found[column])
    return table


def _read_index(folder: Path) -> pd.DataFrame:
    """Rows of a shard by id, with the scale under the names of the dataset's table."""
    columns = ["id", "row", *SCALE_COLUMNS.values()]
    index = pd.read_csv(folder / "index.csv", dtype={"id": str}, keep_default_na=False, usecols=columns)
    return index.rename(columns={there: here for here, there in SCALE_COLUMNS.items()}).set_index("id")


def note_rejected(channels: dict[str, dict[int, Path]], drops: Drops) -> None:
    """Note the structures that have no voxels in one channel or in all, for the voxel models.

    Parameters
    ----------
    channels : dict
        For each channel, by shard, the folder with its ``ledger.csv``.
    drops : Drops
        Ledger; what all channels say alike is noted once, otherwise the channel is named.
    """
    said: dict[tuple[str, str, str], list[str]] = {}
    for channel, shards in channels.items():
        for _, folder in sorted(shards.items()):
            for row in pd.read_csv(folder / "ledger.csv", dtype=str, keep_default_na=False).itertuples():
                said.setdefault((row.id, row.reason, row.detail), []).append(channel)
    for (name, reason, detail), by in said.items():
        if len(by) < len(channels):
            detail = f"{detail} (channel {', '.join(by)})"
        drops.add([name], "voxels", reason, detail, "voxel_models")


def assemble(
    manifest: Path,
    rejected: Path,
    tables: list[tuple[Path, dict]],
    voxels: list[Path],
    sizes: list,
    study: dict,
    out_dir: Path,
) -> None:
    """Write a study's dataset: one table of indices, one ledger of drops, never a copy of the voxels.

    Parameters
    ----------
    manifest, rejected : Path
        Tables of the structures stage.
    tables : list of (Path, dict)
        Label and descriptor tables with their entries.
    voxels : list of Path
        Folders of all shards of all channels, ``<channel folder>/shard<k>``.
    sizes : list of int or str
        Training-set sizes that the train list must be able to give.
    study : dict
        See :func:`porevox.specs.dataset_spec`.
    out_dir : Path
        Receives ``table.csv``, ``drops.csv``, ``summary.json`` and ``dataset.json``.

    Raises
    ------
    PorevoxError
        If no structure can be used, a column is missing, or a size is larger than the train list.
    """
    check_needed(tables, study)
    drops = Drops()
    listed = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    structures = pd.Index(listed["id"], name="id")
    for row in pd.read_csv(rejected, dtype=str, keep_default_na=False).itertuples():
        drops.add([row.id or row.member], "structures", row.reason, row.detail)
    target, split = study["target"]["column"], study["split"]
    groups = [split["group_column"]] if split["kind"] == "group" else []
    numbers = [
        name
        for name in dict.fromkeys([*study["descriptors"], *study["scalars"]])
        if name not in SCALE_COLUMNS
    ]
    rules = study.get("faulty_where", [])
    bounded = [rule["column"] for rule in rules]
    cells = join_tables(tables, list(dict.fromkeys([target, *numbers, *groups, *bounded])), drops)
    faulty = faulty_rows(cells, study["known_faulty"], rules)
    labels = label_structures(structures, cells, target, faulty, drops, study.get("sample") is not None)
    parts = make_split(labels, cells, split, study["fold"], listed)
    check_sizes(sizes, shortest_train(labels, cells, split, listed), study["study"])
    table = subset_table(parts, labels, drops)
    _check_subsets(table, study["study"])
    for channel in study["channels"]:
        folder = Path(channel.pop("folder"))
        channel["shards"] = {int(d.name.removeprefix("shard")): d for d in voxels if d.parent == folder}
        table = add_voxels(table, channel["name"], channel["shards"])
    note_rejected({channel["name"]: channel["shards"] for channel in study["channels"]}, drops)
    table = add_descriptors(table, cells, numbers, drops)
    table = drop_incomplete(table, tables, study["descriptors"], drops)
    _write(Path(out_dir), table, drops, structures, parts, study)


def _check_subsets(table: pd.DataFrame, study: str) -> None:
    for subset in ("train", "test"):
        if not (table["subset"] == subset).any():
            raise PorevoxError(
                f"Study `{study}` has no usable structure in its {subset} list: compare the ids of the "
                "lists, the file names of the CIFs and the id column of the label table."
            )


def summarise(table: pd.DataFrame, drops: Drops, structures: pd.Index) -> dict:
    """Count what came in, what is used and why the rest is not.

    Parameters
    ----------
    table : pandas.DataFrame
        As written by :func:`assemble`.
    drops : Drops
        The ledger.
    structures : pandas.Index
        Ids of the manifest.

    Returns
    -------
    dict
        ``n_structures``, ``n_usable``, number per subset, number of drops per stage and reason, and what
        the user was warned of.
    """
    return {
        "n_structures": len(structures),
        "n_usable": len(table),
        "subsets": {name: int((table["subset"] == name).sum()) for name in ("train", "validation", "test")},
        "drops": drops.counts(),
        "warnings": drops.warnings,
    }


def _write(out_dir: Path, table, drops, structures, parts, study: dict) -> None:
    """Write the four files; dataset.json last, since it vouches for the others."""
    out_dir.mkdir(parents=True, exist_ok=True)
    text = table.to_csv(index=False, lineterminator="\n")
    folders = [folder for channel in study["channels"] for _, folder in sorted(channel["shards"].items())]
    channels = [
        {**channel, "shards": {str(k): f"{folder}/energies.npy" for k, folder in channel["shards"].items()}}
        for channel in study["channels"]
    ]
    lengths = {f"n_{subset}": len(names) for subset, names in parts.items()}
    meta = {**study, "channels": channels, **lengths}
    stamps = [json.loads((folder / "shard.json").read_text())["energies_sha256"] for folder in folders]
    digest = hashlib.sha256(json.dumps([meta, stamps], sort_keys=True).encode() + text.encode())
    meta["digest"] = digest.hexdigest()
    _replace(out_dir / "table.csv", text)
    _replace(out_dir / "drops.csv", drops.frame().to_csv(index=False, lineterminator="\n"))
    _replace(out_dir / "summary.json", json.dumps(summarise(table, drops, structures), indent=1) + "\n")
    _replace(out_dir / "dataset.json", json.dumps(meta, indent=1) + "\n")


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
