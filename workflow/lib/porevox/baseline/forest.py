"""A random forest as plain arrays: grown by scikit-learn, kept and read without pickle."""

from dataclasses import dataclass

import numpy as np

from porevox.errors import PorevoxError

#: Options handed on to scikit-learn; its defaults are the thesis' (section 3.3).
FOREST_OPTIONS = (
    "n_estimators",
    "criterion",
    "max_depth",
    "min_samples_split",
    "min_samples_leaf",
    "max_features",
    "max_leaf_nodes",
    "bootstrap",
    "max_samples",
)
#: Types of the forest's arrays on disk.
_DTYPES = {
    "tree_offsets": np.int64,
    "children_left": np.int32,
    "children_right": np.int32,
    "feature": np.int32,
    "threshold": np.float64,
    "value": np.float64,
}


@dataclass(frozen=True)
class Forest:
    """A random forest as flat arrays: plain data, read without running code.

    The nodes of tree t are tree_offsets[t] : tree_offsets[t + 1]; children count from the tree's
    first node and are -1 for a leaf, as in scikit-learn.

    Attributes
    ----------
    tree_offsets : numpy.ndarray, shape (trees + 1,)
    children_left, children_right, feature : numpy.ndarray, shape (nodes,), int
    threshold, value : numpy.ndarray, shape (nodes,), float64
        A sample goes left when its feature is <= threshold; value is in the target's unit.
    """

    tree_offsets: np.ndarray
    children_left: np.ndarray
    children_right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    value: np.ndarray

    @classmethod
    def from_sklearn(cls, model) -> "Forest":
        """Flatten a fitted scikit-learn forest of one target.

        Parameters
        ----------
        model : sklearn.ensemble.RandomForestRegressor

        Returns
        -------
        Forest
        """
        trees = [estimator.tree_ for estimator in model.estimators_]
        arrays = {
            name: np.concatenate([getattr(tree, name).ravel() for tree in trees])
            for name in ("children_left", "children_right", "feature", "threshold", "value")
        }
        arrays["tree_offsets"] = np.cumsum([0, *(tree.node_count for tree in trees)])
        return cls(**{name: arrays[name].astype(dtype) for name, dtype in _DTYPES.items()})

    def predict(self, descriptors: np.ndarray) -> np.ndarray:
        """Mean prediction of the trees.

        Parameters
        ----------
        descriptors : numpy.ndarray, shape (m, k)
            Columns in the order of model.json's "descriptors"; finite.

        Returns
        -------
        numpy.ndarray, shape (m,), float64
            In the target's unit; equal to scikit-learn's own prediction with one thread, whose
            order of summation does not depend on the machine's load.
        """
        # scikit-learn grows and reads its trees on float32 features.
        x = np.asarray(descriptors, dtype=np.float32)
        total = np.zeros(len(x))
        for first in self.tree_offsets[:-1]:
            total += self.value[first + self._leaves(x, first)]
        return total / (len(self.tree_offsets) - 1)

    def _leaves(self, x: np.ndarray, first: int) -> np.ndarray:
        """Leaf of each sample in the tree whose first node is given, all samples level by level."""
        node = np.zeros(len(x), dtype=np.int64)
        moving = np.arange(len(x))
        while len(moving):
            at = first + node[moving]
            moving, at = (a[self.children_left[at] >= 0] for a in (moving, at))
            left = x[moving, self.feature[at]] <= self.threshold[at]
            node[moving] = np.where(left, self.children_left[at], self.children_right[at])
        return node


def fit_forest(descriptors, y, options: dict, seed: int, threads: int) -> tuple[Forest, dict]:
    """Grow a random forest with scikit-learn's defaults (thesis 3.3).

    Parameters
    ----------
    descriptors : numpy.ndarray, shape (m, k)
    y : numpy.ndarray, shape (m,)
        In the target's unit.
    options : dict
        Of FOREST_OPTIONS.
    seed, threads : int
        The forest depends on the seed, not on the threads.

    Returns
    -------
    model : Forest
    chosen : dict
        Empty: nothing is chosen by cross-validation.

    Raises
    ------
    PorevoxError
        When scikit-learn refuses an option's value.
    """
    from sklearn.ensemble import RandomForestRegressor

    try:
        given = {name: options[name] for name in FOREST_OPTIONS if name in options}
        model = RandomForestRegressor(**given, random_state=seed, n_jobs=threads)
        model.fit(descriptors, y)
    except ValueError as error:
        words = str(error).split(" Got ")[0]
        raise PorevoxError(f"The random forest cannot be grown: {words}") from error
    return Forest.from_sklearn(model), {}
