"""What one model sees of a dataset: channels and a transform of its own."""

import numpy as np
import pytest

from porevox.errors import PorevoxError
from porevox.learning.modelfile import describe_model
from porevox.learning.view import seen_by, seen_by_model
from porevox.learning.voxelset import load_dataset, load_voxels
from synthetic_dataset import write_dataset


@pytest.fixture
def dataset(tmp_path):
    write_dataset(tmp_path, n_train=4, n_validation=1, n_test=1, channels=("a", "b", "c"))
    return load_dataset(tmp_path)


def test_without_options_of_its_own_a_model_sees_the_study_s(dataset):
    seen, rest = seen_by(dataset, {"channels": None, "transform": None, "epochs": 3})
    assert seen is dataset and rest == {"epochs": 3}


def test_channels_come_in_the_order_that_is_asked_for(dataset):
    rows = dataset.train_rows(4)
    seen, _ = seen_by(dataset, {"channels": ["c", "a"]})
    assert seen.channels == ["c", "a"] and dataset.channels == ["a", "b", "c"]
    np.testing.assert_array_equal(load_voxels(seen, rows), load_voxels(dataset, rows)[:, [2, 0]])


def test_a_transform_stands_instead_of_the_study_s(dataset):
    rows = dataset.train_rows(4)
    seen, _ = seen_by(dataset, {"transform": {"kind": "log1p_boltzmann", "temperature_K": 298.0}})
    np.testing.assert_allclose(load_voxels(seen, rows), np.log1p(load_voxels(dataset, rows)), rtol=1e-5)


def test_without_a_temperature_of_its_own_a_transform_has_the_study_s(dataset):
    dataset.meta["transform"]["temperature_K"] = 77.0
    for own in ({"kind": "log1p_boltzmann"}, {"kind": "log1p_boltzmann", "temperature_K": None}):
        seen, _ = seen_by(dataset, {"transform": own})
        assert seen.meta["transform"] == {"kind": "log1p_boltzmann", "temperature_K": 77.0}
    seen, _ = seen_by(dataset, {"transform": {"kind": "boltzmann", "temperature_K": 298.0}})
    assert seen.meta["transform"]["temperature_K"] == 298.0


def test_a_structure_without_the_other_channels_can_be_used(tmp_path):
    def without(table, meta):
        table.loc[table["id"] == "S-000", "row_b"] = np.nan

    write_dataset(tmp_path, n_train=4, n_validation=1, n_test=1, channels=("a", "b"), change=without)
    dataset = load_dataset(tmp_path)
    seen, _ = seen_by(dataset, {"channels": ["a"]})
    assert seen.has_voxels().sum() == dataset.has_voxels().sum() + 1


def test_the_digest_tells_what_is_seen(dataset):
    options = [{}, {"channels": ["a"]}, {"channels": ["b"]}, {"transform": {"kind": "identity"}}]
    assert len({seen_by(dataset, one)[0].meta["digest"] for one in options}) == 4


def test_an_unknown_channel_is_one_sentence(dataset):
    with pytest.raises(PorevoxError, match="named 'd', but the dataset has a, b, c"):
        seen_by(dataset, {"channels": ["d"]})


@pytest.mark.parametrize(
    "options",
    [{}, {"channels": ["c", "a"]}, {"transform": {"kind": "log1p_boltzmann", "temperature_K": 298.0}}],
)
def test_a_trained_model_sees_what_it_was_trained_on(dataset, options):
    trained_on, rest = seen_by(dataset, options)
    seen = seen_by_model(dataset, describe_model(trained_on, "m", "retnet", rest))
    assert seen.channels == trained_on.channels
    rows = dataset.train_rows(4)
    np.testing.assert_array_equal(load_voxels(seen, rows), load_voxels(trained_on, rows))
