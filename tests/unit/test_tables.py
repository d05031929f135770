"""Tables as they are met in the wild."""

import math

import pandas as pd
import pytest

from porevox.errors import PorevoxError
from porevox.tables import check_columns, normalise_id, read_header, read_table, rename, to_numbers


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        "id,uptake\na,1.5\nb.cif,2\n",
        "\ufeffid,uptake\na,1.5\nb.cif,2\n",
        "id;uptake\na;1,5\nb.cif;2\n",
        "id\tuptake\r\na\t1.5\r\nb.cif\t2\r\n",
        " id , uptake \n a , 1.5 \n b.cif ,2\n",
    ],
    ids=["plain", "BOM", "semicolons and decimal commas", "tabs and CRLF", "spaces"],
)
def test_every_dialect_reads_the_same(tmp_path, text):
    table = read_table(write(tmp_path / "t.csv", text), "id", {})
    assert list(table.index) == ["a", "b"]
    assert to_numbers(table["uptake"]).tolist() == [1.5, 2.0]


def test_units_with_commas_do_not_change_the_delimiter(tmp_path):
    path = write(tmp_path / "t.csv", 'id;"uptake, [mmol/g]"\na;1\n')
    assert read_header(path) == ["id", "uptake, [mmol/g]"]


def test_text_and_infinities_become_nan():
    values = to_numbers(pd.Series(["1", "", "n/a", "inf", "-inf", "2e44", "1e-3", "nan", "0x10"]))
    assert [v for v in values if not math.isnan(v)] == [1.0, 2e44, 1e-3]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "empty"), ("\n", "empty"), ("id,a,a\n", "twice"), ("name,a\nx,1\n", "no id column `id`")],
)
def test_bad_tables_are_one_sentence(tmp_path, text, words):
    with pytest.raises(PorevoxError, match=words):
        read_table(write(tmp_path / "t.csv", text), "id", {})


def test_missing_and_binary_tables(tmp_path):
    with pytest.raises(PorevoxError, match="check the path"):
        read_header(tmp_path / "none.csv")
    with pytest.raises(PorevoxError, match="UTF-8"):
        read_header(write(tmp_path / "t.csv", "id,größe\n", "latin-1"))


def test_ids_that_look_like_numbers_or_missing_values_stay_text(tmp_path):
    table = read_table(write(tmp_path / "t.csv", "id,y\n007,1\nNA,2\nnull,3\n1e5,4\n"), "id", {})
    assert list(table.index) == ["007", "NA", "null", "1e5"]


def test_aliases_give_canonical_names(tmp_path):
    aliases = {"PLD_A": ["largest_free_sphere_diameter(PLD)[A]", "PLD"]}
    path = write(tmp_path / "t.csv", "id,PLD\na,4\n")
    assert read_table(path, "id", aliases)["PLD_A"].tolist() == ["4"]
    assert rename(["PLD_A", "PLD"], aliases) == {"PLD_A": "PLD_A", "PLD": "PLD"}


def test_check_columns_names_key_and_columns(tmp_path):
    spec = {"id_column": "id", "aliases": {}}
    path = write(tmp_path / "t.csv", "id,uptake\n")
    check_columns([(path, spec)], [("uptake", "target")], "studies.x")
    with pytest.raises(PorevoxError, match=r"`studies.x.target` names the column `uptke`.*`uptake`"):
        check_columns([(path, spec)], [("uptke", "target")], "studies.x")
    with pytest.raises(PorevoxError, match="set id_column"):
        check_columns([(path, {"id_column": "name", "aliases": {}})], [], "studies.x")


def test_normalise_id():
    assert normalise_id(" a b.CIF ") == "a b"
    assert normalise_id("e\u0301") == "\u00e9"
    assert normalise_id("str_m1_o10_o12_pcu_sym.183") == "str_m1_o10_o12_pcu_sym.183"
