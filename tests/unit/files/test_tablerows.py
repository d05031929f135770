"""Rows of tables as they are met, one at a time."""

import tarfile

import pytest

from porevox.errors import PorevoxError
from porevox.files.tablerows import open_table, read_header


def rows(path, text, member=None):
    path.write_text(text, newline="")
    with open_table(path, member) as table:
        return table.header, list(table.rows)


def test_rows_are_as_long_as_the_header(tmp_path):
    header, found = rows(tmp_path / "t.csv", "id,a,b\nx,1,2\n\ny,1\nz,1,2,,\n")
    assert header == ["id", "a", "b"]
    assert found == [["x", "1", "2"], ["y", "1", ""], ["z", "1", "2"]]


def test_spaces_and_quotes_around_cells_go(tmp_path):
    _, found = rows(tmp_path / "t.csv", 'id, name\n1, "a, b" \n"2","c ""d"""\n3, two\twords \n')
    assert found == [["1", "a, b"], ["2", 'c "d"'], ["3", "two\twords"]]


def test_a_cell_may_have_lines(tmp_path):
    assert rows(tmp_path / "t.csv", 'id,a\n1,"b\nc"\n2,d\n')[1] == [["1", "b\nc"], ["2", "d"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,a\n1,2\n3,4,5\n", "line 3: it has 3 cells, the header 2"),
        ('id,a\n1,2\n3,"4\n5,6\n', "never closed"),
        ('id,a\n1,"' + "4" * 1_100_000 + '"\n', "line 2.*field limit"),
    ],
    ids=["long row", "open quote", "endless cell"],
)
def test_what_cannot_be_a_table(tmp_path, text, words):
    with pytest.raises(PorevoxError, match=f"t.csv cannot be read as CSV: .*{words}.*mend that line"):
        rows(tmp_path / "t.csv", text)


def test_bytes_that_are_no_text_are_an_error_in_the_header_alone(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("id,a\n1,größe\n".encode("latin-1"))
    with open_table(path) as table:
        assert list(table.rows) == [["1", "gr\ufffd\ufffde"]]
    path.write_bytes("id,größe\n1,a\n".encode("latin-1"))
    with pytest.raises(PorevoxError, match="UTF-8"):
        read_header(path)


def test_a_table_in_an_archive_reads_as_the_table_itself(tmp_path):
    text = "\ufeffid;a [x,y]\r\n" + "".join(f"str_m{i}_sym.{i};{i},5\r\n" for i in range(5000))
    plain = rows(tmp_path / "t.csv", text)
    with tarfile.open(tmp_path / "t.tgz", "w:gz") as archive:
        archive.add(tmp_path / "t.csv", "some/where/t.csv")
    with open_table(tmp_path / "t.tgz", "t.csv") as table:
        assert (table.header, list(table.rows)) == plain
    assert read_header(tmp_path / "t.tgz", "t.csv") == ["id", "a [x,y]"]
    with pytest.raises(PorevoxError, match="u.csv"):
        read_header(tmp_path / "t.tgz", "u.csv")


def test_messages_name_the_table_in_its_archive(tmp_path):
    (tmp_path / "t.csv").write_text("a,a\n")
    with tarfile.open(tmp_path / "t.tgz", "w:gz") as archive:
        archive.add(tmp_path / "t.csv", "t.csv")
    with pytest.raises(PorevoxError, match=r"The table t.csv in .*t.tgz names the column `a` twice"):
        read_header(tmp_path / "t.tgz", "t.csv")


def test_memory_does_not_grow_with_the_table(tmp_path):
    import tracemalloc

    path = tmp_path / "t.csv"
    path.write_text("id,a\n" + "x,123456789\n" * 300_000)
    tracemalloc.start()
    with open_table(path) as table:
        assert sum(1 for _ in table.rows) == 300_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000
