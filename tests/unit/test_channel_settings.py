"""Names in channels turned into numbers."""

from pathlib import Path

import pytest

from porevox.channel_settings import QUANTITIES, forcefield_path, settings
from porevox.energy.channels import KINDS, channel_from_dict
from porevox.errors import PorevoxError
from porevox.layout import ROOT
from porevox.schema import check_block


def channel(kind="lennard_jones", **values):
    done = check_block({"kind": kind, **values}, f"channel_{kind}", "here")
    return done | ({"cutoff_A": 10.0} if done["cutoff_A"] is None else {})


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working directory without tables of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def own_table(folder, name, text):
    (folder / "resources").mkdir(exist_ok=True)
    (folder / "resources" / name).write_text(text)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_library_computes_is_what_is_announced(kind):
    built = channel_from_dict(settings(channel(kind)))
    assert (built.quantity, built.unit) == QUANTITIES[kind]
    assert set(QUANTITIES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_s_defaults_are_the_library_s(kind):
    found = settings(channel(kind))
    sites = {"sites": found["sites"]} if kind == "guest" else {}
    assert channel_from_dict(found) == channel_from_dict({"kind": kind, **sites})
    assert set(found) == set(channel_from_dict(found).to_dict())


def test_a_probe_s_name_is_replaced_by_its_numbers():
    assert settings(channel(probe="CH4")) == {
        "kind": "lennard_jones",
        "probe_sigma_A": 3.73,
        "probe_epsilon_K": 148.0,
        "cutoff_A": 10.0,
        "truncation": "truncated",
    }


def test_explicit_numbers_win_one_by_one():
    found = settings(channel(probe="CH4", probe_sigma_A=3.5))
    assert (found["probe_sigma_A"], found["probe_epsilon_K"]) == (3.5, 148.0)
    found = settings(channel(probe="none such", probe_sigma_A=3.5, probe_epsilon_K=1))
    assert (found["probe_sigma_A"], found["probe_epsilon_K"]) == (3.5, 1)


def test_a_guest_s_name_is_replaced_by_its_sites():
    found = settings(channel("guest", guest="CO2"))
    assert len(found["sites"]) == 3 and "guest" not in found and "forcefield" not in found
    assert sum(site["charge_e"] for site in found["sites"]) == pytest.approx(0)


def test_tables_of_the_working_directory_come_on_top(elsewhere):
    own_table(elsewhere, "probes.csv", "name,sigma_A,epsilon_K\nthesis,2.6,51\nmine,3,9\n")
    found = settings(channel())
    assert (found["probe_sigma_A"], found["probe_epsilon_K"]) == (2.6, 51.0)
    assert settings(channel(probe="mine"))["probe_sigma_A"] == 3.0
    assert settings(channel(probe="CH4"))["probe_sigma_A"] == 3.73
    header = "guest,x_A,y_A,z_A,sigma_A,epsilon_K,charge_e\n"
    own_table(elsewhere, "guests.csv", header + "X,0,0,0,3,90,0\n")
    assert settings(channel("guest", guest="X"))["sites"][0]["epsilon_K"] == 90.0


def test_unknown_names_are_one_sentence_with_those_there_are(elsewhere):
    with pytest.raises(PorevoxError, match=r"no probe `CH5`.*did you mean `CH4` \(known are thesis, CH4, "):
        settings(channel(probe="CH5"))
    with pytest.raises(PorevoxError, match=r"no guest `water`.*known are CO2, N2, CH4"):
        settings(channel("guest", guest="water"))
    own_table(elsewhere, "forcefields.csv", "")
    (elsewhere / "resources/forcefields").mkdir()
    (elsewhere / "resources/forcefields/mine.csv").touch()
    with pytest.raises(PorevoxError, match="no force field `opls`.*there are dreiding, mine, uff"):
        forcefield_path(channel(forcefield="opls"))


def test_force_fields_are_found_and_the_working_directory_wins(elsewhere):
    assert forcefield_path(channel("electrostatic")) is None
    shipped = ROOT / "resources/forcefields/uff.csv"
    assert forcefield_path(channel()) == shipped == forcefield_path(channel("guest"))
    (elsewhere / "resources/forcefields").mkdir(parents=True)
    (elsewhere / "resources/forcefields/uff.csv").touch()
    assert forcefield_path(channel()) == Path("resources/forcefields/uff.csv")


def test_charges_of_the_cif_go_without_saying():
    for kind in ("electrostatic", "guest"):
        assert "charges" not in settings(channel(kind)) and "charge_table" not in settings(channel(kind))
        assert settings(channel(kind, charges="cif")) == settings(channel(kind))


@pytest.mark.parametrize("kind", ["electrostatic", "guest"])
def test_equilibrated_charges_follow_the_numbers_of_their_table(kind, elsewhere):
    header = "element,electron_affinity_eV," + ",".join(f"ionisation_energy_{i}_eV" for i in range(1, 9))
    found = settings(channel(kind, charges="eqeq"))
    assert found["charges"] == "eqeq" and len(found["charge_table"]) == 16
    assert set(found) == set(channel_from_dict(found).to_dict())
    assert settings(channel(kind, charges="cif_or_eqeq")) == found | {"charges": "cif_or_eqeq"}
    own_table(elsewhere, "ionisation.csv", header + ",charge_centre_e\nZn,-0.6,9.4,18,39.7,,,,,,1\n")
    other = settings(channel(kind, charges="eqeq"))
    assert other["charge_table"] != found["charge_table"]


def test_a_guest_without_charges_asks_for_none():
    assert settings(channel("guest", guest="CH4", charges="eqeq")) == settings(channel("guest", guest="CH4"))
