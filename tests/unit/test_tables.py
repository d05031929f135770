"""Tables as they are met in the wild."""

import math

import pandas as pd
import pytest

from porevox.errors import PorevoxError
from porevox.tables import (
    check_columns,
    incomplete_rows,
    normalise_id,
    read_header,
    read_table,
    rename,
    table_settings,
    to_numbers,
)


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
    # two columns must not become one: the first alias is meant
    both = rename(["rho2", "rho1"], {"rho": ["rho1", "rho2"]})
    assert both == {"rho2": "rho2", "rho1": "rho"}


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


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("largest_free_sphere_diameter [A]", "largest_free_sphere_diameter(PLD)[A]"),
        ("CO2_UPTAKE_P0.15bar_T298K [mmol/g]", "CO2_uptake_P0.15bar_T298K [mmol/g]"),
        ("voidfraction", "void_fraction"),
    ],
)
def test_a_renamed_column_is_offered(tmp_path, column, meant):
    header = "id,void_fraction,largest_free_sphere_diameter(PLD)[A],CO2_uptake_P0.15bar_T298K [mmol/g]\n"
    tables = [(write(tmp_path / "t.csv", header), {"id_column": "id", "aliases": {}})]
    with pytest.raises(PorevoxError) as caught:
        check_columns(tables, [(column, "target")], "studies.x")
    assert f"did you mean `{meant}`?" in str(caught.value)
    with pytest.raises(PorevoxError) as caught:
        check_columns(tables, [("density", "target")], "studies.x")
    assert "did you mean" not in str(caught.value)


def test_an_id_column_of_another_case_is_offered(tmp_path):
    with pytest.raises(PorevoxError, match="no id column `mofname`; did you mean `MOFname`"):
        read_table(write(tmp_path / "t.csv", "MOFname,y\na,1\n"), "mofname", {})


def test_only_columns_that_are_wanted_are_kept(tmp_path):
    path = write(tmp_path / "t.csv", "id,a,b,c\nx,1,2,3\n")
    table = read_table(path, "id", {"d": ["c"]}, columns=["d", "a", "nowhere"])
    assert table.loc["x"].to_dict() == {"a": "1", "d": "3"}
    assert list(read_table(path, "id", {}, columns=[]).index) == ["x"]


def test_decimal_commas_are_only_where_semicolons_separate(tmp_path):
    path = write(tmp_path / "t.csv", 'id,note\n"1,2-x","1,5"\n')
    assert read_table(path, "id", {}).loc["1,2-x", "note"] == "1,5"
    path = write(tmp_path / "t.csv", "id;note\n1,2-x;1,5\n")
    assert read_table(path, "id", {}).loc["1,2-x", "note"] == "1.5"


def test_incomplete_rows_are_those_that_pandas_would_drop(tmp_path):
    """An independent reading: what the scripts of the thesis do with a table."""
    cells = [
        "1",
        "",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "NA",
        "n/a",
        "0",
        "0.0",
        "2e44",
        "Infinity",
        "-1e-3",
        "null",
        "None",
    ]
    rows = [f"m{i}.cif,{i},{cell},1.5" for i, cell in enumerate(cells)]
    path = write(tmp_path / "t.csv", "MOFname,CO2,selectivity,void\n" + "\n".join(rows) + "\n")
    frame = pd.read_csv(path, index_col="MOFname")
    frame = frame.replace([math.inf, -math.inf], math.nan).dropna()
    found = incomplete_rows(path, {"id_column": "MOFname", "aliases": {"S": ["selectivity"]}})
    kept = {normalise_id(name) for name in frame.index}
    assert set(found) == {f"m{i}" for i in range(len(cells))} - kept and len(kept) == 5
    assert set(found.values()) == {"S"}


def test_how_a_table_is_read_is_told_by_its_entry():
    table = {"id_column": "MOFname", "aliases": {}, "complete_rows": True}
    settings = table_settings({**table, "file": {"urls": ["http://x"], "member": "all.csv"}})
    assert settings == {**table, "member": "all.csv"}
    assert table_settings({**table, "file": {"path": "x.csv"}})["member"] is None
