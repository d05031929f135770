"""The training recipe: two sets of hyperparameters, and how a model's options change them.

``thesis`` is the recipe of the thesis (sections 3.3.1 to 3.3.3) to the letter. ``best`` learns more
from the same structures; its values are this project's own.
"""

import math
from dataclasses import asdict, dataclass, fields

from porevox.errors import PorevoxError

#: What recipe ``best`` does otherwise than the thesis.
BEST = {
    "epochs": 30,
    "augmentation": "octahedral",
    "roll": True,
    "optimiser": "adamw",
    "weight_decay": 0.01,
    "schedule": "cosine",
    "warmup_epochs": 2,
    "ema_decay": 0.99,
    "loss": "huber",
    "standardise_labels": True,
    "test_time_augmentation": 8,
    "padding": "circular",
    "pooling": "adaptive",
    "physics": True,
    "skip": True,
}
#: Numbers of epochs whose validation scores are tabulated.
EPOCHS_COMPARED = (10, 20, 50)
RECIPES = {"thesis": {}, "best": BEST}
#: Options of a model that are no part of its recipe: how its training is watched, and what it sees.
_OTHER_OPTIONS = ("tensorboard", "channels", "transform")


def _whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value):
    return (_whole(value) or isinstance(value, float)) and math.isfinite(value)


def _one_of(*values):
    return lambda v: isinstance(v, str) and v in values, f"{', '.join(values[:-1])} or {values[-1]}"


_SWITCH = (lambda v: isinstance(v, bool), "true or false")
_COUNT = (lambda v: _whole(v) and v >= 1, "a whole number of at least 1")
_POSITIVE = (lambda v: _number(v) and v > 0, "a number above 0")

#: What each option must be: a test, and the words that say it.
_RULES = {
    "recipe": _one_of(*RECIPES),
    "epochs": _COUNT,
    "batch_size": (lambda v: _whole(v) and v >= 2, "a whole number of at least 2"),
    "optimiser": _one_of("adam", "adamw"),
    "learning_rate": _POSITIVE,
    "weight_decay": (lambda v: _number(v) and v >= 0, "a number of at least 0"),
    "schedule": _one_of("step", "cosine"),
    "warmup_epochs": (lambda v: _whole(v) and v >= 0, "a whole number of at least 0"),
    "lr_decay_every_epochs": _COUNT,
    "lr_decay_factor": (lambda v: _number(v) and 0 < v <= 1, "a number above 0, up to 1"),
    "ema_decay": (lambda v: _number(v) and 0 <= v < 1, "a number from 0 to below 1"),
    "loss": _one_of("mse", "huber"),
    "huber_delta": _POSITIVE,
    "standardise_labels": _SWITCH,
    "dropout": (lambda v: _number(v) and 0 <= v < 1, "a number from 0 to below 1"),
    "padding": _one_of("thesis", "circular"),
    "pooling": _one_of("flatten", "adaptive"),
    "augmentation": _one_of("none", "thesis", "octahedral"),
    "roll": _SWITCH,
    "test_time_augmentation": (lambda v: _whole(v) and 1 <= v <= 48, "a whole number from 1 to 48"),
    "scalars": (
        lambda v: isinstance(v, list | tuple) and all(isinstance(c, str) for c in v),
        "a list of column names",
    ),
    "physics": _SWITCH,
    "skip": _SWITCH,
    "init_from": (lambda v: v is None or isinstance(v, str), "the folder of a run"),
    "freeze": _one_of("none", "features"),
    "allow_overlap": _SWITCH,
    "precision": _one_of("float32", "bfloat16"),
}


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of RetNet's training; the defaults are the thesis' (section 3.3.2).

    Attributes
    ----------
    recipe : {"thesis", "best"}
        Where the values come from that no option gives.
    epochs : int
        Passes over the training subset; the weights of the last one are kept.
    batch_size : int
        Structures per step.
    optimiser : {"adam", "adamw"}
    learning_rate : float
        Highest learning rate.
    weight_decay : float
        L2 penalty (adam) or decoupled decay (adamw; Loshchilov and Hutter 2019) of kernels and
        matrices; biases and the parameters of normalisations are spared.
    schedule : {"step", "cosine"}
        step: the learning rate is multiplied by lr_decay_factor after every lr_decay_every_epochs
        epochs; cosine: it falls along half a cosine towards 0 after the last epoch.
    warmup_epochs : int
        Epochs over which the learning rate rises linearly, before the schedule begins.
    lr_decay_every_epochs, lr_decay_factor : int, float
    ema_decay : float
        Decay per step of the exponential moving average of the weights that is validated, saved and
        predicted with; 0: the weights themselves.
    loss : {"mse", "huber"}
        Huber's loss is quadratic up to huber_delta and linear beyond.
    huber_delta : float
        In standard deviations of the training labels.
    standardise_labels : bool
        Whether the network learns (y - mean)/std of the training labels.
    dropout : float
        Rate of the dropout layer (section 3.3.1).
    padding : {"thesis", "circular"}
        Whether the first convolution alone or all of them continue the grid periodically.
    pooling : {"flatten", "adaptive"}
        Whether the last feature maps are flattened as they are, or averaged to 3 x 3 x 3 before.
    augmentation : {"thesis", "octahedral", "none"}
        Random operations on samples: 13 of section 3.3.3, all 48 of the cube, or none.
    roll : bool
        Random translations of samples by whole grid points, over the periodic edge.
    test_time_augmentation : int
        Operations of the cube over which a prediction is averaged.
    scalars : tuple of str
        Columns of table.csv that enter beside the voxels (none in the thesis).
    physics : bool
        Whether scalars computed from the voxels enter, too
        (:mod:`porevox.learning.physics_scalars`).
    skip : bool
        Whether a linear map of the scalars, at first their ridge regression, is added to the output.
    init_from : str or None
        Folder of a run whose weights are the start (:mod:`porevox.learning.pretrained`).
    freeze : {"none", "features"}
        features: the convolutions and their normalisations stay as they are.
    allow_overlap : bool
        Whether weights that have been trained on test structures may be a start.
    precision : {"float32", "bfloat16"}
        Arithmetic of the training steps: float32 without TF32, or bfloat16 autocast. Weights and
        predictions are float32 either way.
    """

    recipe: str = "thesis"
    epochs: int = 50
    batch_size: int = 64
    optimiser: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "step"
    warmup_epochs: int = 0
    lr_decay_every_epochs: int = 10
    lr_decay_factor: float = 0.5
    ema_decay: float = 0.0
    loss: str = "mse"
    huber_delta: float = 1.0
    standardise_labels: bool = False
    dropout: float = 0.3
    padding: str = "thesis"
    pooling: str = "flatten"
    augmentation: str = "thesis"
    roll: bool = False
    test_time_augmentation: int = 1
    scalars: tuple[str, ...] = ()
    physics: bool = False
    skip: bool = False
    init_from: str | None = None
    freeze: str = "none"
    allow_overlap: bool = False
    precision: str = "float32"

    @classmethod
    def from_options(cls, options: dict, periodic: bool = True) -> "Recipe":
        """Make a recipe from a model's options in the configuration.

        Parameters
        ----------
        options : dict
            Attribute names to values; missing ones, and those that are None, take the recipe's
            value. "type": "retnet", and options that are no part of the recipe, may stand beside them.
        periodic : bool
            Whether the grid repeats itself in space; recipe best leaves translations out elsewhere.

        Returns
        -------
        Recipe

        Raises
        ------
        PorevoxError
            For an unknown option, a value that is not allowed, or options that do not go together.
        """
        given = {k: v for k, v in options.items() if v is not None and k not in _OTHER_OPTIONS}
        if given.pop("type", "retnet") != "retnet":
            raise PorevoxError("RetNet's option type must be 'retnet' where it is given.")
        known = [field.name for field in fields(cls)]
        for key, value in given.items():
            if key not in known:
                raise PorevoxError(f"RetNet has no option {key!r}: the options are {', '.join(known)}.")
            allowed, words = _RULES[key]
            if not allowed(value):
                raise PorevoxError(f"RetNet's option {key} must be {words}, not {value!r}.")
        defaults = dict(RECIPES[given.get("recipe", "thesis")])
        if not periodic:
            defaults.pop("roll", None)
        given["scalars"] = tuple(given.get("scalars", ()))
        recipe = cls(**{**defaults, **given})
        recipe._check_together()
        return recipe

    def _check_together(self) -> None:
        if self.skip and not (self.scalars or self.physics):
            raise PorevoxError(
                "RetNet's option skip needs scalars: name columns in scalars, or set physics to true."
            )
        if self.freeze != "none" and self.init_from is None:
            raise PorevoxError(
                "RetNet's option freeze keeps weights as they came: name the run they come from in init_from."
            )
        if self.schedule == "cosine" and self.warmup_epochs >= self.epochs:
            raise PorevoxError(
                f"RetNet's warmup_epochs ({self.warmup_epochs}) must be fewer than its epochs "
                f"({self.epochs})."
            )

    def as_options(self) -> dict:
        """The recipe as plain values that JSON can hold.

        Returns
        -------
        dict
        """
        return {**asdict(self), "scalars": list(self.scalars)}
