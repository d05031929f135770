"""Files that were cut off."""

import numpy as np
import pytest

from porevox.crystal.cif import read_cif
from porevox.crystal.cif_torn import refuse_torn
from porevox.crystal.cif_values import BrokenValues
from porevox.errors import StructureRejected

CELL = "data_x\n" + "".join(f"_cell_length_{x} 20.0\n" for x in "abc")
TAGS = "loop_\n_atom_site_label\n" + "".join(f"_atom_site_fract_{x}\n" for x in "xyz")


def rows(write, n=60):
    frac = np.random.default_rng(3).random((n, 3))
    return "".join(f"C{i} {write(x)} {write(y)} {write(z)}\n" for i, (x, y, z) in enumerate(frac))


FIXED = CELL + TAGS + rows("{:.5f}".format)
STRIPPED = CELL + TAGS + rows(lambda x: repr(round(float(x), 5)))


@pytest.mark.parametrize("cut", range(2, 7))
def test_the_middle_of_the_last_number(cut):
    with pytest.raises(BrokenValues, match="without a line end"):
        refuse_torn(FIXED[:-cut])


@pytest.mark.parametrize("cut", range(2, 28))
def test_no_place_within_the_last_row_goes_unnoticed(cut):
    assert FIXED[-29] == "\n"
    with pytest.raises(StructureRejected) as caught:
        read_cif(FIXED[:-cut].encode(), "x")
    assert caught.value.code == "unreadable_cif"


@pytest.mark.parametrize(
    "text",
    [
        FIXED,
        FIXED[:-1],  # only the line end is missing
        FIXED + "#END",
        FIXED[:-4] + "\n",
        # Nobody can know:
        STRIPPED[:-4],
        CELL + TAGS + rows("{:.5f}".format, n=20)[:-3],
        FIXED + "loop_\n_bond_label\n_bond_length\n" + "C1 1.5432\n" * 50 + "C1 1.5",
    ],
)
def test_what_is_let_through(text):
    refuse_torn(text)
