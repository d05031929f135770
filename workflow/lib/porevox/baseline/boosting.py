"""Gradient-boosted trees as plain arrays: grown by scikit-learn, kept and read without pickle."""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from porevox.baseline.crossvalidation import inner_folds
from porevox.baseline.histogram import HISTOGRAM_OPTIONS

#: Options handed on to scikit-learn, with its defaults.
_TREES = {
    "learning_rate": 0.1,
    "max_iter": 100,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
    "l2_regularization": 0.0,
}
#: Options and their defaults.
OPTIONS = {
    "features": "descriptors",
    "descriptors": None,
    "channels": None,
    "transform": None,
    **_TREES,
    **HISTOGRAM_OPTIONS,
}
#: Trees among which cross-validation chooses where max_iter is None.
MOST_TREES = 1000


@dataclass(frozen=True)
class Boosting:
    """Boosted trees as flat arrays: plain data, read without running code.

    The nodes of tree t are tree_offsets[t] : tree_offsets[t + 1]; children count from the tree's
    first node and are 0 for a leaf, as in scikit-learn.

    Attributes
    ----------
    tree_offsets : numpy.ndarray, shape (trees + 1,), int64
    left, right, feature : numpy.ndarray, shape (nodes,), int32
    threshold, value : numpy.ndarray, shape (nodes,), float64
        A sample goes left when its feature is <= threshold; value is in the target's unit.
    baseline : numpy.ndarray, shape (1,), float64
        What the trees add to, in the target's unit.
    """

    tree_offsets: np.ndarray
    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    value: np.ndarray
    baseline: np.ndarray

    @classmethod
    def from_sklearn(cls, model: HistGradientBoostingRegressor) -> "Boosting":
        """Flatten fitted trees of one target; features with missing values are not provided for.

        Parameters
        ----------
        model : sklearn.ensemble.HistGradientBoostingRegressor

        Returns
        -------
        Boosting
        """
        trees = [stage[0].nodes for stage in model._predictors]
        names = {"left": "left", "right": "right", "feature": "feature_idx"}
        names |= {"threshold": "num_threshold", "value": "value"}
        arrays = {name: np.concatenate([tree[there] for tree in trees]) for name, there in names.items()}
        arrays |= {name: arrays[name].astype(np.int32) for name in ("left", "right", "feature")}
        offsets = np.cumsum([0, *map(len, trees)]).astype(np.int64)
        start = np.asarray(model._baseline_prediction, dtype=np.float64).reshape(1)
        return cls(tree_offsets=offsets, **arrays, baseline=start)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predict.

        Parameters
        ----------
        features : numpy.ndarray, shape (m, k)
            Finite.

        Returns
        -------
        numpy.ndarray, shape (m,), float64
            In the target's unit.
        """
        x = np.asarray(features, dtype=np.float64)
        total = np.full(len(x), self.baseline[0])
        for first in self.tree_offsets[:-1]:
            total += self.value[first + self._leaves(x, first)]
        return total

    def _leaves(self, x: np.ndarray, first: int) -> np.ndarray:
        """Leaf of each sample in the tree whose first node is given, all samples level by level."""
        node = np.zeros(len(x), dtype=np.int64)
        moving = np.arange(len(x))
        while len(moving):
            at = first + node[moving]
            moving, at = (a[self.left[at] > 0] for a in (moving, at))
            low = x[moving, self.feature[at]] <= self.threshold[at]
            node[moving] = np.where(low, self.left[at], self.right[at])
        return node


def fit_boosting(features: np.ndarray, y: np.ndarray, options: dict, seed: int, threads: int):
    """Boost trees with squared error, without early stopping, which would cost training structures.

    Parameters
    ----------
    features : numpy.ndarray, shape (m, k)
    y : numpy.ndarray, shape (m,)
        In the target's unit.
    options : dict
        scikit-learn's learning_rate, max_iter (None: chosen by cross-validation, at most
        MOST_TREES), max_leaf_nodes, min_samples_leaf and l2_regularization.
    seed : int
        Of the folds; the trees themselves hardly depend on it.
    threads : int
        Not used: with several, sums would be taken in another order.

    Returns
    -------
    model : Boosting
    chosen : dict
        max_iter.
    """
    trees = {name: options[name] for name in _TREES}
    with threadpool_limits(1):
        if trees["max_iter"] is None:
            trees["max_iter"] = _choose_trees(features, y, trees, seed)
        model = _grow(features, y, trees, seed)
    return Boosting.from_sklearn(model), {"max_iter": trees["max_iter"]}


def _grow(x, y, trees: dict, seed: int) -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(**trees, early_stopping=False, random_state=seed).fit(x, y)


def _choose_trees(x, y, trees: dict, seed: int) -> int:
    """Number of trees with the smallest cross-validated squared error inside the training subset."""
    squares = np.zeros(MOST_TREES)
    for train, test in inner_folds(len(y), seed).split(x):
        model = _grow(x[train], y[train], trees | {"max_iter": MOST_TREES}, seed)
        for k, y_pred in enumerate(model.staged_predict(x[test])):
            squares[k] += float(((y_pred - y[test]) ** 2).sum())
    return int(np.argmin(squares)) + 1
