"""All baselines by type: their options, how they are trained, and how they are read back."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from porevox.baseline.boosting import OPTIONS as BOOSTING_OPTIONS
from porevox.baseline.boosting import Boosting, fit_boosting
from porevox.baseline.features import Features, features_of
from porevox.baseline.forest import FOREST_OPTIONS, Forest, fit_forest
from porevox.baseline.kernel_ridge import OPTIONS as KERNEL_OPTIONS
from porevox.baseline.kernel_ridge import KernelModel, fit_kernel_ridge
from porevox.baseline.linear import OPTIONS as LINEAR_OPTIONS
from porevox.baseline.linear import Linear, fit_linear
from porevox.baseline.mean import OPTIONS as MEAN_OPTIONS
from porevox.baseline.mean import Mean, fit_mean
from porevox.baseline.physics import ABSCISSAE, PER, Line, fit_physics
from porevox.baseline.physics import OPTIONS as PHYSICS_OPTIONS
from porevox.errors import PorevoxError
from porevox.learning.modelfile import read_meta
from porevox.learning.voxelset import Dataset

#: Values of options that are words.
_CHOICES = {
    "features": ("descriptors", "histogram", "both", "physics"),
    "penalty": ("lasso", "ridge"),
    "abscissa": ("auto", *ABSCISSAE),
    "per": ("auto", *PER),
}


@dataclass(frozen=True)
class Kind:
    """One type of baseline.

    Attributes
    ----------
    model : type
        Dataclass of arrays with a method predict(features).
    fit : callable
        (features, y, options, seed, threads) -> model, and what cross-validation chose.
    defaults : dict
        Options and their defaults.
    passed_on : tuple of str
        Further options, whose defaults are scikit-learn's.
    """

    model: type
    fit: Callable
    defaults: dict
    passed_on: tuple[str, ...] = ()


KINDS = {
    "mean": Kind(Mean, fit_mean, MEAN_OPTIONS),
    "physics": Kind(Line, fit_physics, PHYSICS_OPTIONS),
    "linear": Kind(Linear, fit_linear, LINEAR_OPTIONS),
    "kernel_ridge": Kind(KernelModel, fit_kernel_ridge, KERNEL_OPTIONS),
    "random_forest": Kind(Forest, fit_forest, {"descriptors": None}, FOREST_OPTIONS),
    "gradient_boosting": Kind(Boosting, fit_boosting, BOOSTING_OPTIONS),
}


def complete_options(options: dict) -> tuple[str, dict]:
    """Check the options of a baseline and fill in the defaults.

    Parameters
    ----------
    options : dict
        "type", and options of this type.

    Returns
    -------
    kind : str
        The type.
    options : dict
        All others.

    Raises
    ------
    PorevoxError
        When the type or an option is unknown, or a word is none of those allowed.
    """
    rest = dict(options)
    kind = rest.pop("type", None)
    if kind not in KINDS:
        raise PorevoxError(f"A baseline's type must be one of {', '.join(KINDS)}, not {kind!r}.")
    allowed = (*KINDS[kind].defaults, *KINDS[kind].passed_on)
    unknown = next((key for key in rest if key not in allowed), None)
    if unknown is not None:
        raise PorevoxError(
            f"{kind} has no option {unknown!r}: the options are {', '.join(allowed) or 'none'}."
        )
    rest = KINDS[kind].defaults | rest
    for key, words in _CHOICES.items():
        if key in rest and rest[key] not in words:
            raise PorevoxError(
                f"The option {key} of {kind} must be one of {', '.join(words)}, not {rest[key]!r}."
            )
    return kind, rest


@dataclass(frozen=True, eq=False)
class Baseline:
    """A trained baseline.

    Attributes
    ----------
    model : object
        Dataclass of arrays with a method predict(features); see KINDS.
    meta : dict
        Content of model.json; "inputs" says what the model looks at.
    """

    model: Any
    meta: dict

    def features(self, dataset: Dataset, rows: pd.DataFrame) -> Features:
        """Gather what the model looks at; see :func:`porevox.baseline.features.features_of`.

        Parameters
        ----------
        dataset : Dataset
        rows : pandas.DataFrame
            Of the dataset.

        Returns
        -------
        Features
        """
        return features_of(dataset, rows, self.meta["inputs"])

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predict.

        Parameters
        ----------
        features : numpy.ndarray, shape (m, k)
            As from :meth:`features`.

        Returns
        -------
        numpy.ndarray, shape (m,), float64
            In the target's unit.
        """
        return self.model.predict(features)

    def to_bytes(self) -> bytes:
        """Content of model.safetensors: the model's arrays, with model.json beside them.

        Returns
        -------
        bytes
        """
        arrays = {name: np.ascontiguousarray(array) for name, array in vars(self.model).items()}
        return save(arrays, {"porevox": json.dumps(self.meta)})


def load_baseline(folder: str | Path) -> Baseline:
    """Load a baseline of any type; nothing of what is read is run.

    Parameters
    ----------
    folder : path-like
        A run's folder with model.safetensors and model.json.

    Returns
    -------
    Baseline

    Raises
    ------
    PorevoxError
        When a file is missing or broken, or describes no baseline.
    """
    folder = Path(folder)
    meta = read_meta(folder, *KINDS)
    try:
        model = KINDS[meta["type"]].model(**load_file(folder / "model.safetensors"))
        inputs = meta["inputs"]
    except (OSError, SafetensorError, TypeError, KeyError) as error:
        raise PorevoxError(
            f"{folder / 'model.safetensors'} does not hold a model of type {meta['type']} "
            f"({type(error).__name__}): train the model again."
        ) from error
    return Baseline(model, {**meta, "inputs": inputs})
