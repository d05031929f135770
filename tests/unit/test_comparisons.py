"""Comparisons of voxels: what they name is looked up only when they are asked for."""

import pytest
import yaml

from porevox import comparisons, plan
from porevox.errors import PorevoxError
from published_archive import PARTS, SOURCE


@pytest.fixture
def config(root):
    user = yaml.safe_load((root / "config.yaml").read_text())
    voxels = {**SOURCE, "file": {"path": "data.tar.gz"}, "parts": PARTS}
    user["datasets"] = {"theirs": {"voxels": voxels}, "ours": {"structures": {"path": "cifs"}}}
    # what another config has is taken away with null
    user["voxel_comparisons"] |= {"check": {"published": "theirs", "structures": "ours"}, "uo-mofs": None}
    return plan.load(user)


def test_a_comparison_takes_its_settings_from_the_source(config):
    assert comparisons.targets(config) == ["results/voxel_comparisons/check/voxel_comparison.png"]
    spec = comparisons.spec(config, "check")
    assert spec["grid"] == {"kind": "mic_supercell", "n": 25, "endpoint": True}
    assert spec["temperature_K"] == 298.0 and spec["n_structures"] == 200
    assert spec["channel"] == {
        "kind": "lennard_jones",
        "probe_sigma_A": 2.5,
        "probe_epsilon_K": 50.0,
        "cutoff_A": 10.0,
        "truncation": "truncated",
    }
    assert spec["reading"] == config["datasets"]["ours"]["reading"]
    assert comparisons.forcefield(config, "check").name == "uff.csv"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"published": "thiers"}, "check.published` names `thiers`, .* did you mean `theirs`"),
        ({"published": "ours"}, "check.published` names `ours`, a dataset without `voxels`"),
        ({"structures": "theirs"}, "check.structures` names `theirs`, a dataset without `structures`"),
        ({"temperature_K": 300.0}, "temperature_K` is 300, but .* hold Boltzmann factors at 298 K"),
    ],
)
def test_what_cannot_be_compared_is_told(config, change, sentence):
    config["voxel_comparisons"]["check"] |= change
    with pytest.raises(PorevoxError, match=sentence):
        comparisons.targets(config)


def test_energies_are_compared_at_the_temperature_given(config):
    source = config["datasets"]["theirs"]["voxels"]
    source.update(holds="energy_K", temperature_K=None)
    assert comparisons.spec(config, "check")["temperature_K"] == 298.0
    config["voxel_comparisons"]["check"]["temperature_K"] = 200.0
    comparisons.check(config, "check")
    assert comparisons.spec(config, "check")["temperature_K"] == 200.0


def test_nothing_to_compare_is_told(config):
    config["voxel_comparisons"] = {}
    with pytest.raises(PorevoxError, match="nothing to compare"):
        comparisons.targets(config)
