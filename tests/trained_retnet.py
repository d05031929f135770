"""A RetNet with random weights in a run's folder, for tests of what is drawn of it.

Test modules import it; nothing is trained.
"""

import json

import numpy as np
import torch

from porevox.learning.modelfile import describe_model
from porevox.learning.retnet import RetNet, initialise
from porevox.learning.savedmodel import retnet_bytes
from porevox.learning.view import seen_by
from porevox.learning.voxelset import load_dataset


def write_retnet(folder, dataset_dir, scalars=(), seed=0, options=None, **architecture):
    """Write model.safetensors and model.json; the network is returned, too.

    Its normalisations have statistics that differ from layer to layer, so that a stage left out is noticed.
    """
    dataset, options = seen_by(load_dataset(dataset_dir), options or {})
    options = {"scalars": list(scalars), **options}
    meta = describe_model(dataset, "retnet", "retnet", options)
    n, channels = int(dataset.meta["grid"]["n"]), len(dataset.meta["channels"])
    shape = {"in_channels": channels, "n": n, "n_scalars": len(scalars), "dropout": 0.3, **architecture}
    meta["architecture"] = shape
    meta["standardisation"] = {"mean": [1.5] * channels, "std": [2.0] * channels}
    meta["scalars"] = {"columns": list(scalars), "mean": [0.1] * len(scalars), "std": [0.5] * len(scalars)}
    torch.manual_seed(seed)
    model = RetNet(**shape).eval()
    initialise(model, 5.0)
    rng = np.random.default_rng(seed)
    for name, values in model.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            # as small as the outputs of fresh layers: what goes in still shows in what comes out
            drawn = rng.uniform(0.005, 0.05, len(values))
            values.copy_(torch.from_numpy(drawn))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(retnet_bytes(model, meta))
    (folder / "model.json").write_text(json.dumps(meta))
    return model, meta
