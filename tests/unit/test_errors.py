"""Reason codes: all that are listed are used, and no other can be given."""

import pytest

from porevox.errors import REASONS, StructureRejected


def test_a_rejection_carries_code_and_sentence():
    rejection = StructureRejected("no_atoms", "The file lists none.")
    assert rejection.code == "no_atoms" and rejection.detail == str(rejection) == "The file lists none."


def test_a_code_that_no_ledger_explains_cannot_be_given():
    with pytest.raises(ValueError, match="no_such_code"):
        StructureRejected("no_such_code", "")


def test_every_listed_reason_is_given_somewhere(root):
    library = [path for path in (root / "workflow/lib").rglob("*.py") if path.name != "errors.py"]
    text = "".join(path.read_text() for path in library)
    assert [code for code in REASONS if f'"{code}"' not in text] == []
