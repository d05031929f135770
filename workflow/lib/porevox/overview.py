"""The overview of a study: what a reader wants to know first, on one page that needs nothing else."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from porevox.compare import display_name
from porevox.layout import RESULTS
from porevox.learning.runs import write_atomically
from porevox.pages.html import Markup, element, image, joined, label_text, page, table, unit_text
from porevox.pages.ledger import ledger_sentences, ledger_table
from porevox.pages.provenance import data_table, read_records, recipe_table, software_table, voxel_table
from porevox.pages.spent import Spent, energy_kWh, shared_stages, study_stages
from porevox.pages.verdict import (
    METRICS,
    FullSize,
    crossing_statement,
    full_size,
    read_rows,
    sentences,
    with_interval,
)

#: Metrics without a unit.
_PURE = ("R2", "Spearman")


def overview(
    study: str,
    results: Mapping[str, str | Path],
    datasets: Iterable[str | Path],
    runs: Iterable[str | Path],
    facts: Mapping,
    out_page: str | Path,
    out_front: str | Path,
) -> None:
    """Write the overview of a study, and its short form for the front page of a report.

    Parameters
    ----------
    study : str
        Its name.
    results : mapping
        Paths of ``metrics`` and ``comparison`` (CSV), ``crossing`` (JSON), ``curve`` and ``parity``
        (pictures, SVG or PNG).
    datasets : iterable of path
        Folders of the study's datasets, one per split.
    runs : iterable of path
        Folders of all its runs.
    facts : mapping
        ``label`` and ``unit`` of the target, ``confidence``, ``dataset``, ``entry`` (title, citation and
        licence), ``files`` (see :func:`porevox.pages.provenance.data_table`), ``code`` (digests by stage)
        and ``energy`` (``core_W``, ``gpu_W``).
    out_page, out_front : path
        Written: a whole page, and a piece of HTML.

    Raises
    ------
    OSError
        When one of the files cannot be read or written.
    """
    trained, split_datasets = [Path(run) for run in runs], [Path(folder) for folder in datasets]
    models = full_size(read_rows(results["metrics"]))
    names = {model.model: display_name(model.model) for model in models}
    crossing = crossing_statement(results["crossing"])
    comparison = read_rows(results["comparison"])
    said = sentences(models, comparison, crossing, names, facts["unit"], facts["confidence"])
    verdict = element("div", *(element("p", sentence) for sentence in said), class_="verdict")
    scores = _score_table(models, names, facts)
    curve = _curve(results["curve"], said[0])
    title = f"{label_text(facts['label'])}: study {study}"
    parts = [
        *(_navigation(), verdict, _section("Learning curve", "curve", curve)),
        _section("All models at full size", "models", scores, _score_note(facts)),
        _section("Parity plots", "parity", *_parity(results["parity"])),
        _section("Structures used, and not used", "drops", *_ledger(split_datasets)),
        _section("Where it comes from", "provenance", *_provenance(split_datasets[0], trained, facts)),
        _section("Time and energy", "spent", *_spent(study, split_datasets, trained, facts)),
    ]
    write_atomically(out_page, page(title, *parts))
    write_atomically(out_front, str(joined((verdict, curve, scores), "\n")) + "\n")


def _section(title: str, anchor: str, *content: object) -> Markup:
    return element("section", element("h2", title), *content, id=anchor)


def _navigation() -> Markup:
    places = {
        "curve": "learning curve",
        "models": "models",
        "parity": "parity plots",
        "drops": "structures",
        "provenance": "data and code",
        "spent": "time and energy",
    }
    return element("nav", *(element("a", told, href=f"#{place}") for place, told in places.items()))


def _curve(path: str | Path, verdict: str) -> Markup:
    told = (
        "R² on the test set against the number of training structures. Shaded: confidence interval over the "
        "test set. Overlapping areas do not mean that there is no difference: see the sentence on it above."
    )
    picture = image(path, f"Learning curves. {verdict}").replace("<img ", '<img class="curve" ')
    return element("figure", Markup(picture), element("figcaption", told, class_="note"))


def _score_table(models: list[FullSize], names: Mapping[str, str], facts: Mapping) -> Markup:
    rows = []
    for model in models:
        shown = (model.scores.get(metric, (float("nan"),) * 3) for metric in METRICS)
        told = [
            _cell(score, 3 if m in _PURE else _digits(score[0]))
            for m, score in zip(METRICS, shown, strict=True)
        ]
        counts = f"{float(model.n_used):,.0f}", f"{model.n_test:,}", model.n_seeds
        rows.append((names[model.model], *told, *counts))
    unit = unit_text(facts["unit"])
    heads = [m.replace("R2", "R²") if m in _PURE else f"{m} / {unit}".removesuffix(" / ") for m in METRICS]
    caption = f"Test set, mean over seeds, with {100 * facts['confidence']:g} % bootstrap intervals"
    return table(("model", *heads, "learned from", "tested on", "seeds"), rows, caption)


def _digits(error: float) -> int:
    """Digits after the point that show three significant ones: a unit makes an error as small as it likes."""
    return 2 if not error > 0 else min(max(2 - math.floor(math.log10(error)), 2), 12)


def _cell(score: tuple[float, float, float], digits: int) -> Markup:
    """A score, and its interval below it."""
    value, _, interval = with_interval(score, digits).partition(" ")
    return joined((value, element("br"), element("small", interval))) if interval else joined((value,))


def _score_note(facts: Mapping) -> Markup:
    return element(
        "p",
        "R² of 1 is perfect, 0 is no better than naming the mean. The intervals answer what other test "
        "structures would have given, not what another training would. Compare models by the differences "
        "above, which are taken on the same structures.",
        class_="note",
    )


def _parity(path: str | Path) -> tuple[Markup, Markup]:
    told = (
        "A perfect model puts every point on the diagonal. To find which structure a point is, open "
        "figures/parity.html, or the entry “parity plots, point by point” of the report. Few points among "
        "the best materials mean little evidence there, however high R² is."
    )
    return image(path, "Predicted against true values of the test set"), element("p", told, class_="note")


def _ledger(datasets: list[Path]) -> list[Markup]:
    summary = json.loads((datasets[0] / "summary.json").read_text(encoding="utf-8"))
    drops = read_rows(datasets[0] / "drops.csv")
    totals = summary.get("drops", {})
    said = ledger_sentences(summary["n_structures"], summary["n_usable"], drops, totals)
    said += [f"Mind: {warning}" for warning in summary.get("warnings", [])]
    subsets = ", ".join(f"{n:,} {subset}" for subset, n in summary["subsets"].items())
    split = f"{subsets} structures" + (" in the first fold." if len(datasets) > 1 else ".")
    note = element(
        "p",
        "The scores hold for what was kept. Dropped structures are rarely a random sample. dataset/drops.csv "
        "names every one.",
        class_="note",
    )
    return [
        *(element("p", sentence) for sentence in said),
        element("p", split),
        ledger_table(drops, totals),
        note,
    ]


def _provenance(dataset: Path, runs: list[Path], facts: Mapping) -> list[Markup]:
    spec = json.loads((dataset / "dataset.json").read_text(encoding="utf-8"))
    records = read_records(run / "run.json" for run in runs)
    names = {record["model"]: display_name(record["model"]) for record in records}
    recipes = element(
        "details", element("summary", "Every option of every model"), recipe_table(records, names)
    )
    return [
        data_table(facts["dataset"], facts["entry"], facts["files"], RESULTS / "cache" / "digests"),
        voxel_table(spec),
        software_table(records, facts["code"]),
        recipes,
    ]


def _spent(study: str, datasets: list[Path], runs: list[Path], facts: Mapping) -> list[Markup]:
    benchmarks = RESULTS / "benchmarks"
    specs = read_records(folder / "dataset.json" for folder in datasets)
    shards = {Path(f).parent: None for s in specs for c in s["channels"] for f in c["shards"].values()}
    stages = shared_stages(benchmarks, facts["dataset"], shards) + study_stages(benchmarks, study, runs)
    total = Spent("all", *(sum(getattr(s, key) for s in stages) for key in _COUNTS))
    kWh = energy_kWh(total.core_h, total.gpu_h, **facts["energy"])
    rows = [(s.stage, s.jobs, *map(_hours, (s.wall_h, s.core_h, s.gpu_h))) for s in [*stages, total]]
    energy = f"{1000 * kWh:.2g} Wh" if kWh < 0.1 else f"{kWh:.3g} kWh"
    told = (
        f"Estimated energy: {energy}. This is an estimate and not a measurement: it takes "
        f"{facts['energy']['core_W']:g} W for a busy core and {facts['energy']['gpu_W']:g} W for a GPU "
        "(`energy` in the config), and leaves out cooling and whatever idled beside it."
    )
    note = (
        "The last run of each job is counted: no failed or interrupted try, and no figure. Structures and "
        "voxels are shared by all studies of a dataset, and counted in each."
    )
    if total.unmeasured:
        note += f" Jobs that left no measurement: {total.unmeasured}."
    heads = ("stage", "jobs", "wall time / h", "core-hours", "GPU-hours")
    return [element("p", told), table(heads, rows), element("p", note, class_="note")]


_COUNTS = ("jobs", "unmeasured", "wall_h", "core_h", "gpu_h")


def _hours(value: float) -> str:
    if 0 < value < 0.001:
        return "<0.001"
    return "0" if value == 0 else f"{value:.2g}" if value < 10 else f"{value:,.0f}"
