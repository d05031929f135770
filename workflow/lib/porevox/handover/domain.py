"""Where a model has been trained: distances to its training structures, and what lies beyond them.

What a model makes of a structure before its last step (RetNet: the 20 numbers of its fingerprint, one
set per seed, and the scalars it is given; other models: their features) is a point in a space in which
structures that the model takes for similar are near. Each component is divided by its standard
deviation over the training structures. The unit of distance is the model's own: what 99 % of the
training structures do not exceed to the nearest *other* training structure.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from scipy.spatial import cKDTree

from porevox.errors import PorevoxError
from porevox.figures.principal_axes import principal_axes
from porevox.learning.runs import write_atomically, write_csv

ARRAYS, IDS = "training.safetensors", "training.csv"
#: Share of the training structures that are, by definition, not far from the others.
TYPICAL = 0.99
#: Components further than so many standard deviations outside the training range count as this far.
_REACH = 10.0


@dataclass(frozen=True, eq=False)
class Domain:
    """The training structures of a model.

    Attributes
    ----------
    ids, sha256 : numpy.ndarray of str, shape (m,)
        Names, and checksums of the CIFs ("" where nobody knows).
    labels : numpy.ndarray, shape (m,), float64
        True values in the target's unit.
    vectors : numpy.ndarray, shape (m, k), float32
        See the module's description.
    """

    ids: np.ndarray
    sha256: np.ndarray
    labels: np.ndarray
    vectors: np.ndarray

    @cached_property
    def _bounds(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How far each component may reach, and its standard deviation."""
        low, high, std = _ranges(self.vectors)
        return low - _REACH * std, high + _REACH * std, std

    @cached_property
    def _points(self) -> np.ndarray:
        return self._scaled(self.vectors)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self._points)

    def _scaled(self, vectors: np.ndarray) -> np.ndarray:
        low, high, std = self._bounds
        vectors = np.nan_to_num(np.asarray(vectors, np.float64), nan=0.0, posinf=np.inf, neginf=-np.inf)
        return np.clip(vectors, low, high) / std

    def unit(self) -> float:
        """Distance that :data:`TYPICAL` of the training structures do not exceed to the nearest other one."""
        if len(self.ids) < 2:
            return 1.0
        nearest, _ = self._tree.query(self._points, k=2)
        return float(np.quantile(nearest[:, 1], TYPICAL)) or 1.0

    def nearest(self, vectors: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray]:
        """Distance to the nearest training structure, and which one it is.

        Parameters
        ----------
        vectors : numpy.ndarray, shape (n, k)
        unit : float
            See :meth:`unit`.

        Returns
        -------
        distance : numpy.ndarray, shape (n,), float64
            In that unit.
        ids : numpy.ndarray of str, shape (n,)
        """
        if not len(vectors):
            return np.empty(0), np.empty(0, dtype=str)
        distance, place = self._tree.query(self._scaled(vectors))
        return distance / unit, self.ids[place]

    def map(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places on the training structures' first two principal components.

        Parameters
        ----------
        vectors : numpy.ndarray, shape (n, k)

        Returns
        -------
        places : numpy.ndarray, shape (n, 2), float64
        explained : numpy.ndarray, shape (2,)
            Part of the training structures' variance along each.
        """
        centre = self._points.mean(axis=0)
        along, explained = _axes(self._points - centre)
        return (self._scaled(vectors) - centre) @ along, explained


def _ranges(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lowest and highest finite value and standard deviation of each component."""
    finite = np.where(np.isfinite(vectors), vectors, np.nan).astype(np.float64)
    empty = np.isnan(finite).all(axis=0)
    finite[:, empty] = 0.0
    std = np.nanstd(finite, axis=0)
    # what is constant but for rounding tells nothing
    std[std <= 1e-6 * np.nanmax(np.abs(finite), axis=0)] = 0.0
    low, high = np.nanmin(finite, axis=0), np.nanmax(finite, axis=0)
    return low, high, np.where(std > 0, std, 1.0)


def _axes(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First two principal directions, (k, 2), and the variance along them."""
    k = points.shape[1]
    places, explained = principal_axes(points, min(2, k))
    along = np.zeros((k, 2))
    weight = (places**2).sum(axis=0)
    found = weight > 0
    along[:, : places.shape[1]][:, found] = points.T @ places[:, found] / weight[found]
    return along, np.pad(explained, (0, 2 - len(explained)))


def write_domain(domain: Domain, folder: Path) -> None:
    """Write the training structures of a model into its folder.

    Parameters
    ----------
    domain : Domain
    folder : path-like
        Receives training.safetensors and training.csv.
    """
    folder = Path(folder)
    arrays = {"vectors": np.ascontiguousarray(domain.vectors, dtype=np.float32)}
    write_atomically(folder / ARRAYS, save(arrays))
    columns = {"id": domain.ids, "sha256": domain.sha256, "y_true": domain.labels}
    write_csv(folder / IDS, pd.DataFrame(columns))


def read_domain(folder: Path) -> Domain:
    """Read the training structures of a model.

    Parameters
    ----------
    folder : path-like
        A model's folder.

    Returns
    -------
    Domain

    Raises
    ------
    PorevoxError
        A file is missing or broken, or the two do not belong together.
    """
    folder = Path(folder)
    try:
        # an id may read "NA" or "007"
        table = pd.read_csv(folder / IDS, dtype={"id": str, "sha256": str}, keep_default_na=False)
        vectors = load_file(folder / ARRAYS)["vectors"]
        columns = [
            table[name].to_numpy(float if name == "y_true" else str) for name in ("id", "sha256", "y_true")
        ]
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise PorevoxError(
            f"The training structures in {folder} cannot be read ({error}): get the model's folder again."
        ) from error
    if vectors.ndim != 2 or len(vectors) != len(table):
        raise PorevoxError(f"{folder / ARRAYS} does not belong to {IDS} beside it: get the folder again.")
    ids, sha256, labels = columns
    return Domain(ids, sha256, labels, vectors)
