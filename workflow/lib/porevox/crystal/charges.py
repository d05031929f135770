"""Partial charges of a CIF, under each of the names that databases give them."""

import re
from collections.abc import Sequence

import numpy as np

from porevox.crystal.cif_values import TYPE_CHARGE, BrokenValues, Values, is_given, numbers, strings

#: One value per site. CIF's dictionary means formal charges by the first name; the databases of
#: computation-ready frameworks write partial charges there.
_BY_SITE = ("_atom_site_charge", "_atom_site_partial_charge")
_NAME = re.compile(r"[A-Z][a-z]?\d*")


def charges(values: Values, chosen: np.ndarray, n: int) -> np.ndarray | None:
    """Partial charges of the sites that are used.

    Parameters
    ----------
    values : mapping of str to sequence of str
        Raw values by lower-case tag.
    chosen : (K,) int64
        Indices of the sites that are used.
    n : int
        Sites the file lists.

    Returns
    -------
    (K,) float64 or None
        Elementary charges. None where the file has no charges, where one of the sites has none
        (a zero in its place would be a silent invention), and where all are zero, as programs
        write that know no charges. Oxidation numbers are no partial charges.

    Raises
    ------
    BrokenValues
        ``unreadable_cif``: a charge is an element or a label (``C12``), so that the columns of the
        list must have been mixed up.
    """
    column = next((values[tag] for tag in _BY_SITE if is_given(values, tag)), None)
    if column is None:
        column = _by_type(values)
    if column is None or len(column) != n:
        return None
    charges_e = numbers(column)[chosen]
    if not np.isfinite(charges_e).all():
        _refuse_names([column[i] for i in chosen])
        return None
    return charges_e if charges_e.any() else None


def _refuse_names(column: Sequence[str]) -> None:
    if (name := next(filter(_NAME.fullmatch, column), None)) is not None:
        raise BrokenValues(f"the charge of a site is {name!r}: values of the atom list are out of place")


def _by_type(values: Values) -> Sequence[str] | None:
    symbols, given = values.get("_atom_type_symbol", ()), values.get(TYPE_CHARGE, ())
    types = values.get("_atom_site_type_symbol", ())
    if not given or len(given) != len(symbols):
        return None
    by_symbol = dict(zip(strings(symbols), given, strict=True))
    return [by_symbol.get(symbol, "?") for symbol in strings(types)]
