"""``porevox predict``: a model, a handful of CIFs, and an answer in seconds."""

import shutil

import numpy as np
import pandas as pd
import pytest

from porevox.cli import main
from porevox.handover.members import load_model
from small_model import FOREST, change_record, write_model


@pytest.fixture
def said(capsys):
    """Run the command; returns exit status, stdout and stderr."""

    def run(*arguments):
        try:
            status = main([str(argument) for argument in ("predict", *arguments, "--jobs", 1)])
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()

    return run


def test_every_structure_is_in_the_answer(said, cifs, shared_model, tmp_path):
    status, out, complaint = said(cifs, "--model", shared_model, "-o", tmp_path / "p.csv")
    assert (status, complaint) == (0, "")
    table = pd.read_csv(tmp_path / "p.csv")
    assert sorted(table["id"]) == ["good0", "good1", "good2"]
    assert (table["low90_mol_per_kg"] < table["predicted_mol_per_kg"]).all()
    for words in (
        "mean Boltzmann factor in mol/kg",
        "good0",
        "partial: partial_occupancy",
        "text: unreadable_cif",
    ):
        assert words in out
    assert "\033" not in out
    assert said(cifs, "--model", shared_model, "-o", tmp_path / "p.csv")[0] == 1  # is there already


def test_the_numbers_do_not_depend_on_the_way_the_model_came(said, write_cif, shared_model, tmp_path):
    file = write_cif(tmp_path / "a.cif")
    archive = shutil.make_archive(tmp_path / "packed", "gztar", shared_model)
    for k, model in enumerate((shared_model, archive, shared_model.parent)):
        assert said(file, "--model", model, "-o", tmp_path / f"{k}.csv", "--level", 0.5)[0] == 0
    tables = [(tmp_path / f"{k}.csv").read_text() for k in range(3)]
    assert tables[0] == tables[1] == tables[2] and "low50" in tables[0]


def test_a_training_structure_is_recognised_by_its_name(said, write_cif, shared_model, tmp_path):
    known = load_model(shared_model).domain.ids[0]
    _, out, _ = said(write_cif(tmp_path / f"{known}.cif"), "--model", shared_model)
    assert "in the training set (same id)" in out.replace("\n   ", "")


def test_columns_of_a_table_can_be_given(said, write_cif, tmp_path, root):
    folder = write_model(tmp_path / "net", retnet={"scalars": ["void_fraction"]}, root_of_project=root)
    file, table = write_cif(tmp_path / "a.cif"), tmp_path / "t.csv"
    status, _, complaint = said(file, "--model", folder)
    assert status == 1 and "void_fraction" in complaint and "--table" in complaint
    table.write_text("id,void_fraction\na,0.5\n")
    assert said(file, "--model", folder, "--table", table)[0] == 0


def test_a_model_by_address_needs_its_checksum(said, write_cif, shared_model, tmp_path, site):
    import hashlib

    content = open(shutil.make_archive(tmp_path / "packed", "zip", shared_model), "rb").read()
    site.files["/m.zip"] = content
    file = write_cif(tmp_path / "a.cif")
    assert "--sha256" in said(file, "--model", f"{site.url}/m.zip")[2]
    good = hashlib.sha256(content).hexdigest()
    assert said(file, "--model", f"{site.url}/m.zip", "--sha256", good)[0] == 0
    assert "its sha256 is" in said(file, "--model", f"{site.url}/m.zip", "--sha256", 64 * "0")[2]


def test_complaints_are_one_sentence(said, cifs, shared_model, tmp_path, root):
    forest = write_model(tmp_path / "rf", FOREST, root_of_project=root)
    other = tmp_path / "other"
    shutil.copytree(shared_model, other)
    change_record(other, format=2, porevox="9.9")
    for arguments, message in (
        ((cifs, "--model", cifs), "holds no bundle.json"),
        ((cifs, "--model", tmp_path / "nowhere"), "no folder of a model"),
        ((cifs, "--model", forest), "columns of a table only (void_fraction, noise)"),
        ((cifs, "--model", other), "made by porevox 9.9"),
        ((tmp_path / "nowhere.cif", "--model", shared_model), "does not exist"),
        ((cifs, "--model", shared_model, "-o", tmp_path / "no/p.csv"), "does not exist"),
    ):
        status, out, complaint = said(*arguments)
        assert (status, out) == (1, "") and complaint.startswith("porevox: ")
        assert message in complaint and complaint.count("\n") == 1


def test_where_nothing_can_be_predicted_the_reasons_stand_and_the_status_is_one(said, cifs, shared_model):
    status, out, _ = said(cifs / "text.cif", "--model", shared_model)
    assert status == 1 and "unreadable_cif" in out and "predicted" not in out


def test_in_a_terminal_names_stand_out_unless_colours_are_unwanted(
    said, write_cif, shared_model, tmp_path, monkeypatch
):
    file = write_cif(tmp_path / "a.cif")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = said(file, "--model", shared_model)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    plain = said(file, "--model", shared_model)[1]
    assert "\033[1m" in coloured and "\033" not in plain
    assert max(map(len, plain.splitlines())) <= 60
    assert np.isfinite(float(plain.split("\na ")[1].split()[0]))
