"""Files that end too early: what can be seen of it, and what cannot.

A download or a copy that was cut off ends anywhere. In the middle of a row the number of values
gives it away. In the middle of the last number of a row it is seen here, by its missing digits.
Nothing shows that whole rows are missing at the end of the atom list: CIF says nowhere how many
there should be, and formulas are unreliable (see :mod:`porevox.crystal.completeness`). Archives
with checksums are the remedy.
"""

from porevox.crystal.cif_values import BrokenValues

# Programs that strip zeros would make 30 numbers of equal length once in 25 files at most.
_ENOUGH_ROWS = 30
_TAGS = ("_atom_site_fract_x", "_atom_site.fract_x", "_atom_site_cartn_x", "_atom_site.cartn_x")


def refuse_torn(text: str) -> None:
    """Refuse a text that ends in the middle of the last number of an atom list.

    Parameters
    ----------
    text : str
        A CIF in which a list of atoms was found.

    Raises
    ------
    BrokenValues
        ``unreadable_cif``: there is no line end, and the number has fewer digits than all others
        of its column.
    """
    if text[-1:].isspace():
        return
    loop = text.lower().rpartition("loop_")[2]
    if not any(tag in loop for tag in _TAGS):
        return
    rows = [line.split() for line in loop.splitlines()]
    *others, last = [row[-1] for row in rows if row and len(row) == len(rows[-1])]
    decimals = {_decimals(word) for word in others}
    if len(others) >= _ENOUGH_ROWS and len(decimals) == 1 and _decimals(last) < decimals.pop():
        raise BrokenValues(f"the file ends in the middle of the number {last[:40]!r}, without a line end")


def _decimals(word: str) -> int:
    whole, point, after = word.partition(".")
    return len(after) if point and after.isdecimal() and whole.lstrip("+-").isdecimal() else 0
