"""Outputs of the layers: those of the thesis' table, and what they must be of each other."""

import numpy as np
import pytest
import torch

from porevox.learning.layers import layer_outputs, stages
from porevox.learning.savedmodel import fingerprints, predict
from porevox.learning.voxelset import load_dataset, load_voxels
from synthetic_dataset import write_dataset
from trained_retnet import write_retnet


@pytest.fixture(scope="module")
def dataset_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    write_dataset(folder, n=25, n_train=3, n_validation=0, n_test=2)
    return folder


def outputs_of(tmp_path, dataset_dir, scalars=(), **options):
    model, meta = write_retnet(tmp_path, dataset_dir, scalars, **options)
    dataset = load_dataset(dataset_dir)
    rows = dataset.train_rows(2)
    inputs = load_voxels(dataset, rows), rows[list(scalars)].to_numpy(float)
    return model, meta, inputs, layer_outputs(model, meta, *inputs)


def test_layers_are_those_of_the_thesis(tmp_path, dataset_dir):
    """Sections 3.3.1 and 4.1: names, numbers and edges of the maps, 3240 numbers after the flatten layer."""
    *_, outputs = outputs_of(tmp_path, dataset_dir)
    shapes = {name: values.shape[1:] for name, values in outputs.items()}
    cubes = {"Conv1": (12, 25), "Conv2": (24, 23), "MaxPool1": (24, 11), "Conv3": (32, 10)}
    cubes |= {"MaxPool2": (32, 5), "Conv4": (64, 4), "Conv5": (120, 3)}
    assert shapes == {
        **{name: (maps, edge, edge, edge) for name, (maps, edge) in cubes.items()},
        **{"Flatten": (3240,), "Dense1": (84,), "Dense2": (20,), "Output": (1,)},
    }
    assert list(shapes) == [*cubes, "Flatten", "Dense1", "Dense2", "Output"]


def test_each_layer_follows_from_the_one_before(tmp_path, dataset_dir):
    """Pools are maxima of blocks, activations leaky, the output linear in the fingerprint (eq. 4.1)."""
    model, meta, inputs, outputs = outputs_of(tmp_path, dataset_dir)
    blocks = outputs["Conv2"][:, :, :22, :22, :22].reshape(2, 24, 11, 2, 11, 2, 11, 2)
    np.testing.assert_array_equal(outputs["MaxPool1"], blocks.max(axis=(3, 5, 7)))
    np.testing.assert_array_equal(outputs["Flatten"], outputs["Conv5"].reshape(2, -1))
    x = torch.from_numpy((inputs[0] - 1.5) / 2.0)
    norm = model.features.norm1
    with torch.no_grad():
        linear = model.features.conv1(x).numpy()
    mean, var = (v.numpy().reshape(-1, 1, 1, 1) for v in (norm.running_mean, norm.running_var))
    normed = (linear - mean) / np.sqrt(var + norm.eps)
    np.testing.assert_allclose(
        outputs["Conv1"], np.where(normed > 0, normed, 0.01 * normed), rtol=1e-3, atol=1e-5
    )
    np.testing.assert_allclose(outputs["Dense2"], fingerprints(model, meta, *inputs), rtol=1e-5, atol=1e-6)
    weight, bias = (p.detach().numpy() for p in (model.output.weight, model.output.bias))
    np.testing.assert_allclose(outputs["Output"], outputs["Dense2"] @ weight.T + bias, rtol=1e-4)


def test_a_single_orientation_is_looked_at_and_the_network_left_as_it_was(tmp_path, dataset_dir):
    averaging = {"test_time_augmentation": 8}
    model, meta, inputs, outputs = outputs_of(tmp_path, dataset_dir, options=averaging)
    assert outputs["Conv1"].shape[0] == 2
    once = {**meta, "options": {}}
    np.testing.assert_allclose(outputs["Output"][:, 0], predict(model, once, *inputs))
    assert abs(outputs["Output"][:, 0] - predict(model, meta, *inputs)).max() > 1e-6
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.modules())


def test_scalars_and_other_pools_have_their_place(tmp_path, dataset_dir):
    *_, outputs = outputs_of(
        tmp_path, dataset_dir, ("noise",), padding="circular", pooling="adaptive", skip=True
    )
    assert outputs["AvgPool3"].shape == (2, 120, 3, 3, 3) and outputs["Conv5"].shape[2] == 6
    assert outputs["Flatten"].shape == (2, 3241)
    np.testing.assert_array_equal(outputs["Flatten"][:, :-1], outputs["AvgPool3"].reshape(2, -1))


def test_stages_end_with_their_activation(tmp_path, dataset_dir):
    model, _ = write_retnet(tmp_path, dataset_dir)
    named = {id(layer): name for name, layer in model.named_modules()}
    ends = {stage: named[id(last)] for stage, last in stages(model)}
    assert ends["Conv2"] == "features.act2" and ends["MaxPool1"] == "features.pool1"
    assert ends["Dense2"] == "dense.dense_act2"
