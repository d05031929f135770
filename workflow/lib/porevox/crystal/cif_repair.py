"""A minimal clean CIF out of a text that breaks the syntax where it does not matter.

Met in the wild: values that should be quoted (``_audit_creation_method fapswitch 2.2`` in every
CIF of the Ottawa database), quotes that never close, no ``data_`` line, loops of citations with
missing values, words after the last atom. Only cell, symmetry and atoms are kept; an atom list
that is itself broken is not mended, since a guess there would move or lose atoms.
"""

import re

from porevox.crystal.cif_values import BrokenValues

# The longest line that CIF 1.1 allows. Nothing beyond it is taken apart, which also bounds the
# time spent on rubbish without line breaks.
_MAX_LINE = 2048
_KEPT_PAIRS = ("_cell_", "_symmetry_", "_space_group_", "_atom_site", "_chemical_formula_sum")
_OPERATION_TAGS = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
_TYPE_CHARGE = "_atom_type_partial_charge"
_COORDINATES = ("_atom_site_fract_x", "_atom_site_cartn_x")
_TOKEN = re.compile(r"""'((?:[^']|'(?=\S))*)'(?=\s|$)|"((?:[^"]|"(?=\S))*)"(?=\s|$)|(\S+)""")
_NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:\(\d+\))?")
_TRIPLET = re.compile(r"""^(?:\d+\s+)?['"]?([^'",]+,[^'",]+,[^'",]+?)\s*['"]?\s*(?:#.*)?$""")


def repair(text: str) -> str:
    """Keep of a CIF what describes the structure, as valid CIF.

    Parameters
    ----------
    text : str
        A CIF that a strict parser refuses.

    Returns
    -------
    str
        One block per block of the text, with cell, symmetry and atom items only.

    Raises
    ------
    BrokenValues
        ``unreadable_cif``: the list of atoms itself is broken.
    """
    lines = text.replace("\x00", " ").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    out = ["data_repaired"]
    n_blocks, i = 0, 0
    while i < len(lines):
        line = lines[i].strip()
        word = line[:6].lower()
        if word[:5] == "data_":
            n_blocks += 1
            out.append(f"data_repaired{n_blocks}")
            i += 1
        elif word[:5] == "loop_":
            i = _loop(lines, i, out)
        elif line.startswith("_"):
            i = _pair(lines, i, out)
        else:
            _refuse_stray_site(line)
            i = _skip(lines, i)
    return "\n".join(out) + "\n"


def _refuse_stray_site(line: str) -> None:
    """Rows of the atom list that stand outside of it must not get lost as other stray words do."""
    words = line.split() if len(line) <= _MAX_LINE and line[:1] not in ("#", ";") else ()
    if len(words) > 3 and sum(_NUMBER.fullmatch(word) is not None for word in words) > 2:
        raise BrokenValues(f"the row {line[:60]!r} stands outside of the list of atoms")


def _skip(lines: list[str], i: int) -> int:
    """Index after a line, or after a whole text field when one starts here and is closed."""
    if lines[i].startswith(";"):
        for j in range(i + 1, len(lines)):
            if lines[j].startswith(";"):
                return j + 1
            # The field never closed: the next one's opening is not its end.
            if lines[j].lstrip().lower().startswith(_COORDINATES):
                break
    return i + 1


def _pair(lines: list[str], i: int, out: list[str]) -> int:
    tag, _, value = lines[i].strip().partition(" ")
    if "\t" in tag:
        tag, _, value = lines[i].strip().partition("\t")
    i += 1
    if not value.strip() and i < len(lines) and not _starts_item(lines[i]):
        value = lines[i]
        _refuse_stray_site(value.strip())
        i = _skip(lines, i)
    if len(value) <= _MAX_LINE and tag.lower().replace(".", "_").startswith(_KEPT_PAIRS):
        value = _unquote(value.strip())
        if value and "\n" not in value and not ("'" in value and '"' in value):
            quote = '"' if "'" in value else "'"
            out.append(f"{tag} {quote}{value}{quote}")
    return i


def _unquote(value: str) -> str:
    if value[:1] in ("'", '"'):
        # What follows the closing quote (a comma, a comment) or a quote that never closes.
        return value[1:].partition(value[0])[0].strip()
    return value.split(" #")[0].strip()


def _starts_item(line: str) -> bool:
    stripped = line.lstrip()
    return stripped.startswith("_") or stripped[:5].lower() in ("loop_", "data_")


def _loop(lines: list[str], i: int, out: list[str]) -> int:
    """Copy one loop when it matters; return the index of the line after it."""
    start = lines[i].strip()
    tags = start.split()[1:]
    i += 1
    while i < len(lines) and (lines[i].lstrip()[:1] in ("_", "#", "")):
        words = lines[i].split("#")[0].split()
        if len(words) > 1 and not all(word.startswith("_") for word in words):
            break  # a tag with its value: the loop had no rows
        tags += words
        i += 1
    rows = []
    while i < len(lines) and not _starts_item(lines[i]):
        row = lines[i].strip()
        if row.startswith(";") and lines[i].startswith(";"):
            i = _skip(lines, i)
            continue
        if row and not row.startswith("#"):
            rows.append(row)
        i += 1
    lowered = [tag.lower().replace(".", "_") for tag in tags]
    if any(tag in lowered for tag in _COORDINATES):
        out += ["loop_", *tags, *_atom_rows(rows, len(tags))]
    elif any(tag in lowered for tag in _OPERATION_TAGS):
        out += _operation_rows(rows)
    elif _TYPE_CHARGE in lowered and all(_is_plain(row, len(tags)) for row in rows):
        out += ["loop_", *tags, *rows]
    else:
        # Rows of sites end here when a stray line cut their own loop in two.
        for row in [start, *rows]:
            if len(row.split()) != len(tags):
                _refuse_stray_site(row)
    return i


def _is_plain(row: str, width: int) -> bool:
    return len(row) <= _MAX_LINE and len(row.split()) == width and "'" not in row and '"' not in row


def _operation_rows(rows: list[str]) -> list[str]:
    # What looks like a malformed operation is kept, to be refused; an empty list stays one. With
    # either dropped the file could pass for one of lower symmetry.
    rows = [row[: _MAX_LINE // 8] for row in rows if "," in row]
    triplets = [match[1] if (match := _TRIPLET.match(row)) else row for row in rows]
    return ["loop_", _OPERATION_TAGS[0], *("'" + text.replace("'", "") + "'" for text in triplets)]


def _atom_rows(rows: list[str], width: int) -> list[str]:
    while rows and rows[-1].lower() in ("end", "_end", "#end", "end."):
        rows.pop()
    if all(len(row.split()) == width and "'" not in row and '"' not in row for row in rows):
        return rows
    if any(len(row) > _MAX_LINE for row in rows):
        raise BrokenValues(f"a line of the atom list is longer than {_MAX_LINE} characters")
    tokens = [_tokens(row) for row in rows]
    wrong = next((i for i, row in enumerate(tokens) if len(row) != width), None)
    if wrong is not None and sum(map(len, tokens)) % width:
        raise BrokenValues(
            f"the row {rows[wrong][:60]!r} of the atom list has {len(tokens[wrong])} values "
            f"for {width} columns",
        )
    return [" ".join(row) for row in tokens]


def _tokens(row: str) -> list[str]:
    tokens = []
    for match in _TOKEN.finditer(row):
        if match[3] is not None and match[3].startswith("#"):
            break
        tokens.append(match[0])
    return tokens
