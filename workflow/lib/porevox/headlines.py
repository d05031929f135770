"""What came out, in a few lines for the terminal."""

import csv
import json

from porevox import layout


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
    drops = ", ".join(f"{n} {reason.split('/')[1]}" for reason, n in counts.get("drops", {}).items())
    drops = f"; dropped for all or some models: {drops} ({dataset / 'drops.csv'})." if drops else "."
    tested = "the test set" if folds == 1 else f"all structures in {folds} folds"
    sizes, scores = _scores(rows)
    return "\n".join(
        (
            f"Study {study}: {counts['n_structures']} structures in, {counts['n_usable']} used{drops}",
            f"  R2 on {tested} at {sizes} training structures: {scores}",
            f"  {crossing}",
            f"  Figures: {folder / 'figures'}   Tables: {folder}/*.csv",
        )
    )


def _scores(rows: list[dict]) -> tuple[str, str]:
    """Largest sizes, and the R2 of every model there, of rows of metrics.csv in order of size."""
    rows = [row for row in rows if row.get("subset", "test") == "test"]
    last = {row["model"]: row for row in rows if row["seed"] == "mean"}
    ensembles = {(row["model"], row["n_train"]): row for row in rows if row["seed"] == "ensemble"}
    scores = []
    for name, row in last.items():
        score = f"{name} {float(row['value']):.3f} [{float(row['ci_low']):.3f}, {float(row['ci_high']):.3f}]"
        ensemble = ensembles.get((name, row["n_train"]))
        # baselines without luck have an ensemble that is each of its members
        if ensemble and f"{float(ensemble['value']):.3f}" != f"{float(row['value']):.3f}":
            score += f" (ensemble of its seeds {float(ensemble['value']):.3f})"
        scores.append(score)
    return "/".join(sorted({row["n_train"] for row in last.values()})), ", ".join(scores)
