"""One page with every number that the thesis prints beside the one computed here, and all its figures."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from porevox.compare import display_name, round_size
from porevox.errors import PorevoxError
from porevox.evaluate import SEED_MEAN
from porevox.figures.verdict_panels import draw_verdicts
from porevox.pages.document import Document
from porevox.scores.scored_runs import write_table
from porevox.scores.verdicts import COMMON, OWN, PERCENT, VERDICTS, compare_with_published

PANELS = {
    "$R^2$ on the test set": ("retnet_R2", "rf_R2"),
    "difference of $R^2$ (%)": PERCENT,
    "training structures": ("crossing",),
}
HEAD = [
    "number",
    "section",
    "published",
    "this run",
    "95 % interval",
    "verdict",
    "trained on",
    "tested on",
    "note",
]
CAPTIONS = {
    "3.2": "The operations of the data augmentation, on one structure.",
    "3.3": "RetNet with and without data augmentation.",
    "4.1": "One structure through the layers of RetNet.",
    "4.2a": "Fingerprints of the first 100 training structures, MOFs.",
    "4.2b": "Fingerprints of the first 100 training structures, COFs.",
    "4.3a": "Learning curves, CO2 in MOFs.",
    "4.3b": "Learning curves, CH4 in COFs.",
    "4.4": "Parity plots, CO2 in MOFs.",
    "4.4-cofs": "Parity plots, CH4 in COFs (the twin of figure 4.4; not in the thesis).",
}
PROTOCOL = (
    "As in the thesis (section 3.3): the forest has scikit-learn's defaults on the geometric descriptors, "
    "rows with NaN or infinite descriptors are dropped in training and test, and R2 is that of what "
    "remains; RetNet is scored on all its test structures. Intervals are percentile bootstrap intervals "
    "over the test set; gains and crossings come from the same resamples of all test structures for both "
    "models, and the test sets of MOFs and COFs are resampled independently. The crossing is the number "
    "of training structures at which RetNet's curve reaches the R2 that the forest has at its largest "
    "training set, linear in R2 and in the logarithm of the size between two sizes; a resample in which "
    "it is not reached counts as infinite."
)
READING = (
    "A published number is taken with its rounding: 0.859 is inside an interval that starts at 0.8593, "
    "around 300 inside one that starts at 330. "
    "`above` and `below` say where the published number lies with respect to this run's interval. The "
    "intervals hold what another draw of test structures would change; they do not hold the luck of "
    "training (one seed here, one in the thesis), another train list, or another version of the "
    "libraries. Of 20 numbers that agree, one is expected outside."
)


def against_thesis(
    published_yaml: str | Path,
    metrics: Mapping[str, Mapping[str, str | Path]],
    runs: Mapping[str, Mapping[str, Sequence[str | Path]]],
    epochs_csv: str | Path | None,
    augmentation_csv: str | Path,
    figures: Mapping[str, str | Path],
    out_stem: str | Path,
    resamples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare this run with the thesis, and put all of it on one page.

    Parameters
    ----------
    published_yaml : path
        resources/thesis.yaml.
    metrics, runs, epochs_csv, resamples, seed, confidence
        As for :func:`porevox.scores.verdicts.compare_with_published`.
    augmentation_csv : path
        comparison.csv of the study with and without augmentation.
    figures : mapping of str to path
        PNG of each figure, by its number in the thesis.
    out_stem : path
        Written: ``<out_stem>.csv`` (the comparison), ``.pdf``, ``.svg`` and ``.png`` (its drawing), ``.md``
        and ``.html`` (the page).

    Returns
    -------
    pandas.DataFrame
        The comparison.

    Raises
    ------
    PorevoxError
        When a table or a run cannot be read.
    """
    published = yaml.safe_load(Path(published_yaml).read_text(encoding="utf-8"))
    scoring: dict[str, Any] = {"resamples": resamples, "seed": seed, "confidence": confidence}
    table = compare_with_published(published, metrics, runs, epochs_csv, **scoring)
    write_table(table, f"{out_stem}.csv")
    named = table.assign(name=[row_name(row) for row in table.itertuples()])
    draw_verdicts(named[named["rows"] == OWN], PANELS, out_stem, confidence)
    page = Document("The thesis against this run")
    _add_numbers(page, named, published, confidence)
    page.figure(f"{out_stem}.png", "Published numbers against this run's intervals.")
    _add_curves(page, metrics, published, confidence)
    _add_epochs(page, epochs_csv)
    _add_augmentation(page, augmentation_csv)
    page.heading("Figures")
    for number, png in figures.items():
        page.figure(png, f"Figure {number}. {CAPTIONS[number]}")
    page.write(f"{out_stem}.md", f"{out_stem}.html")
    return table


def row_name(row) -> str:
    """Name of a number for readers, of a row of the comparison."""
    where = {"mofs": "MOFs", "cofs": "COFs"}.get(row.part, "")
    return {
        "retnet_R2": f"R2 of RetNet, {where}",
        "rf_R2": f"R2 of RF, {where}",
        "gain_percent": f"RetNet over RF, {where}",
        "transfer_percent": "RetNet on COFs over RetNet on MOFs",
        "crossing": f"RetNet reaches RF's R2, {where}",
        "epochs": f"best number of epochs, {where}",
    }[row.quantity]


def number_text(quantity: str, value: float) -> str:
    """Return a number as it stands on the page: R2 to three digits, percents, rounded structures."""
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "not reached" if value > 0 else "-"
    if quantity in PERCENT:
        return f"{value:+.1f} %"
    if quantity == "crossing":
        return f"{round_size(value):,}"
    return f"{value:.0f}" if quantity == "epochs" else f"{value:.3f}"


def _cells(row) -> list[str]:
    """One line of the table of numbers."""
    bounds = [number_text(row.quantity, value) for value in (row.ci_low, row.ci_high)]
    cells = [row.name, f"§ {row.section}", number_text(row.quantity, row.published)]
    cells += [number_text(row.quantity, row.value), "-" if "-" in bounds else f"[{bounds[0]}, {bounds[1]}]"]
    return [*cells, row.verdict, _count(row.n_train), _count(row.n_test), row.note]


def _count(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:,.0f}"


def _add_numbers(page: Document, table: pd.DataFrame, published: Mapping, confidence: float) -> None:
    """Warnings, the two tables of numbers, and how to read them."""
    for warning in _unlike(table, published):
        page.warning(warning)
    head = [cell.replace("95 %", f"{100 * confidence:g} %") for cell in HEAD]
    page.heading("Published numbers")
    page.paragraph(PROTOCOL)
    own = table[table["rows"] != COMMON]
    page.table(head, [_cells(row) for row in own.itertuples(index=False)])
    counts = own["verdict"].value_counts()
    page.paragraph(
        "; ".join(f"{counts[word]} {word}: {VERDICTS[word]}" for word in VERDICTS if word in counts) + "."
    )
    page.paragraph(READING)
    page.heading("The same on common rows")
    page.paragraph(
        "RetNet and the forest on the very same structures: those that both could predict. The published "
        "numbers were not taken so; they stand here to be compared with."
    )
    rows = table[table["rows"] == COMMON]
    page.table(head, [_cells(row) for row in rows.itertuples(index=False)])


def _unlike(table: pd.DataFrame, published: Mapping) -> list[str]:
    """Sentences on parts that were trained or tested on other numbers of structures than published."""
    sentences = []
    for part, printed in published["parts"].items():
        row = table[
            (table["part"] == part) & (table["quantity"] == "retnet_R2") & (table["rows"] == OWN)
        ].iloc[0]
        # a few structures without voxels are no other study
        if all(abs(row[f"n_{what}"] / printed[f"n_{what}"] - 1) < 0.02 for what in ("train", "test")):
            continue
        sentences.append(
            f"{printed['title']}: trained on up to {_count(row['n_train'])} structures and tested on "
            f"{_count(row['n_test'])}, where the thesis has {_count(printed['n_train'])} and "
            f"{_count(printed['n_test'])}. The numbers below are then no check of the published ones."
        )
    return sentences


def _add_curves(page: Document, metrics, published: Mapping, confidence: float) -> None:
    """Test R2 of every size, which the thesis shows in figure 4.3 only."""
    page.heading("Learning curves in numbers")
    for part, tables in metrics.items():
        parts = [_read_scores(path) for path in tables.values()]
        rows = pd.concat(parts).sort_values(["n_train", "model"], kind="stable")
        texts = rows.apply(lambda r: f"{r['value']:.3f} [{r['ci_low']:.3f}, {r['ci_high']:.3f}]", axis=1)
        cells = texts.groupby([rows["n_train"], rows["model"]]).first().unstack()[list(tables)]
        page.paragraph(f"{published['parts'][part]['title']}: R2 with {100 * confidence:g} % intervals.")
        head = ["training structures", *map(display_name, tables)]
        page.table(
            head, [[_count(size), *row] for size, row in zip(cells.index, cells.to_numpy(), strict=True)]
        )


def _read_scores(path: str | Path) -> pd.DataFrame:
    """Rows of the test set's R2, averaged over seeds."""
    table = pd.read_csv(path, dtype={"seed": str, "size": str})
    return table[(table["subset"] == "test") & (table["metric"] == "R2") & (table["seed"] == SEED_MEAN)]


def _add_epochs(page: Document, path: str | Path | None) -> None:
    """The epoch table (section 3.3.2), where there is a validation set."""
    if path is None:
        return
    table = pd.read_csv(path, dtype={"seed": str})
    table = table[table["validation_R2"].notna()]
    page.heading("Number of epochs")
    page.paragraph(
        "Scores on the validation set at the largest training set (section 3.3.2), of one training: the "
        "learning rate falls in steps, so epoch 10 of 50 is the end of a training of 10."
    )
    rows = [
        [display_name(row.model), row.seed, _count(row.epochs), f"{row.validation_R2:.3f}"]
        + [f"{row.validation_mse:.4g}"]
        for row in table.itertuples()
    ]
    page.table(["model", "seed", "epochs", "validation R2", "validation MSE"], rows)


def _add_augmentation(page: Document, path: str | Path) -> None:
    """What the data augmentation is worth at every size (figure 3.3)."""
    try:
        table = pd.read_csv(path)
        table = table[table["metric"] == "R2"]
    except (OSError, ValueError, KeyError) as error:
        raise PorevoxError(f"{path} cannot be read ({error!r}): compare the models again.") from error
    if table.empty:
        return
    page.heading("Data augmentation in numbers")
    for pair, rows in table.groupby(["challenger", "reference"], sort=False):
        _add_pair(page, list(map(display_name, pair)), rows)


def _add_pair(page: Document, names: Sequence[str], table: pd.DataFrame) -> None:
    page.paragraph(
        f"R2 of {names[0]} and of {names[1]}, and their difference with its paired interval (figure 3.3)."
    )
    rows = [
        [_count(row.n_train), f"{row.challenger_value:.3f}", f"{row.reference_value:.3f}"]
        + [f"{row.value:+.3f} [{row.ci_low:+.3f}, {row.ci_high:+.3f}]"]
        for row in table.itertuples()
    ]
    page.table(["training structures", *names, "difference"], rows)
