"""What a baseline sees: which rows, which columns."""

import numpy as np
import pytest

from porevox.baseline.features import HISTOGRAM, features_of, inputs_of
from porevox.baseline.histogram import HISTOGRAM_OPTIONS, energy_histogram
from porevox.errors import PorevoxError
from porevox.learning.physics_scalars import physics_names, scalar_inputs
from porevox.learning.voxelset import Dataset, load_dataset
from synthetic_dataset import write_dataset

LOST_VOXELS, LOST_DESCRIPTOR = "S-003", "S-008"
META = {"descriptors": ["a", "b"], "channels": [{"name": "lj", "quantity": "energy"}]}


@pytest.fixture
def dataset(tmp_path):
    def change(table, meta):
        table["cif_density_g_cm3"] = 1.0
        table.loc[table["id"] == "S-009", "cif_density_g_cm3"] = np.nan
        table.loc[table["id"] == "S-002", "row_es"] = np.nan
        meta["channels"][1]["quantity"] = "potential"
        meta["transform"]["potential_limit_V"] = 2.0

    lost = {"without_voxels": [LOST_VOXELS], "without_descriptors": [LOST_DESCRIPTOR]}
    write_dataset(tmp_path, n=4, channels=("lj", "es"), change=change, **lost)
    return load_dataset(tmp_path)


def missing(dataset, inputs):
    return set(dataset.table["id"]) - set(features_of(dataset, dataset.table, inputs).rows["id"])


def test_rows_without_what_a_model_looks_at_are_left_out(dataset):
    histogram = {"histogram": HISTOGRAM_OPTIONS | {"channels": ["lj", "es"]}}
    descriptors = {"descriptors": ["void_fraction", "noise"]}
    assert missing(dataset, {}) == set()
    assert missing(dataset, descriptors) == {LOST_DESCRIPTOR}
    assert missing(dataset, histogram) == {LOST_VOXELS, "S-002"}
    assert missing(dataset, {"histogram": HISTOGRAM_OPTIONS | {"channels": ["lj"]}}) == {LOST_VOXELS}
    assert missing(dataset, descriptors | histogram) == {LOST_VOXELS, LOST_DESCRIPTOR, "S-002"}
    # only its own channel counts, and the density
    assert missing(dataset, {"henry": "lj"}) == {LOST_VOXELS, "S-009"}


def test_the_scalars_of_retnet_can_stand_alone(dataset):
    """The same numbers in the same order, through channels and transform of the model's own."""
    dataset.table["cif_volume_A3"] = 1000.0 + np.arange(len(dataset.table))
    inputs = inputs_of("linear", {"features": "physics"}, dataset.meta)
    assert inputs == {"physics": {"channels": ["lj", "es"], "transform": dataset.meta["transform"]}}
    transform = {"kind": "occupancy", "temperature_K": 250.0, "pressure_bar": 2.0, "site_volume_A3": 40.0}
    inputs = {"physics": {"channels": ["lj"], "transform": transform}}
    found = features_of(dataset, dataset.table, inputs)
    assert missing(dataset, inputs) == {LOST_VOXELS, "S-009"}
    alone = Dataset(
        dataset.table, dataset.meta | {"channels": dataset.meta["channels"][:1], "transform": transform}
    )
    np.testing.assert_array_equal(found.x, scalar_inputs(alone, found.rows, (), physics=True))
    assert list(found.blocks) == physics_names(alone.meta["channels"], transform)


def test_columns_stand_in_blocks(dataset):
    inputs = {
        "descriptors": ["noise", "void_fraction"],
        "histogram": HISTOGRAM_OPTIONS | {"channels": ["lj", "es"]},
    }
    found = features_of(dataset, dataset.table, inputs)
    assert list(found.blocks) == ["noise", "void_fraction", HISTOGRAM]
    for name in ("noise", "void_fraction"):
        np.testing.assert_array_equal(found.x[:, found.blocks[name]][:, 0], found.rows[name])
    np.testing.assert_array_equal(
        found.x[:, found.blocks[HISTOGRAM]], energy_histogram(dataset, found.rows, HISTOGRAM_OPTIONS)
    )
    assert found.blocks[HISTOGRAM].stop == found.x.shape[1] == 2 + 52 + 42


def test_models_that_look_at_nothing(dataset):
    assert features_of(dataset, dataset.table, {}).x.shape == (40, 0)


def test_inputs_say_all_that_is_needed_to_see_the_same_again():
    options = {"features": "both", "descriptors": None, **HISTOGRAM_OPTIONS, "learning_rate": 1}
    found = inputs_of("gradient_boosting", options, META)
    assert found == {"descriptors": ["a", "b"], "histogram": HISTOGRAM_OPTIONS | {"channels": ["lj"]}}
    assert inputs_of("linear", options | {"descriptors": ["b"]}, META)["descriptors"] == ["b"]
    assert "descriptors" not in inputs_of("linear", options | {"features": "histogram"}, META)
    assert inputs_of("random_forest", {"descriptors": None}, META) == {"descriptors": ["a", "b"]}
    assert inputs_of("physics", {"channel": None}, META) == {"henry": "lj"}
    assert inputs_of("mean", {}, META) == {}


@pytest.mark.parametrize(
    ("kind", "options", "lost", "words"),
    [
        ("random_forest", {}, "descriptors", "random_forest needs descriptors"),
        ("linear", {"features": "both"}, "descriptors", "linear needs descriptors"),
        ("linear", {"features": "histogram"}, "channels", "features histogram needs voxels"),
        ("linear", {"features": "histogram", "channels": ["es"]}, "known", "names the channel 'es'.*are lj"),
        ("physics", {"channel": None}, "channels", "physics needs a channel of energies"),
    ],
)
def test_datasets_without_what_a_model_needs(kind, options, lost, words):
    options = {"descriptors": None, **HISTOGRAM_OPTIONS} | options
    with pytest.raises(PorevoxError, match=words):
        inputs_of(kind, options, META | {lost: []})
