"""What became of the structures: counted by id, told by reason."""

from porevox.errors import REASONS
from porevox.pages.ledger import NOT_STRUCTURES, ledger_sentences, ledger_table


def drops(reason, count, affects="all", stage="labels"):
    return [
        {"id": f"{reason}{k}", "stage": stage, "reason": reason, "affects": affects} for k in range(count)
    ]


def test_structures_and_reasons_are_counted():
    rows = drops("no_label", 512) + drops("no_atoms", 173)
    (said,) = ledger_sentences(7098, 6413, rows)
    assert said == (
        "7,098 structures in, 6,413 used; 512 because the structure is missing from the label table; "
        "173 because the file lists no atoms."
    )


def test_a_structure_dropped_twice_counts_once():
    rows = drops("no_charges", 1, "voxel_models") * 2
    said = ledger_sentences(10, 10, rows)
    assert said[0] == "10 structures in, 10 used; none was dropped."
    assert said[1].startswith("Used by some of the models only: 1 because")


def test_rows_that_are_no_structures_are_told_apart():
    said = ledger_sentences(3, 3, drops("no_structure", 4))
    assert said[0].endswith("none was dropped.") and said[1].startswith("Files and table rows set aside: 4")


def test_rows_that_the_table_does_not_list_are_counted():
    rows, totals = drops("no_structure", 1001) + drops("no_label", 2), {"labels/no_structure": 259556}
    said = ledger_sentences(30, 28, rows, totals)
    assert said[0].startswith("30 structures in, 28 used; 2 because")
    assert said[1].startswith("Files and table rows set aside: 259,556 because")
    table = ledger_table(rows, totals)
    assert "259,556" in table and "1,001" not in table


def test_many_reasons_are_cut_and_the_table_has_all():
    rows = [row for k, reason in enumerate(REASONS) for row in drops(reason, k + 1)]
    said = ledger_sentences(500, 100, rows)
    assert "more reasons in the table" in said[0] and said[0].count(" because ") == 5
    table = ledger_table(rows)
    assert all(f"<code>{reason}</code>" in table for reason in REASONS) and set(NOT_STRUCTURES) < set(REASONS)


def test_without_drops_there_is_no_table():
    assert ledger_table([]) == ""


def test_a_hostile_reason_is_text():
    assert "<script>" not in ledger_table(drops("<script>", 1, affects="<b>"))
