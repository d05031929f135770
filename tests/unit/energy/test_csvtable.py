"""Tables a user may edit: what is wrong with one is said with file and line."""

import os

import pytest

from porevox.energy.csvtable import name, number, read_rows, stamp
from porevox.errors import PorevoxError


def test_rows_are_text_by_column(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfname,x\nA,1.5\n B ,2\n")  # as spreadsheets save it
    rows = read_rows(path, ("name", "x"))
    assert [name(row, "name", "here") for row in rows] == ["A", "B"]
    assert [number(row, "x", "here") for row in rows] == [1.5, 2.0]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"name\nA\n", "no column x"), (b"\xff\xfe\x00", "cannot be read"), (b"", "no column name")],
)
def test_a_broken_table_is_one_sentence(content, words, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(PorevoxError, match=f"t.csv.*{words}"):
        read_rows(path, ("name", "x"))


def test_a_missing_table_is_one_sentence(tmp_path):
    for look in (stamp, lambda path: read_rows(path, ("name",))):
        with pytest.raises(PorevoxError, match="none.csv cannot be read"):
            look(tmp_path / "none.csv")


@pytest.mark.parametrize("value", ["", "x", "nan", "inf", None])
def test_what_is_no_number(value):
    with pytest.raises(PorevoxError, match="^t.csv, line 2: x is .*must be a number"):
        number({"x": value}, "x", "t.csv, line 2")


@pytest.mark.parametrize("row", [{"name": " "}, {"name": None}, {"name": "A", None: ["1"]}])
def test_a_row_that_is_too_short_or_too_long(row):
    with pytest.raises(PorevoxError, match="^t.csv, line 2: .*(complete|correct)"):
        name(row, "name", "t.csv, line 2")


def test_an_edited_file_is_another(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a")
    first = stamp(path)
    assert stamp(path) == first
    path.write_text("b")
    os.utime(path, ns=(1, 1))
    assert stamp(path) != first
