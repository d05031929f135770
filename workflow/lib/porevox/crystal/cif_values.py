"""The values of one block of a CIF by lower-case tag, and how they are understood."""

from collections.abc import Mapping, Sequence
from typing import Any

import gemmi
import numpy as np

from porevox.errors import StructureRejected

FRACT = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
CARTN = ("_atom_site_cartn_x", "_atom_site_cartn_y", "_atom_site_cartn_z")
#: CIF's dictionary has it in the list of atom types, one value per type.
TYPE_CHARGE = "_atom_type_partial_charge"
#: Images of a site in the cell, in the older and the newer dictionary.
MULTIPLICITY = ("_atom_site_symmetry_multiplicity", "_atom_site_site_symmetry_multiplicity")
_UNKNOWN = ("?", ".")
_WANTED = ("_cell_", "_symmetry_", "_space_group_", "_chemical_formula_sum", "_atom_type_")
# Of the columns of the atom list only some matter: displacement factors would cost time.
_WANTED_OF_SITES = ("label", "type_symbol", "occupancy", "calc_flag", "charge", "partial_charge",
                    "disorder_group", "disorder_assembly")  # fmt: skip
_SITE_CHARGE = "_atom_site_partial_charge"
_OF_SITES = frozenset([*FRACT, *CARTN, *MULTIPLICITY, *(f"_atom_site_{name}" for name in _WANTED_OF_SITES)])

Values = Mapping[str, Sequence[str]]


class BrokenValues(StructureRejected):
    """Numbers or whole values are missing from the cell or the sites.

    Lenient readers put others in their place.

    Parameters
    ----------
    detail : str
        One sentence naming what is wrong.
    """

    def __init__(self, detail: str):
        super().__init__("unreadable_cif", detail)


def block_values(block: gemmi.cif.Block) -> dict[str, list[str]]:
    """Columns by lower-case tag.

    Parameters
    ----------
    block : gemmi.cif.Block

    Returns
    -------
    dict of str to list of str
        Raw (quoted) values of what describes the structure; the first of duplicate tags counts.

    Raises
    ------
    BrokenValues
        ``unreadable_cif``: there are two different lists of atoms.
    """
    values: dict[str, list[str]] = {}
    atom_lists = []
    for item in block:
        pair: Any = item.pair  # gemmi annotates it as an object
        if pair is not None:
            tag, value = pair
            values.setdefault(_tag(tag), [value])
        elif item.loop is not None:
            tags = [_tag(tag) for tag in item.loop.tags]
            atoms = FRACT[0] in tags or CARTN[0] in tags
            # The Ottawa database misplaces it in the list of sites, one value per site.
            names = [_SITE_CHARGE if atoms and tag == TYPE_CHARGE else tag for tag in tags]
            wanted = [i for i, name in enumerate(names) if name in _OF_SITES or name.startswith(_WANTED)]
            flat = item.loop.values if wanted else []
            if atoms:
                atom_lists.append(flat)
            for i in wanted:
                values.setdefault(names[i], flat[i :: len(tags)])
    if any(flat != atom_lists[0] for flat in atom_lists[1:]):
        raise BrokenValues("the file lists its atoms twice, and not the same ones")
    return values


def _tag(tag: str) -> str:
    # Newer dictionaries (DDLm) write _atom_site.fract_x for _atom_site_fract_x.
    return tag.lower().replace(".", "_")


def is_given(values: Values, tag: str) -> bool:
    """Whether a tag has any value but ``?`` and ``.``.

    Parameters
    ----------
    values : mapping of str to sequence of str
    tag : str

    Returns
    -------
    bool
    """
    return any(value not in _UNKNOWN for value in values.get(tag, ()))


def is_unknown(value: str) -> bool:
    """Whether a raw value is ``?`` or ``.``.

    Parameters
    ----------
    value : str

    Returns
    -------
    bool
    """
    return value in _UNKNOWN


def strings(raw: Sequence[str]) -> Sequence[str]:
    """Values without their quotes.

    Parameters
    ----------
    raw : sequence of str

    Returns
    -------
    sequence of str
        The same object where nothing is quoted.
    """
    joined = "".join(raw)
    if "'" not in joined and '"' not in joined and ";" not in joined:
        return raw
    return [_unquoted(value) for value in raw]


def numbers(raw: Sequence[str]) -> np.ndarray:
    """CIF numbers with or without their uncertainty: 1.5, 1.5(2), '1.5'.

    Parameters
    ----------
    raw : sequence of str, length N

    Returns
    -------
    (N,) float64
        NaN for anything else, infinities included.
    """
    found = np.array(list(map(gemmi.cif.as_number, raw)), dtype=np.float64)
    # Quotes around numbers are rare, so they are taken off only where something is amiss.
    if np.isnan(found).any():
        for i in np.flatnonzero(np.isnan(found)).tolist():
            found[i] = number(raw[i])
    return found


def number(raw: str) -> float:
    """One number; see :func:`numbers`.

    Parameters
    ----------
    raw : str

    Returns
    -------
    float
    """
    return gemmi.cif.as_number(_unquoted(raw))


def _unquoted(value: str) -> str:
    return gemmi.cif.as_string(value) if value[:1] in ("'", '"', ";") else value
