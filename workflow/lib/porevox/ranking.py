"""The stage *ranking*: predictions of all shards -> one table, best first, with what speaks against each."""

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from porevox.errors import PorevoxError
from porevox.handover.domain import Domain, read_domain
from porevox.handover.record import read_record
from porevox.learning.runs import write_csv, write_json
from porevox.screen import FACTS, NUMBERS, REJECTED

log = logging.getLogger("porevox")

#: Significant digits of the table: more than any prediction is worth.
_DIGITS = 6
#: What in a unit is neither letter nor digit, in columns' names.
_SPELT = str.maketrans({"/": "_per_", " ": "_", "·": "_", "⋅": "_", "*": "_", "−": "-", "Å": "A", "μ": "u"})


def rank_shards(
    model_dir: str | Path,
    tables: Iterable[str | Path],
    rejected: Iterable[str | Path],
    manifest: str | Path,
    level: float,
    out_dir: str | Path,
) -> dict:
    """Do the whole stage: write ranked.csv, rejected.csv and summary.json.

    Parameters
    ----------
    model_dir : path
        The model's folder.
    tables : iterable of path
        Predictions of the shards, see :func:`porevox.screen.screen_shard`.
    rejected : iterable of path
        What was rejected when the source was looked at, and in each shard; columns id (or member),
        reason and detail.
    manifest : path
        Of the screened structures, for the checksums of their CIFs.
    level : float
        Nominal coverage of the intervals.
    out_dir : path
        See :func:`rank` for ranked.csv. rejected.csv: id, reason, detail. summary.json: counts, and what
        they mean in a sentence.

    Returns
    -------
    dict
        Content of summary.json.

    Raises
    ------
    PorevoxError
        No structure could be predicted; names the most frequent reasons.
    """
    record, out_dir = read_record(model_dir), Path(out_dir)
    frames = [pd.read_csv(path, dtype=_TEXT, keep_default_na=False, na_values=_NUMERIC_NA) for path in tables]
    frames = [frame for frame in frames if len(frame)]
    lost = pd.concat([_read_rejected(path) for path in rejected], ignore_index=True)
    write_csv(out_dir / "rejected.csv", lost)
    if not frames:
        raise PorevoxError(_nothing(lost, out_dir / "rejected.csv"))
    known = pd.read_csv(manifest, dtype=str, keep_default_na=False, usecols=["id", "sha256"])
    checksums = dict(zip(known["id"], known["sha256"], strict=True))
    ranked = rank(
        pd.concat(frames, ignore_index=True), record, read_domain(Path(model_dir)), checksums, level
    )
    write_csv(out_dir / "ranked.csv", ranked)
    summary = summarise(ranked, lost, record)
    for line in summary["remarks"]:
        log.warning("%s", line)
    write_json(out_dir / "summary.json", summary)
    return summary


_TEXT = {"id": str, "nearest_training_id": str, "beyond_labels": str}
#: Empty cells are numbers that are missing; an id may read "NA".
_NUMERIC_NA = {name: [""] for name in (*NUMBERS, "distance", "pc1", "pc2", "n_atoms", *FACTS)}


def _read_rejected(path: str | Path) -> pd.DataFrame:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if "member" in table:
        table["id"] = table["id"].where(table["id"] != "", table["member"])
    return table[list(REJECTED)]


def _nothing(lost: pd.DataFrame, path: Path) -> str:
    if not len(lost):
        return "There is no structure to screen: give a folder or an archive with CIFs."
    reasons = ", ".join(f"{n} {reason}" for reason, n in Counter(lost["reason"]).most_common(3))
    return f"None of the {len(lost)} structures could be predicted ({reasons}): see {path} for each of them."


def rank(
    found: pd.DataFrame, record: Mapping, domain: Domain, checksums: Mapping[str, str], level: float
) -> pd.DataFrame:
    """Put predictions in order and say of each what speaks against it.

    Parameters
    ----------
    found : pandas.DataFrame
        See :func:`porevox.screen.predict_structures`.
    record : mapping
        Of the model.
    domain : Domain
        What it was trained on.
    checksums : mapping
        Sha256 of the CIFs by id, as far as known.
    level : float
        Nominal coverage of the intervals.

    Returns
    -------
    pandas.DataFrame
        Highest prediction first: rank, id, predicted, spread, low<level> and high<level> (with the
        target's unit in their names), distance (1: as far as 99 % of the training structures are at
        most from each other), nearest_training_id, out_of_domain (yes or no) and why,
        in_training_set (no, same id, same CIF, same id and CIF), facts, map coordinates and shard.
    """
    found = found.sort_values(["predicted", "id"], ascending=[False, True], ignore_index=True)
    why = _reasons(found, record)
    names = column_names(record["target"].get("unit"), level)
    columns = {"rank": np.arange(1, len(found) + 1), "id": found["id"]}
    columns |= {names[name]: _rounded(found[name]) for name in NUMBERS}
    columns |= {"distance": _rounded(found["distance"]), "nearest_training_id": found["nearest_training_id"]}
    columns |= {"out_of_domain": np.where(why == "", "no", "yes"), "why": why}
    columns["in_training_set"] = _known(found["id"], domain, checksums)
    columns |= {"n_atoms": found["n_atoms"].astype(int)}
    columns |= {name: _rounded(found[name]) for name in FACTS[1:]}
    columns |= {name: _rounded(found[name]) for name in ("pc1", "pc2")} | {"shard": found["shard"]}
    return pd.DataFrame(columns)


def column_names(unit: str | None, level: float) -> dict[str, str]:
    """Names of the columns of numbers, with the target's unit in them.

    Parameters
    ----------
    unit : str or None
        Such as ``cm3(STP)/cm3``.
    level : float
        Nominal coverage of the intervals.

    Returns
    -------
    dict
        ``predicted`` -> ``predicted_cm3STP_per_cm3``, ``low`` -> ``low90_cm3STP_per_cm3``, ...
    """
    plain = unicodedata.normalize("NFKC", unit or "").translate(_SPELT)
    # a sign that is lost would make g-1 of g, and thousands of thousandths
    plain = re.sub(r"-(?=\d)", "minus", plain)
    words = re.sub(r"[^A-Za-z0-9_%]+", "", plain).strip("_")
    end = f"_{words}" if words else ""
    share = f"{100 * level:g}"
    stems = {"predicted": "predicted", "spread": "spread", "low": f"low{share}", "high": f"high{share}"}
    return {name: stem + end for name, stem in stems.items()}


def _rounded(values: pd.Series) -> pd.Series:
    numbers = values.to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(numbers == 0, 0, np.floor(np.log10(np.abs(np.where(numbers == 0, 1, numbers)))))
    scale = 10.0 ** (_DIGITS - 1 - power)
    return pd.Series(np.round(numbers * scale) / scale, index=values.index)


def _reasons(found: pd.DataFrame, record: Mapping) -> np.ndarray:
    """Why structures are out of domain, "" for those that are not."""
    training, unit = record["training"], record["target"].get("unit") or ""
    limits = {
        "above": f"{training['y_max']:.4g} {unit}".strip(),
        "below": f"{training['y_min']:.4g} {unit}".strip(),
    }
    reasons = []
    for distance, beyond in zip(found["distance"], found["beyond_labels"], strict=True):
        parts = []
        if not distance <= 1:
            parts.append(f"{distance:.3g} times the domain's limit away from the training set")
        if beyond:
            parts.append(f"predicted {beyond} all training values ({limits[beyond]})")
        reasons.append("; ".join(parts))
    return np.array(reasons, dtype=object)


def _known(ids: pd.Series, domain: Domain, checksums: Mapping[str, str]) -> list[str]:
    names, files = set(domain.ids), set(domain.sha256) - {""}
    marks = {(True, True): "same id and CIF", (True, False): "same id", (False, True): "same CIF"}
    return [marks.get((name in names, checksums.get(name) in files), "no") for name in ids]


def summarise(ranked: pd.DataFrame, lost: pd.DataFrame, record: Mapping) -> dict:
    """Count what a screening came to, and say what of it should make one think.

    Parameters
    ----------
    ranked : pandas.DataFrame
        From :func:`rank`.
    lost : pandas.DataFrame
        The rejected: id, reason, detail.
    record : mapping
        Of the model.

    Returns
    -------
    dict
        ``n_structures``, ``n_predicted``, ``rejected`` (by reason), ``n_out_of_domain``,
        ``n_in_training_set``, ``model``, ``target`` and ``remarks`` (sentences).
    """
    n, outside = len(ranked), int((ranked["out_of_domain"] == "yes").sum())
    known = int((ranked["in_training_set"] != "no").sum())
    remarks = []
    if outside == n:
        remarks.append(
            f"All {n} structures are out of the model's domain: neither the predictions nor their intervals "
            "can be relied on."
        )
    elif outside > n / 2:
        remarks.append(
            f"{outside} of {n} structures are out of the model's domain: its intervals do not hold there."
        )
    if known:
        remarks.append(
            f"{known} of {n} structures are in the model's training set: they say nothing about how well it "
            "predicts, and are marked in the table."
        )
    about = {key: record[key] for key in ("study", "model", "type", "size", "n_train", "target")}
    return {
        "n_structures": n + len(lost),
        "n_predicted": n,
        "rejected": dict(Counter(lost["reason"]).most_common()),
        "n_out_of_domain": outside,
        "n_in_training_set": known,
        "model": about | {"n_seeds": len(record["seeds"])},
        "remarks": remarks,
    }
