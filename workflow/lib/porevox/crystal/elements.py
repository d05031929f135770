"""Which element a CIF means by ``Zn2+``, ``O2-``, ``C_R``, ``D`` or the label ``CA1``."""

import re
from collections.abc import Sequence

import gemmi

from porevox.errors import StructureRejected

_SYMBOLS = frozenset(gemmi.Element(number).name for number in range(1, 119))
# The elements whose labels are commonly extended by a letter (C1A, CA1, HAA, Ow).
_LIGHT = frozenset("HBCNOFPSI")
# Types of refinement and simulation programs that are no symbols but mean one atom.
_ALIASES = {"D": "H", "OW": "O", "HW": "H", "OH": "O"}
_LETTERS = re.compile(r"[A-Za-z]+")


def resolve_elements(types: Sequence[str] | None, labels: Sequence[str], formula: str = "") -> list[str]:
    """Element of each site.

    Parameters
    ----------
    types : sequence of str, length N, or None
        Values of ``_atom_site_type_symbol``; charges and suffixes are ignored.
    labels : sequence of str, length N
        Values of ``_atom_site_label``, used where the type is missing or no element.
    formula : str, optional
        ``_chemical_formula_sum``, which settles ambiguous labels such as ``CA1``.

    Returns
    -------
    list of str, length N
        Plain symbols; deuterium is H.

    Raises
    ------
    StructureRejected
        ``unknown_element``: neither type nor label names an element.
    """
    if types is not None:
        by_type = {symbol: _from_type(symbol) for symbol in set(types)}
        if all(by_type.values()):
            return [by_type[symbol] for symbol in types]
    by_label = _from_labels(labels, formula)
    elements = []
    for i, label in enumerate(labels):
        element = (types is not None and by_type[types[i]]) or by_label[label]
        if not element:
            given = f"the type {types[i]!r}" if types is not None else "no type"
            raise StructureRejected(
                "unknown_element", f"the site {label!r} has {given}, which names no element"
            )
        elements.append(element)
    return elements


def _from_type(symbol: str) -> str | None:
    match = _LETTERS.match(symbol)
    if match is None:
        return None
    return _symbol(match[0])


def _symbol(letters: str) -> str | None:
    alias = _ALIASES.get(letters.upper())
    if alias:
        return alias
    return letters.capitalize() if letters.capitalize() in _SYMBOLS else None


def _from_labels(labels: Sequence[str], formula: str) -> dict[str, str | None]:
    runs = {label: match[0] if (match := _LETTERS.match(label)) else "" for label in set(labels)}
    in_formula = {_symbol(symbol) for symbol in re.findall(r"[A-Z][a-z]?", formula)} - {None}
    # CB, CG, HA ... name no element: the file then means carbon by CA, hydrogen by HO too.
    extended = {run[0] for run in runs.values() if len(run) > 1 and run.isupper() and not _symbol(run[:2])}
    return {label: _from_run(run, in_formula, extended) for label, run in runs.items()}


def _from_run(run: str, in_formula: set[str], extended: set[str]) -> str | None:
    """Element of a label's leading letters: two letters are tried before one."""
    if len(run) < 2:
        return _symbol(run) if run else None
    two = _symbol(run[:2])
    one = run[0].upper() if run[0].upper() in _LIGHT else None
    if two and one and (two in in_formula) != (one in in_formula):
        return two if two in in_formula else one
    if run.isupper() and one and (len(run) > 2 or run[0] in extended):
        return one
    return two or one
