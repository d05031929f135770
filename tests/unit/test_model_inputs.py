"""What models look at, by their completed options."""

import pytest

from porevox import config
from porevox.model_inputs import columns_needed, descriptors_of, needs_descriptors, needs_voxels
from porevox.schema import check_block


@pytest.mark.parametrize(
    ("options", "voxels", "descriptors"),
    [
        ({"type": "retnet"}, True, False),
        ({"type": "physics"}, True, False),
        ({"type": "mean"}, False, False),
        ({"type": "random_forest"}, False, True),
        ({"type": "linear"}, True, False),
        ({"type": "linear", "features": "descriptors"}, False, True),
        ({"type": "kernel_ridge"}, False, True),
        ({"type": "kernel_ridge", "features": "histogram"}, True, False),
        ({"type": "gradient_boosting"}, False, True),
        ({"type": "gradient_boosting", "features": "both"}, True, True),
    ],
)
def test_needs(options, voxels, descriptors):
    model = check_block(options, f"model_{options['type']}", "models.m")
    assert (needs_voxels(model), needs_descriptors(model)) == (voxels, descriptors)
    assert config.needs_voxels is needs_voxels and config.needs_descriptors is needs_descriptors


def test_columns_of_descriptor_models_are_looked_for():
    study = {"dataset": "d", "target": "y", "split": {"kind": "random"}, "descriptors": None}
    settings = {
        "datasets": {"d": {"descriptors": ["a"]}},
        "models": {
            "boost": {"type": "gradient_boosting", "features": "both", "descriptors": ["b"]},
            "kernel": {"type": "kernel_ridge", "features": "histogram", "descriptors": ["never"]},
            "rf": {"type": "random_forest", "descriptors": None},
            "retnet": {"type": "retnet", "scalars": ["c", "cif_density_g_cm3"]},
        },
    }
    found = list(columns_needed(settings, study | {"models": list(settings["models"])}))
    assert found == [
        ("y", "target"),
        ("b", "descriptors"),
        ("a", "descriptors"),
        ("c", "models.retnet.scalars"),
    ]
    assert descriptors_of(settings, study | {"descriptors": ["z"]}) == ["z"]
