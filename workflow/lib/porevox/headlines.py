"""What came out, in a few lines for the terminal."""

import csv
import json

from porevox import layout
from porevox.thesis import FOLDER

#: Models and reasons that are named; a summary is read at a glance, in a narrow terminal, too.
SHOWN = 3


def of_henry(name: str) -> str:
    """Return one line for the terminal on a table of Henry coefficients.

    Parameters
    ----------
    name : str
        Name of the table.

    Returns
    -------
    str
        Empty if there is no such table yet.
    """
    folder = layout.henry_dir(name)
    try:
        counts = json.loads((folder / "summary.json").read_text())
    except OSError:
        return ""
    rejected = ", ".join(f"{n} {reason}" for reason, n in counts["rejected"].items())
    return (
        f"Henry coefficients {name}: {counts['n_computed']} of {counts['n_structures']} structures"
        + (f"; not used: {rejected} ({folder / 'rejected.csv'})." if rejected else ".")
        + f" Table: {folder / 'henry.csv'}"
    )


def of_screen(name: str) -> str:
    """Return a few lines for the terminal on a screening.

    Parameters
    ----------
    name : str
        Name of the screening.

    Returns
    -------
    str
        Empty if there is no such screening yet.
    """
    folder = layout.screen_dir(name)
    try:
        counts = json.loads((folder / "summary.json").read_text())
        with open(folder / "ranked.csv", encoding="utf-8", newline="") as stream:
            best = next(row for row in csv.DictReader(stream) if row["out_of_domain"] == "no")
    except OSError:
        return ""
    except StopIteration:
        best = None
    value = next((key for key in best or () if key.startswith("predicted")), None)
    unit = counts["model"]["target"].get("unit") or ""
    lost = ", ".join(f"{n} {reason}" for reason, n in counts["rejected"].items())
    lines = [
        f"Screening {name}: {counts['n_structures']} structures in, {counts['n_predicted']} predicted"
        + (f"; not used: {lost} ({folder / 'rejected.csv'})." if lost else "."),
        *(f"  {remark}" for remark in counts["remarks"]),
    ]
    if best:
        lines.append(f"  Best in the model's domain: {best['id']}, {float(best[value]):.4g} {unit}".rstrip())
    lines.append(f"  Page: {folder / 'candidates.html'}   Table: {folder / 'ranked.csv'}")
    return "\n".join(lines)


def of_thesis() -> str:
    """Return two lines on the published numbers, if they have been compared with those of this run.

    Returns
    -------
    str
        Empty without the page.
    """
    try:
        with open(FOLDER / "thesis.csv", encoding="utf-8", newline="") as stream:
            verdicts = [row["verdict"] for row in csv.DictReader(stream) if row["rows"] == "own"]
    except OSError:
        return ""
    counts = ", ".join(f"{verdicts.count(word)} {word}" for word in dict.fromkeys(verdicts))
    return (
        f"Published numbers of the thesis against the intervals of this run: {counts}\n"
        f"  Page: {FOLDER / 'thesis.html'}   Figures: {FOLDER / 'figures'}"
    )


def of_study(config: dict, study: str) -> str:
    """Return a few lines for the terminal: what came out, and where it lies.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study.

    Returns
    -------
    str
        At most five lines; empty if the study has no results.
    """
    folds = config["studies"][study]["split"]["folds"]
    folder, dataset = layout.scored_dir(study, folds), layout.study_dir(study, 0) / "dataset"
    try:
        counts = json.loads((dataset / "summary.json").read_text())
        with open(folder / "metrics.csv", encoding="utf-8", newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row["metric"] == "R2"]
        crossing = json.loads((folder / "crossing.json").read_text())["statement"]
    except OSError:
        return ""
    tested = "the test set" if folds == 1 else f"all structures in {folds} folds"
    sizes, scores = _scores(rows)
    return "\n".join(
        (
            f"Study {study}: {counts['n_structures']} structures in, {counts['n_usable']} used"
            + _drops(counts.get("drops", {})),
            f"  R2 on {tested} at {sizes} training structures:",
            f"  {scores}",
            f"  {crossing}",
            f"  See {folder / 'overview.html'} and figures/ beside it",
        )
    )


def _drops(drops: dict[str, int]) -> str:
    """The commonest reasons why structures are missing; the ledger has all."""
    if not drops:
        return "."
    told = [f"{n} {reason.split('/')[1]}" for reason, n in sorted(drops.items(), key=lambda item: -item[1])]
    more = f", {len(told) - SHOWN} more reasons" if len(told) > SHOWN else ""
    return f"; dropped for all or some models: {', '.join(told[:SHOWN])}{more} (drops.csv)."


def _scores(rows: list[dict]) -> tuple[str, str]:
    """Largest sizes, and the best R2 there, of rows of metrics.csv in order of size."""
    rows = [row for row in rows if row.get("subset", "test") == "test"]
    last = {row["model"]: row for row in rows if row["seed"] == "mean"}
    ensembles = {(row["model"], row["n_train"]): row for row in rows if row["seed"] == "ensemble"}
    scores = []
    for name, row in sorted(last.items(), key=lambda item: -_number(item[1]["value"]))[:SHOWN]:
        score = f"{name} {_with_interval(row)}"
        ensemble = ensembles.get((name, row["n_train"]))
        # baselines without luck have an ensemble that is each of its members
        if ensemble and row["value"] and f"{float(ensemble['value']):.3f}" != f"{float(row['value']):.3f}":
            score += f" (ensemble of its seeds {float(ensemble['value']):.3f})"
        scores.append(score)
    if len(last) > SHOWN:
        scores.append(f"{len(last) - SHOWN} more in metrics.csv")
    return "/".join(sorted({row["n_train"] for row in last.values()})), ", ".join(scores)


def _with_interval(row: dict) -> str:
    if not row["value"]:
        return "undefined"
    value, low, high = (f"{float(row[key]):.3f}" for key in ("value", "ci_low", "ci_high"))
    return f"{value} [{low}, {high}]"


def _number(text: str) -> float:
    """A score to sort by: one that is not defined comes last."""
    return float(text) if text else float("-inf")
