"""Channels from plain values."""

import pytest

from porevox.energy.channels import KINDS, channel_from_dict, whole_grid_MB
from porevox.energy.grid import GridSpec
from porevox.energy.lennard_jones_channel import LennardJonesChannel
from porevox.errors import PorevoxError

SITE = {"x_A": 0, "y_A": 0, "z_A": 0, "sigma_A": 3.73, "epsilon_K": 148.0, "charge_e": 0.0}
SETTINGS = {"guest": {"sites": [SITE], "temperature_K": 298.0}}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_survives_the_way_through_a_dict(kind):
    channel = channel_from_dict({"kind": kind, **SETTINGS.get(kind, {})})
    assert channel.kind == kind
    assert channel.to_dict()["kind"] == kind
    assert channel_from_dict(channel.to_dict()) == channel


def test_a_channel_without_a_kind_is_a_lennard_jones_channel():
    assert channel_from_dict({}) == LennardJonesChannel()


@pytest.mark.parametrize("values", [{"kind": "coulomb"}, {"kind": "lennard_jones", "cutoff": 10}])
def test_an_unknown_kind_or_setting_is_refused(values):
    with pytest.raises(PorevoxError, match=r"unknown|no setting named 'cutoff'"):
        channel_from_dict(values)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0, -1.0, 101.0, "10", None, True, float("nan")])
def test_a_cutoff_that_makes_no_sense_is_refused_by_every_kind(kind, value):
    with pytest.raises(PorevoxError, match="cutoff_A"):
        channel_from_dict({"kind": kind, "cutoff_A": value, **SETTINGS.get(kind, {})})


def test_the_voxels_count_in_double_and_single_precision_and_as_bytes():
    assert whole_grid_MB(GridSpec("unit_cell", n=100)) == 16.0
