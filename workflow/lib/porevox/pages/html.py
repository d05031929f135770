"""HTML from values: text is always escaped, only what was built here is taken as markup."""

import base64
import html
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from porevox.figures.figure_text import pretty_label
from porevox.pages.page_style import CSS

_MIME = {".svg": "image/svg+xml", ".png": "image/png"}
_POWER = re.compile(r"(?<![A-Za-z])(cm|dm|mm|nm|m|A|Å)([23])(?![0-9])")
_INDEX = re.compile(r"\$_\{(\d)\}\$")
_EMPTY = ("br", "img", "input", "meta")


class Markup(str):
    """Text that is HTML already, because :func:`element` or :func:`joined` made it."""


def escaped(value: object) -> Markup:
    """Escape a value for HTML, between tags as well as in an attribute.

    Parameters
    ----------
    value : object
        Its text; :class:`Markup` is left as it is.

    Returns
    -------
    Markup
        Without a live ``<``, ``>``, ``&`` or quote of its own.
    """
    return value if isinstance(value, Markup) else Markup(html.escape(str(value), quote=True))


def joined(parts: Iterable[object], between: str = "") -> Markup:
    """Join values into one piece of HTML.

    Parameters
    ----------
    parts : iterable
        Escaped unless they are :class:`Markup`.
    between : str
        Put between them; escaped, too.

    Returns
    -------
    Markup
    """
    return Markup(escaped(between).join(escaped(part) for part in parts))


def element(name: str, /, *content: object, **attributes: object) -> Markup:
    """Build one element.

    Parameters
    ----------
    name : str
        Of the tag.
    *content
        What is in it; escaped unless it is :class:`Markup`.
    **attributes
        Their values are escaped; ``class_`` stands for ``class``, ``data_x`` for ``data-x``. One that
        is None is left out.

    Returns
    -------
    Markup
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{said}>" if name in _EMPTY else f"<{name}{said}>{joined(content)}</{name}>")


def table(header: Sequence[object], rows: Iterable[Sequence[object]], caption: object = None) -> Markup:
    """Build a table; columns of numbers (cells that begin with one, or are a dash) stand to the right.

    Parameters
    ----------
    header : sequence
        Names of the columns.
    rows : iterable of sequence
        Cells; the first of a row is its head.
    caption : optional
        Said above the table.

    Returns
    -------
    Markup
        In a box of its own that scrolls sideways on a narrow screen.
    """
    rows = [list(row) for row in rows]
    columns = list(zip(*rows, strict=True))
    looks = [None, *("number" if all(map(_is_number, column)) else None for column in columns[1:])]
    looks += [None] * (len(header) - len(looks))
    heads = (element("th", name, scope="col", class_=look) for name, look in zip(header, looks, strict=True))
    head = element("tr", *heads)
    lines = []
    for first, *rest in rows:
        cells = (element("td", cell, class_=look) for cell, look in zip(rest, looks[1:], strict=True))
        lines.append(element("tr", element("th", first, scope="row"), *cells))
    said = [] if caption is None else [element("caption", caption)]
    body = element("tbody", joined(lines, "\n"))
    return element("div", element("table", *said, element("thead", head), body), class_="scroll")


def _is_number(cell: object) -> bool:
    return re.match(r"\s*([-+\u2212<]|&lt;)?\d|\u2013$", str(cell)) is not None


def image(path: str | Path, alt: str) -> Markup:
    """Put a picture into the page itself.

    Parameters
    ----------
    path : path-like
        An .svg or .png file.
    alt : str
        What a reader who does not see it is told.

    Returns
    -------
    Markup
        An image with a data address: nothing is loaded from elsewhere.
    """
    path = Path(path)
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return element("img", src=f"data:{_MIME[path.suffix]};base64,{content}", alt=alt)


def embedded_json(value: object, identifier: str) -> Markup:
    """Put data for a script into the page; no text in it can end the element early.

    Parameters
    ----------
    value : object
        What JSON can hold; NaN is not.
    identifier : str
        The element's id.

    Returns
    -------
    Markup
        A ``<script type="application/json">``.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(f'<script type="application/json" id="{escaped(identifier)}">{text}</script>')


def page(title: str, *body: object, script: str = "") -> str:
    """Build a whole page.

    Parameters
    ----------
    title : str
        Of the window, and the first heading.
    *body
        Content below the heading; escaped unless it is :class:`Markup`.
    script : str
        JavaScript of ours, run when the page stands.

    Returns
    -------
    str
        A page that may load nothing at all: its own policy forbids it.
    """
    # what is in the page may be shown and run; nothing may be fetched, sent or submitted
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    head = [
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        Markup(f"<style>{CSS}</style>"),
    ]
    content = element("main", element("h1", title), joined(body, "\n"))
    code = Markup(f"<script>{script}</script>") if script else ""
    inside = element("head", joined(head, "\n")) + "\n" + element("body", content, code)
    return f'<!doctype html>\n<html lang="en">\n{inside}\n</html>\n'


def number(value: float, digits: int = 3) -> str:
    """Write a number with a true minus sign.

    Parameters
    ----------
    value : float
        NaN is written as a dash.
    digits : int
        After the point.

    Returns
    -------
    str
    """
    text = "\u2013" if value != value else f"{value:.{digits}f}"
    return (text.lstrip("-") if not text.strip("-0.") else text).replace("-", "\u2212")


def unit_text(unit: str | None) -> str:
    """Write a unit with raised digits: ``cm3(STP)/cm3`` -> ``cm³(STP)/cm³``.

    Parameters
    ----------
    unit : str or None
        As in the config.

    Returns
    -------
    str
        Empty for none.
    """
    return _POWER.sub(lambda found: found[1] + {"2": "²", "3": "³"}[found[2]], (unit or "").strip())


def label_text(text: str) -> str:
    """Write the formulas of common gases with lowered digits: ``CH4 uptake`` -> ``CH₄ uptake``.

    Parameters
    ----------
    text : str
        As in the config.

    Returns
    -------
    str
    """
    lowered = _INDEX.sub(lambda found: "₀₁₂₃₄₅₆₇₈₉"[int(found[1])], pretty_label(text))
    return lowered.replace("\\$", "$")
