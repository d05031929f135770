"""What options stand for, and which do not go together."""

import argparse

import pytest

from porevox import layout
from porevox.cli.options import add_settings, settings
from porevox.energy.forcefield import load_forcefield
from porevox.errors import PorevoxError


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    add_settings(parser)
    return settings(parser.parse_args([str(argument) for argument in arguments]))


def test_the_defaults_are_those_of_the_thesis():
    found = parsed()
    assert found.grid == {"kind": "mic_supercell", "n": 25, "endpoint": False}
    assert found.channel == {"kind": "lennard_jones", "probe_sigma_A": 2.5, "probe_epsilon_K": 50.0}
    assert load_forcefield(found.forcefield).name == "uff"
    assert found.reading["partial_occupancy"] == found.reading["overlapping_atoms"] == "reject"


def test_a_probe_is_looked_up_and_numbers_win_over_the_table():
    assert parsed("--probe", "CH4").channel["probe_sigma_A"] == 3.73
    mixed = parsed("--probe", "CH4", "--sigma", 4).channel
    assert (mixed["probe_sigma_A"], mixed["probe_epsilon_K"]) == (4.0, 148.0)


def test_a_guest_comes_with_its_sites():
    channel = parsed("--channel", "guest", "--guest", "N2", "--temperature", 77, "--cutoff", 14).channel
    assert (channel["kind"], channel["temperature_K"], channel["cutoff_A"]) == ("guest", 77.0, 14.0)
    assert sum(site["charge_e"] for site in channel["sites"]) == pytest.approx(0)
    assert len(channel["sites"]) == 3 and "guest" not in channel


def test_a_potential_needs_no_force_field():
    found = parsed("--channel", "electrostatic", "--grid", "unit_cell", "--n", 8)
    assert found.forcefield is None and found.channel == {"kind": "electrostatic"}


def test_charges_may_be_equilibrated():
    for kind in ("electrostatic", "guest"):
        assert "charges" not in parsed("--channel", kind, "--charges", "cif").channel
        found = parsed("--channel", kind, "--charges", "cif_or_eqeq").channel
        assert found["charges"] == "cif_or_eqeq" and found["charge_table"]


def test_a_force_field_is_a_name_or_a_path(tmp_path):
    assert parsed("--forcefield", tmp_path / "my.csv").forcefield == tmp_path / "my.csv"
    with pytest.raises(PorevoxError, match="no force field `nix`"):
        parsed("--forcefield", "nix")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--channel", "guest", "--probe", "CH4"), "--probe has no meaning for --channel guest, only for lj"),
        (("--guest", "CO2"), "--guest has no meaning for --channel lj"),
        (("--channel", "electrostatic", "--forcefield", "uff"), "--forcefield has no meaning"),
        (("--charges", "eqeq"), "--charges has no meaning for --channel lj, only for electrostatic"),
        (("--box-length", "20"), "--box-length has no meaning for --grid mic_supercell"),
        (("--probe", "CH3"), "There is no probe `CH3`"),
        (("--channel", "guest", "--guest", "nix"), "There is no guest `nix`"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments, message):
    with pytest.raises(PorevoxError, match=message):
        parsed(*arguments)


def test_without_the_tables_numbers_and_paths_still_do(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "ROOT", tmp_path)  # as after an installation that copied the code
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "my.csv"
    numbers = ("--sigma", 3, "--epsilon", 100)
    assert parsed(*numbers, "--forcefield", table).channel["probe_sigma_A"] == 3.0
    for arguments in (numbers, ("--forcefield", table)):
        with pytest.raises(PorevoxError, match="pip install -e"):
            parsed(*arguments)
