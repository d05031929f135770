"""Which element a CIF means by ``Zn2+``, ``O2-``, ``C_R``, ``D`` or the label ``CA1``."""

import re
from collections.abc import Sequence

import gemmi

from porevox.crystal.cif_values import BrokenValues
from porevox.errors import StructureRejected

_SYMBOLS = frozenset(gemmi.Element(number).name for number in range(1, 119))
# The elements whose labels are commonly extended by a letter (C1A, CA1, HAA, Ow).
_LIGHT = frozenset("HBCNOFPSI")
# Types of refinement and simulation programs that are no symbols but mean one atom.
_ALIASES = {"D": "H", "OW": "O", "HW": "H", "OH": "O"}
_COUNTED = re.compile(r"([A-Z][a-z]?)(\d+(?:\.\d+)?)?")
_DECIMAL = re.compile(r"[-+]?\d*\.\d+(?:\(\d+\))?")
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
        ``unknown_element``: neither type nor label names an element; ``unreadable_cif``: one of
        them is a number with decimals, so that the columns of the list must have been mixed up.
    """
    _refuse_numbers(labels)
    if types is not None:
        by_type = {symbol: _from_type(symbol) for symbol in set(types)}
        if all(by_type.values()):
            return [by_type[symbol] for symbol in types]  # type: ignore[misc]  # none of them is None
        _refuse_numbers(list(by_type))
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


def _refuse_numbers(names: Sequence[str]) -> None:
    if "." in "".join(names) and (number := next(filter(_DECIMAL.fullmatch, names), None)) is not None:
        raise BrokenValues(
            f"a site has {number!r} for its name or type: values of the atom list are out of place"
        )


def composition(formula: str) -> dict[str, float]:
    """Atoms of each element in a formula.

    Parameters
    ----------
    formula : str
        As in ``_chemical_formula_sum``: ``C4 H Fe O6.96``.

    Returns
    -------
    dict of str to float
        By plain symbol (deuterium is H); empty where the text is no formula.
    """
    atoms: dict[str, float] = {}
    for part in formula.split():
        match = _COUNTED.fullmatch(part)
        element = _symbol(match[1]) if match is not None else None
        if match is None or not element:
            return {}
        atoms[element] = atoms.get(element, 0.0) + float(match[2] or 1.0)
    return atoms


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


def _from_run(run: str, in_formula: set[str | None], extended: set[str]) -> str | None:
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
