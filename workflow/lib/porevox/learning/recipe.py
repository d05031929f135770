"""The training recipe: the thesis' hyperparameters, and how a study's options change them."""

from dataclasses import asdict, dataclass, fields

from porevox.errors import PorevoxError

_PRECISIONS = ("float32", "bfloat16")


def _whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value):
    return _whole(value) or isinstance(value, float)


#: What each option must be: a test, and the words that say it.
_RULES = {
    "epochs": (lambda v: _whole(v) and v >= 1, "a whole number of at least 1"),
    "batch_size": (lambda v: _whole(v) and v >= 2, "a whole number of at least 2"),
    "learning_rate": (lambda v: _number(v) and 0 < v < float("inf"), "a number above 0"),
    "lr_decay_every_epochs": (lambda v: _whole(v) and v >= 1, "a whole number of at least 1"),
    "lr_decay_factor": (lambda v: _number(v) and 0 < v <= 1, "a number above 0, up to 1"),
    "dropout": (lambda v: _number(v) and 0 <= v < 1, "a number from 0 to below 1"),
    "augment": (lambda v: isinstance(v, bool), "true or false"),
    "scalars": (
        lambda v: isinstance(v, list | tuple) and all(isinstance(c, str) for c in v),
        "a list of column names",
    ),
    "precision": (lambda v: v in _PRECISIONS, "float32 or bfloat16"),
}


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of RetNet's training; the defaults are the thesis' (section 3.3.2).

    Attributes
    ----------
    epochs : int
        Passes over the training subset; the weights of the last one are kept.
    batch_size : int
        Structures per step.
    learning_rate : float
        Of Adam, in the first epoch.
    lr_decay_every_epochs, lr_decay_factor : int, float
        The learning rate is multiplied by the factor after every so many epochs.
    dropout : float
        Rate of the dropout layer (section 3.3.1).
    augment : bool
        Whether samples are turned, flipped and transposed at random (section 3.3.3).
    scalars : tuple of str
        Columns of table.csv that enter beside the voxels (none in the thesis).
    precision : {"float32", "bfloat16"}
        Arithmetic of the training steps: float32 without TF32, or bfloat16 autocast. Weights and
        predictions are float32 either way.
    """

    epochs: int = 50
    batch_size: int = 64
    learning_rate: float = 1e-3
    lr_decay_every_epochs: int = 10
    lr_decay_factor: float = 0.5
    dropout: float = 0.3
    augment: bool = True
    scalars: tuple[str, ...] = ()
    precision: str = "float32"

    @classmethod
    def from_options(cls, options: dict) -> "Recipe":
        """Make a recipe from a model's options in the configuration.

        Parameters
        ----------
        options : dict
            Attribute names to values; missing ones keep the thesis' value. "type": "retnet" and
            "recipe": "thesis" may stand beside them.

        Returns
        -------
        Recipe

        Raises
        ------
        PorevoxError
            For an unknown option or a value that is not allowed.
        """
        options = dict(options)
        for key, only in (("type", "retnet"), ("recipe", "thesis")):
            if options.pop(key, only) != only:
                raise PorevoxError(f"RetNet's option {key} must be {only!r} where it is given.")
        known = [field.name for field in fields(cls)]
        for key, value in options.items():
            if key not in known:
                raise PorevoxError(f"RetNet has no option {key!r}: the options are {', '.join(known)}.")
            allowed, words = _RULES[key]
            if not allowed(value):
                raise PorevoxError(f"RetNet's option {key} must be {words}, not {value!r}.")
        options["scalars"] = tuple(options.get("scalars", ()))
        return cls(**options)

    def as_options(self) -> dict:
        """The recipe as plain values that JSON can hold.

        Returns
        -------
        dict
        """
        return {**asdict(self), "scalars": list(self.scalars)}
