"""All types of baselines: options, and models that come back as they were."""

import json

import numpy as np
import pytest

from porevox.baseline.models import KINDS, Baseline, complete_options, load_baseline
from porevox.errors import PorevoxError
from porevox.learning.runs import FORMAT_VERSION
from porevox.schema import load_schema


def test_the_schema_has_the_same_options_and_defaults():
    parts = load_schema()["$defs"]
    for kind, entry in KINDS.items():
        listed = {name: part for name, part in parts[f"model_{kind}"]["properties"].items() if name != "type"}
        found = {
            name: {**parts[part["$ref"].rsplit("/", 1)[1]], **part} if "$ref" in part else part
            for name, part in listed.items()
        }
        own = {name: part["default"] for name, part in found.items() if name not in entry.passed_on}
        assert own == entry.defaults, kind
        assert set(found) <= {*entry.defaults, *entry.passed_on}
    assert set(KINDS) | {"retnet"} == set(parts["model"]["properties"]["type"]["enum"])


def test_options_are_completed_but_for_scikit_learns_own():
    assert complete_options({"type": "random_forest", "max_depth": 3}) == (
        "random_forest",
        {"descriptors": None, "max_depth": 3},
    )
    kind, options = complete_options({"type": "linear", "penalty": "ridge"})
    assert kind == "linear" and options["penalty"] == "ridge" and options["histogram_bins"] == 50


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "one of mean, physics, .*, not None"),
        ({"type": "retnet"}, "not 'retnet'"),
        ({"type": "mean", "seed": 1}, "mean has no option 'seed': the options are none"),
        ({"type": "linear", "penalty": "both"}, "penalty of linear must be one of lasso, ridge, not 'both'"),
        ({"type": "kernel_ridge", "features": "voxels"}, "must be one of descriptors, histogram, both"),
        ({"type": "physics", "abscissa": "log"}, "auto, log10, linear"),
        ({"type": "physics", "per": None}, "auto, mass, volume"),
    ],
)
def test_options_that_make_no_sense(options, words):
    with pytest.raises(PorevoxError, match=words):
        complete_options(options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_comes_back_as_it_was(tmp_path, kind):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 2)), rng.normal(size=60)
    _, options = complete_options({"type": kind})
    model, chosen = KINDS[kind].fit(x, y, options, 0, 1)
    meta = {"type": kind, "format": FORMAT_VERSION, "inputs": {}, "chosen": chosen}
    saved = Baseline(model, meta)
    (tmp_path / "model.safetensors").write_bytes(saved.to_bytes())
    (tmp_path / "model.json").write_text(json.dumps(meta, allow_nan=False))
    loaded = load_baseline(tmp_path)
    other = rng.normal(size=(30, 2))
    np.testing.assert_array_equal(loaded.predict(other), saved.predict(other))
    # what a loaded model is made of are arrays, nothing else
    assert all(type(array) is np.ndarray and array.dtype != object for array in vars(loaded.model).values())
    assert loaded.predict(other[:0]).shape == (0,)


def test_folders_that_hold_no_baseline(tmp_path):
    with pytest.raises(PorevoxError, match="cannot be read"):
        load_baseline(tmp_path)
    card = tmp_path / "model.json"
    card.write_text(json.dumps({"type": "retnet", "format": FORMAT_VERSION}))
    with pytest.raises(PorevoxError, match="'retnet', not 'mean' or 'physics'"):
        load_baseline(tmp_path)
    card.write_text(json.dumps({"type": "linear", "format": FORMAT_VERSION, "inputs": {}}))
    with pytest.raises(PorevoxError, match="does not hold a model of type linear .*train the model again"):
        load_baseline(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(PorevoxError, match="does not hold"):
        load_baseline(tmp_path)
    mean, _ = KINDS["mean"].fit(np.empty((2, 0)), np.ones(2), {}, 0, 1)
    (tmp_path / "model.safetensors").write_bytes(Baseline(mean, {}).to_bytes())
    with pytest.raises(PorevoxError, match="does not hold a model of type linear"):
        load_baseline(tmp_path)
