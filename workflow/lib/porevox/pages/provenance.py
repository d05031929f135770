"""What a study was made of: data, checksums, grid, probe, recipes, code, packages and machines."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from porevox.files.digest import DigestCache
from porevox.pages.html import Markup, element, joined, table

#: Options of a run that say nothing of how a model learns.
_SILENT = ("type",)


def data_table(dataset: str, entry: Mapping[str, str], files: Iterable[Mapping], cache: Path) -> Markup:
    """Name a dataset, its licence, and the checksums of its files.

    Parameters
    ----------
    dataset : str
        Its name in the config.
    entry : mapping
        ``title``, ``citation`` and ``licence``; those that are empty are said to be missing.
    files : iterable of mapping
        ``source`` (as in the config) and ``path`` (where the file lies) of each.
    cache : Path
        Where checksums are remembered.

    Returns
    -------
    Markup
        A table.
    """
    rows: list[tuple[object, object]] = [("dataset", f"{entry['title'] or '(no title)'} ({dataset})")]
    rows += [("citation", entry["citation"] or "not given: add `citation` to the dataset's entry")]
    rows += [("licence", entry["licence"] or "not given: ask whoever made the data")]
    checksums = DigestCache(cache)
    for file in files:
        rows.append(("file", joined((file["source"], element("br"), _checksum(checksums, file["path"])))))
    checksums.save()
    return table(("", "data"), rows)


def _checksum(cache: DigestCache, path: str | Path) -> Markup:
    path = Path(path)
    if path.is_file():
        return joined(("sha256 ", element("code", cache.sha256(path))))
    told = "a folder: each file's sha256 is in manifest.csv" if path.is_dir() else "no longer there"
    return element("span", told, class_="note")


def voxel_table(dataset: Mapping) -> Markup:
    """Name grid, transform, split, and every channel with its probe, cutoff and force field.

    Parameters
    ----------
    dataset : mapping
        Content of dataset.json.

    Returns
    -------
    Markup
        A table.
    """
    rows: list[tuple[object, object]] = [
        (name, _settings(dataset[name])) for name in ("grid", "transform", "split")
    ]
    for channel in dataset["channels"]:
        told = _settings(channel["settings"])
        if channel.get("forcefield"):
            told = joined((f"force field {channel['forcefield']}; ", told))
        rows.append((f"channel {channel['name']}", joined((told, f"; key {channel['key']}"))))
    if dataset["descriptors"]:
        rows.append(("descriptors", ", ".join(dataset["descriptors"])))
    rows.append(("digest of the dataset", element("code", dataset["digest"])))
    return table(("", "what the models see"), rows)


def _settings(block: Mapping) -> Markup:
    """A block of settings on one line; those that are null say nothing."""
    return joined(
        (f"{key} = {_plain(value)}" for key, value in block.items() if value is not None), between=", "
    )


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value in ([], {}, None) else str(value)


def recipe_table(records: Iterable[Mapping], names: Mapping[str, str]) -> Markup:
    """Name the type and every option of each model.

    Parameters
    ----------
    records : iterable of mapping
        Contents of run.json of all runs; the first of a model speaks for it.
    names : mapping of str
        Names to show, by model.

    Returns
    -------
    Markup
        A table.
    """
    first: dict[str, Mapping] = {}
    for record in records:
        first.setdefault(record["model"], record)
    rows = []
    for model, record in first.items():
        options = {key: value for key, value in record.get("options", {}).items() if key not in _SILENT}
        rows.append((names.get(model, model), record["type"], _settings(options)))
    return table(("model", "type", "options"), rows)


def software_table(records: Iterable[Mapping], code: Mapping[str, str]) -> Markup:
    """Name packages, machines and the digests of the code.

    Parameters
    ----------
    records : iterable of mapping
        Contents of run.json of all runs.
    code : mapping of str
        Digest of the code of each stage.

    Returns
    -------
    Markup
        A table; what differs between runs is named with all its values.
    """
    records = list(records)
    found: dict[str, dict[str, None]] = {}
    for record in records:
        for package, version in record.get("versions", {}).items():
            found.setdefault(package, {})[version] = None
    machines = dict.fromkeys(_machine(record) for record in records)
    versions = ", ".join(f"{package} {' and '.join(known)}" for package, known in found.items())
    digests = joined((joined((f"{stage} ", element("code", key))) for stage, key in code.items()), ", ")
    rows = [("packages", versions), ("machine", "; ".join(machines)), ("digest of the code", digests)]
    return table(("", "software and machine"), rows)


def _machine(record: Mapping) -> str:
    hardware = record.get("hardware") or {}
    gpu = f", {hardware['gpu']}" if hardware.get("gpu") else ""
    return f"{hardware.get('cpu', 'unknown')}, {hardware.get('cores', '?')} cores{gpu}"


def read_records(paths: Iterable[str | Path]) -> list[dict]:
    """Read several JSON records.

    Parameters
    ----------
    paths : iterable of path
        Such as run.json of every run.

    Returns
    -------
    list of dict
        In the same order.
    """
    return [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]
