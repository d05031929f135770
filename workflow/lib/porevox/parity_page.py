"""Parity plots to point at: which structure a point is, on one page that needs nothing else."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from porevox.compare import display_name
from porevox.figures.figure_style import model_styles
from porevox.learning.runs import write_atomically
from porevox.pages.html import Markup, element, embedded_json, joined, label_text, page, unit_text
from porevox.pages.parity_script import SCRIPT, STYLE
from porevox.pages.verdict import read_rows

#: Significant digits of the values in the page: more than can be seen or told.
_DIGITS = 5
_COLUMNS = {
    "id": "structure",
    "true": "true",
    "predicted": "predicted",
    "residual": "residual",
    "error": "|residual|",
}
_HOW = (
    "Point at a dot, or tap it, to see which structure it is; click to hold it. With the plot in focus, the "
    "arrow keys go through the structures in the order of the list. Residual = predicted − true. The list "
    "begins with the worst ones: look at their CIFs and labels first, as a wrong label looks like a bad "
    "prediction."
)


def parity_page(
    table: str | Path,
    out_page: str | Path,
    label: str,
    unit: str | None = None,
    controls: Iterable[str] = ("mean",),
) -> None:
    """Write the interactive parity plot of a study.

    Every test structure is a dot and a line of the list; none is left out, however many there are.

    Parameters
    ----------
    table : path
        The table behind the parity plots: id, y_true and a column y_pred_<model> per model.
    out_page : path
        Written: a page that loads nothing.
    label, unit : str
        What is predicted, and its unit.
    controls : iterable of str
        Models that have no colour of their own.

    Raises
    ------
    OSError
        When the table cannot be read, or the page not be written.
    """
    data = page_data(read_rows(table), unit_text(unit), controls)
    title = f"Predicted against true: {label_text(label)}"
    body = [
        Markup(f"<style>{STYLE}</style>"),
        element("p", _HOW, class_="note"),
        _models(data["models"]),
        element("div", _plot(), _list(), class_="parity"),
        element("noscript", "This page needs JavaScript; figures/parity.csv has the same numbers."),
        embedded_json(data, "data"),
    ]
    write_atomically(out_page, page(title, *body, script=SCRIPT))


def page_data(rows: list[dict[str, str]], unit: str, controls: Iterable[str] = ()) -> dict:
    """Arrange the table of the parity plots for the page.

    Parameters
    ----------
    rows : list of dict
        Rows of the table, as text.
    unit : str
        Of the values.
    controls : iterable of str
        See :func:`parity_page`.

    Returns
    -------
    dict
        ``ids``, ``true``, ``unit`` and ``models``: name, colour and predicted values, None where a model
        could not predict a structure.
    """
    prefix = "y_pred_"
    names = [column.removeprefix(prefix) for column in rows[0] if column.startswith(prefix)] if rows else []
    styles = model_styles(names, controls)
    models: list[Mapping] = [
        {
            "name": display_name(name),
            "colour": styles[name]["color"],
            "predicted": [_rounded(row[prefix + name]) for row in rows],
        }
        for name in names
    ]
    true = [_rounded(row["y_true"]) for row in rows]
    return {"ids": [row["id"] for row in rows], "true": true, "unit": unit, "models": models}


def _rounded(text: str) -> float | None:
    value = float(text) if text else math.nan
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


def _models(models: list[Mapping]) -> Markup:
    choices = []
    for number, model in enumerate(models):
        box = element("input", type="radio", name="model", value=number, checked="" if number == 0 else None)
        choices.append(element("label", box, " ", model["name"]))
    return element("fieldset", element("legend", "Model:"), joined(choices))


def _plot() -> Markup:
    told = "Predicted against true values. Arrow keys go through the structures of the list."
    return element(
        "div",
        element("canvas", id="points", aria_hidden="true"),
        element("canvas", id="over", tabindex=0, role="application", aria_label=told),
        element("div", id="tip", role="status", aria_live="polite", hidden=""),
        id="plot",
    )


def _list() -> Markup:
    heads = (
        element(
            *("th", element("button", told, type="button")),
            **{"scope": "col", "data_key": key, "class_": None if key == "id" else "number"},
        )
        for key, told in _COLUMNS.items()
    )
    head = element("thead", element("tr", *heads))
    search = element("input", id="search", type="search", placeholder="part of a name", autocomplete="off")
    turns = [
        element("button", told, id=name, type="button")
        for name, told in (("before", "previous 50"), ("after", "next 50"))
    ]
    return element(
        "div",
        element("p", element("label", "Find a structure: ", search)),
        element("div", element("table", head, element("tbody", id="rows")), class_="scroll"),
        element("p", element("span", id="count"), *turns),
        class_="list",
    )
