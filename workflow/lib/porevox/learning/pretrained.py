"""Weights of another run as a start: what must agree, and who has been trained on already.

Voxels and scalars are then standardised with the statistics of that run, for which its weights were
made; the output layer begins afresh, since it carries the target's mean and scale.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from porevox.errors import PorevoxError
from porevox.learning.modelfile import read_meta
from porevox.learning.retnet import RetNet
from porevox.learning.voxelset import Dataset

log = logging.getLogger("porevox")

#: File of a run's folder that lists every structure its weights have been trained on.
TRAIN_IDS = "train_ids.txt"
#: Stands in that file instead of the structures that nobody knows.
_UNKNOWN = "# trained before on structures that nobody knows"
#: Layers that belong to the target, not to the structures.
_OF_THE_TARGET = ("output.", "skip.")


@dataclass(frozen=True)
class Pretrained:
    """A run that gives its weights to another one.

    Attributes
    ----------
    folder : Path
    meta : dict
        Content of its model.json.
    weights : dict of torch.Tensor
        All layers.
    sha256 : str
        Of model.safetensors.
    train_ids : frozenset of str or None
        Structures that the weights have been trained on; None where nothing says so.
    """

    folder: Path
    meta: dict
    weights: dict[str, torch.Tensor]
    sha256: str
    train_ids: frozenset[str] | None

    def start(self) -> dict[str, torch.Tensor]:
        """Weights of the layers that another target can begin with.

        Returns
        -------
        dict of str to torch.Tensor
            By name of the parameter.
        """
        return {k: v for k, v in self.weights.items() if not k.startswith(_OF_THE_TARGET)}


def load_pretrained(folder: str | Path) -> Pretrained:
    """Read a run's weights.

    Parameters
    ----------
    folder : path-like
        Holds model.safetensors and model.json, and train_ids.txt where there is one.

    Returns
    -------
    Pretrained

    Raises
    ------
    PorevoxError
        When a file is missing or broken, or holds no RetNet.
    """
    folder = Path(folder)
    meta = read_meta(folder, "retnet")
    try:
        content = (folder / "model.safetensors").read_bytes()
        weights = load(content)
        listed = folder / TRAIN_IDS
        ids = frozenset(listed.read_text(encoding="utf-8").splitlines()) if listed.exists() else None
        ids = None if ids and _UNKNOWN in ids else ids
    except (OSError, SafetensorError, ValueError) as error:
        raise PorevoxError(
            f"The weights in {folder}, named by init_from, cannot be read ({error}): train that model again."
        ) from error
    return Pretrained(folder, meta, weights, hashlib.sha256(content).hexdigest(), ids)


def check_inputs(pretrained: Pretrained, meta: dict) -> None:
    """Refuse weights that were made for another input.

    Parameters
    ----------
    pretrained : Pretrained
    meta : dict
        What model.json of the new run will say of grid, transform, channels and scalars.

    Raises
    ------
    PorevoxError
        Names the first field that differs, and both values.
    """
    there, here = dict(_input_fields(pretrained.meta)), dict(_input_fields(meta))
    for field in {**there, **here}:
        if there.get(field) != here.get(field):
            raise PorevoxError(
                f"The weights in {pretrained.folder} cannot be a start, since {field} was "
                f"{there.get(field)!r} there and is {here.get(field)!r} here: use the same input, or another "
                "run in init_from."
            )


def _input_fields(meta: dict) -> Iterator[tuple[str, object]]:
    """Everything that says what the network's input means, as (name, value)."""
    yield from ((f"grid.{key}", value) for key, value in meta["grid"].items())
    yield "number of channels", len(meta["channels"])
    for number, channel in enumerate(meta["channels"]):
        yield f"channel {number}: quantity", channel["quantity"]
        yield f"channel {number}: forcefield", channel.get("forcefield")
        for key, value in channel.get("settings", {}).items():
            yield f"channel {number}: {key}", value
    yield from ((f"transform.{key}", value) for key, value in _transform_fields(meta))
    yield "scalars", [*meta["scalars"]["columns"], *meta["scalars"].get("computed", ())]


def _transform_fields(meta: dict) -> Iterator[tuple[str, object]]:
    """What of the transform counts: a study's leaves out what is nothing to it, a model's own is complete."""
    transform, idle = meta["transform"], set()
    # The pressure means nothing to a Boltzmann factor: weights may move on to another pressure.
    if transform["kind"] != "occupancy":
        idle |= {"site_volume_A3"} if meta["scalars"].get("computed") else {"site_volume_A3", "pressure_bar"}
    if all(channel["quantity"] != "potential" for channel in meta["channels"]):
        idle.add("potential_limit_V")
    yield from ((key, value) for key, value in transform.items() if key not in idle)


def check_layers(pretrained: Pretrained, architecture: dict) -> None:
    """Refuse weights of another architecture.

    Parameters
    ----------
    pretrained : Pretrained
    architecture : dict
        Arguments of :class:`porevox.learning.retnet.RetNet`.

    Raises
    ------
    PorevoxError
        Names the first layer that differs, and both shapes.
    """
    with torch.device("meta"):
        wanted = RetNet(**architecture).state_dict()
    there = {k: tuple(v.shape) for k, v in pretrained.start().items()}
    here = {k: tuple(v.shape) for k, v in wanted.items() if not k.startswith(_OF_THE_TARGET)}
    for layer in {**here, **there}:
        if there.get(layer) != here.get(layer):
            shapes = [str(s[layer]) if layer in s else "missing" for s in (there, here)]
            raise PorevoxError(
                f"The weights in {pretrained.folder} are of another architecture: the shape of {layer} is "
                f"{shapes[0]} there and {shapes[1]} here; use the same options padding, pooling and scalars."
            )
    for option in ("padding", "pooling"):
        values = [a.get(option) for a in (pretrained.meta["architecture"], architecture)]
        if values[0] != values[1]:
            raise PorevoxError(
                f"The weights in {pretrained.folder} are of another architecture: the option {option} was "
                f"{values[0]!r} there and is {values[1]!r} here."
            )


def check_overlap(pretrained: Pretrained, dataset: Dataset, allow_overlap: bool) -> dict:
    """Refuse weights that have seen test structures.

    Parameters
    ----------
    pretrained : Pretrained
    dataset : Dataset
        Of the new study.
    allow_overlap : bool
        Only say so.

    Returns
    -------
    dict
        For run.json: n_test_seen, n_validation_seen (None where nobody knows).

    Raises
    ------
    PorevoxError
        Unless allow_overlap: when a test structure is among those trained on, or nobody knows.
    """
    if pretrained.train_ids is None:
        if not allow_overlap:
            raise PorevoxError(
                f"{pretrained.folder} has no complete {TRAIN_IDS}, so nobody knows whether its weights have "
                "been trained on test structures: train it again, or set allow_overlap to true."
            )
        return {"n_test_seen": None, "n_validation_seen": None}
    rows = dataset.table
    seen = {
        f"n_{subset}_seen": int(rows.loc[rows["subset"] == subset, "id"].isin(pretrained.train_ids).sum())
        for subset in ("test", "validation")
    }
    if seen["n_test_seen"] and not allow_overlap:
        raise PorevoxError(
            f"{seen['n_test_seen']} test structures are among those that the weights in {pretrained.folder} "
            "have been trained on: give both studies the same split and seed, or set allow_overlap to true."
        )
    if any(seen.values()):
        log.warning("the weights started from have been trained on structures held out here: %s", seen)
    return seen


def trained_on(ids: Iterable[str], pretrained: Pretrained | None) -> str:
    """Content of train_ids.txt.

    Parameters
    ----------
    ids : iterable of str
        Of this run's training subset.
    pretrained : Pretrained, optional
        The run it started from: its weights remember what they have seen.

    Returns
    -------
    str
        One id a line, sorted; a remark stands among them where nobody knows all of them.
    """
    before = frozenset() if pretrained is None else pretrained.train_ids
    before = frozenset([_UNKNOWN]) if before is None else before
    return "".join(f"{name}\n" for name in sorted(before.union(ids)))
