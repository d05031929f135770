"""The model card says what the record says, for a person."""

import pytest

from porevox.handover.card import model_card
from porevox.handover.record import read_record


@pytest.fixture
def record(folder):
    return read_record(folder)


def test_everything_a_reader_needs_is_on_it(record, folder):
    card = (folder / "README.md").read_text()
    rows = {(row["metric"], row["of"]): row for row in record["metrics"]["rows"]}
    assert f"{rows['R2', 'the mean of its seeds' + chr(39) + ' scores']['value']:.4g}" in card
    for words in (
        *(
            "mean Boltzmann factor in mol/kg",
            "Nobody 2026",
            "CC0",
            "16 x 16 x 16 points",
            "uff",
            "probe_sigma_A 2.5",
        ),
        *("boltzmann", "298", "partial_occupancy reject", "split conformal", "22 validation structures"),
        *("24 structures", "seed0/model.safetensors", "porevox predict"),
    ):
        assert words in card, words


def test_what_is_not_known_is_said(record):
    record["data"] |= {"citation": "", "licence": ""}
    record["metrics"]["rows"] = []
    record["columns"] = ["PLD_A"]
    card = model_card(record)
    assert card.count("not stated") == 2 and "no test structure was scored" in card
    assert "a table with the columns PLD_A" in card


def test_an_ensemble_has_its_formula(record):
    record["seeds"] = [0, 1, 2]
    factors = {"0.9": 1.7}
    record["calibration"] |= {"kind": "ensemble", "a": 2.5, "b": 3.25, "factors": factors, "remark": "R."}
    card = model_card(record)
    assert "a = 2.5 mol/kg and b = 3.25" in card and "| 90% | 1.7 |" in card and "mean of 3 trainings" in card
