"""Words on figures: units, formulas, names and numbers as they stand in print."""

import re

_UNIT = re.compile(r"(mmol|mol|mg|kg|g|cm|dm|m|nm|Å|A|kJ|J|K|Pa|kPa|bar|mL|L|u)(\d?)( ?\(STP\))?")
_MARKUP = re.compile(r"[${}^_\\]")
_FORMULA = re.compile(
    r"(?<![A-Za-z0-9])(CO2|CH4|N2|H2|O2|H2S|H2O|SO2|NO2|NH3|SF6|C2H2|C2H4|C2H6|C3H6|C3H8)"
    r"(?![A-Za-z0-9])"
)


def pretty_unit(unit: str | None) -> str:
    """Unit with superscripts, as it stands in print.

    Parameters
    ----------
    unit : str or None
        Such as ``mmol/g`` or ``cm3(STP)/cm3``.

    Returns
    -------
    str
        Text for matplotlib; an unknown unit as it is, and "" for none.
    """
    unit = (unit or "").strip()
    if unit in ("", "1", "-", "dimensionless"):
        return ""
    parts = unit.split("/")
    found = [_UNIT.fullmatch(part.strip()) for part in parts]
    matches = [match for match in found if match is not None]
    if len(matches) < len(found):
        return plain_text(unit)
    words = []
    for place, match in enumerate(matches):
        symbol, power, condition = match.groups()
        power = f"-{power or 1}" if place else power
        symbol = "Å" if symbol == "A" else symbol
        words.append(symbol + (f"$^{{{power}}}$" if power else "") + (condition or "").strip())
    return "\u00a0".join(words)  # never broken across lines


def pretty_label(text: str) -> str:
    """Text with the subscripts of common gases' formulas.

    Parameters
    ----------
    text : str
        Such as ``CO2 uptake at 0.15 bar``.

    Returns
    -------
    str
        Text for matplotlib.
    """
    return _FORMULA.sub(lambda match: re.sub(r"(\d)", r"$_{\1}$", match.group()), plain_text(text))


def plain_text(text: str) -> str:
    """Text that matplotlib shows as it is.

    Parameters
    ----------
    text : str
        Any name or id; dollar signs would otherwise start a formula.

    Returns
    -------
    str
        With dollar signs escaped.
    """
    return text.replace("$", r"\$")


def quantity(label: str, unit: str | None = None, kind: str = "") -> str:
    """Axis label of a quantity.

    Parameters
    ----------
    label : str
        What is measured, such as ``CH4 uptake``.
    unit : str, optional
        Its unit, as in the config.
    kind : str
        Such as ``true`` or ``predicted``.

    Returns
    -------
    str
        ``label, kind (unit)``, for matplotlib.
    """
    text = ", ".join(part for part in (pretty_label(label), kind) if part)
    unit = pretty_unit(unit)
    return f"{text} ({unit})" if unit else text


def column_label(column: str, label: str | None = None) -> str:
    """Name of a target for readers.

    Parameters
    ----------
    column : str
        The column in the label table.
    label : str, optional
        The label the config gives it.

    Returns
    -------
    str
        The label, or the column's name without a unit in brackets at its end.
    """
    if label:
        return label
    return re.sub(r"\s*\[[^\]]*\]\s*$", "", column) or column


def count_text(number: float) -> str:
    """Whole number with thin spaces between thousands, from five digits on.

    Parameters
    ----------
    number : float
        Rounded to a whole number.

    Returns
    -------
    str
        Such as ``5000`` and ``32 432``.
    """
    text = f"{number:.0f}"
    return text if len(text) < 5 else f"{number:,.0f}".replace(",", "\u2009")


def wrap_text(text: str, width: int) -> str:
    """Break text into lines, counting what is seen of a formula and not its markup.

    Parameters
    ----------
    text : str
        Text for matplotlib; it breaks at spaces (units have none) and inside very long words.
    width : int
        Letters per line.

    Returns
    -------
    str
        The text with line breaks.
    """
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip(" ")
        if _seen(longer) <= width or "$" in word and not lines[-1]:
            lines[-1] = longer
        else:
            step = len(word) if "$" in word else width
            lines += [word[k : k + step] for k in range(0, len(word), step)]
    return "\n".join(lines).strip("\n")


def _seen(text: str) -> int:
    """Number of letters that are seen: a formula's markup is not."""
    return len(_MARKUP.sub("", text)) if "$" in text else len(text)
