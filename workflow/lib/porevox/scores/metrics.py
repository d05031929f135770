"""How good predictions are: R2, MAE, RMSE, Spearman's rho and top recall, on a set or on many resamples.

A resample of n rows drawn with replacement is n *counts* (how often each row was drawn), so every
metric is written as a function of counts; the metrics of the set itself are those of counts of one.
Nothing is expanded or sorted again, which makes 10,000 resamples of 27,438 rows affordable.
"""

from collections.abc import Sequence

import numpy as np

from porevox.scores.ranks import doubled_ranks, rank_products, tie_groups
from porevox.scores.toplist import top_places, top_recall, top_shares

METRICS = ("R2", "MAE", "RMSE", "Spearman")
#: Those that a model is scored with, what a screening needs included.
SCORES = (*METRICS, "Top10")


class CountScorer:
    """Metrics of several predictions of the same rows, as functions of the rows' counts.

    Parameters
    ----------
    y_true : numpy.ndarray
        True values, shape (n,), in the target's unit.
    y_pred : numpy.ndarray
        Predicted values, shape (k, n): one row for each of k models (or seeds), same unit.
    metrics : sequence of str
        Which of :data:`SCORES`, in the order wanted.

    Raises
    ------
    ValueError
        When the shapes do not agree, there is no row, or a value is not finite.

    Notes
    -----
    R2 is 1 - SS_res / SS_tot against the mean of the (re)sampled rows themselves (thesis, equation
    3.5), as in :func:`sklearn.metrics.r2_score`; where all drawn true values are equal (always so
    for one row) it is undefined: NaN. Spearman's rho is Pearson's r of average ranks, as in
    :func:`scipy.stats.spearmanr`; NaN where either side is constant. Top10 is the share of the
    truly highest tenth that is among the predicted highest tenth (:mod:`porevox.scores.toplist`).
    """

    def __init__(self, y_true: np.ndarray, y_pred: np.ndarray, metrics: Sequence[str] = METRICS):
        y_true, y_pred = np.asarray(y_true, float), np.atleast_2d(np.asarray(y_pred, float))
        if y_true.ndim != 1 or y_true.size == 0 or y_pred.shape[1:] != y_true.shape:
            raise ValueError(f"true values {y_true.shape} and predictions {y_pred.shape} disagree")
        if not (np.isfinite(y_true).all() and np.isfinite(y_pred).all()):
            raise ValueError("true values and predictions must be finite")
        self.metrics = tuple(metrics)
        self.y_true = y_true
        centred = y_true - y_true.mean()  # keeps SS_tot accurate when the mean dwarfs the spread
        errors = y_true - y_pred
        self._moments = np.vstack([centred, centred**2, errors**2, np.abs(errors)]).T.copy()
        if "Spearman" in self.metrics:
            self._true_groups = tie_groups(y_true)
            self._pred_groups = [tie_groups(row) for row in y_pred]
        if "Top10" in self.metrics:
            self._places = [top_places(row) for row in (y_true, *y_pred)]

    def __call__(self, counts: np.ndarray) -> np.ndarray:
        """Score each resample.

        Parameters
        ----------
        counts : numpy.ndarray
            Shape (b, n), whole numbers: how often each row was drawn in each of b resamples; no
            resample is empty.

        Returns
        -------
        numpy.ndarray
            Shape (b, k, number of metrics), NaN where a metric is undefined.
        """
        counts = np.ascontiguousarray(counts, dtype=np.int32)
        total = counts.sum(axis=1).astype(float)
        sums = counts.astype(float) @ self._moments
        k = (sums.shape[1] - 2) // 2
        mean_square, mean_absolute = sums[:, 2 : 2 + k], sums[:, 2 + k :]
        mean_square, mean_absolute = mean_square / total[:, None], mean_absolute / total[:, None]
        found = {"MAE": mean_absolute, "RMSE": np.sqrt(mean_square)}
        if "R2" in self.metrics:
            variance = self._variance(counts, total, sums)
            found["R2"] = 1.0 - mean_square / variance[:, None]
        if "Spearman" in self.metrics:
            found["Spearman"] = self._spearman(counts, total)
        if "Top10" in self.metrics:
            true, *predicted = (top_shares(counts, *places) for places in self._places)
            found["Top10"] = np.stack([top_recall(counts, true, one) for one in predicted], axis=1)
        return np.stack([found[metric] for metric in self.metrics], axis=-1)

    def _variance(self, counts: np.ndarray, total: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Variance of the true values in each resample, (b,), NaN where they are all equal."""
        variance = sums[:, 1] / total - (sums[:, 0] / total) ** 2
        # The difference of two sums loses digits when few distinct values were drawn (and never
        # gives an exact zero): those resamples are done again in two passes.
        for resample in np.flatnonzero(variance <= 1e-6 * sums[:, 1] / total):
            drawn = counts[resample] > 0
            values, weights = self.y_true[drawn], counts[resample, drawn]
            if np.ptp(values) == 0:
                variance[resample] = np.nan
                continue
            offsets = values - values[0]
            offsets -= np.average(offsets, weights=weights)
            variance[resample] = np.average(offsets**2, weights=weights)
        return variance

    def _spearman(self, counts: np.ndarray, total: np.ndarray) -> np.ndarray:
        """Spearman's rho of each prediction in each resample, (b, k)."""
        ranks, true_cubes = doubled_ranks(counts, *self._true_groups)
        weighted = counts * ranks
        rho = np.empty((counts.shape[0], len(self._pred_groups)))
        for column, groups in enumerate(self._pred_groups):
            products, pred_cubes = rank_products(counts, weighted, *groups)
            # Doubled ranks sum to total (total + 1); their squares follow from the ties' cubes.
            covariance = 3.0 * (products - total * (total + 1.0) ** 2)
            spread = np.sqrt((total**3 - true_cubes) * (total**3 - pred_cubes))
            defined = spread > 0
            rho[:, column] = np.where(defined, covariance, np.nan) / np.where(defined, spread, 1.0)
        return np.clip(rho, -1.0, 1.0)


def score(y_true: np.ndarray, y_pred: np.ndarray, metrics: Sequence[str] = METRICS) -> dict[str, float]:
    """Score one prediction of one set of rows.

    Parameters
    ----------
    y_true, y_pred : numpy.ndarray
        True and predicted values, shape (n,), in the target's unit.
    metrics : sequence of str
        Which of :data:`SCORES`.

    Returns
    -------
    dict of str to float
        R2, Spearman and Top10 without unit, MAE and RMSE in the target's unit; NaN where undefined.

    Raises
    ------
    ValueError
        When the shapes do not agree, there is no row, or a value is not finite.
    """
    y_true = np.asarray(y_true, float)
    values = CountScorer(y_true, y_pred, metrics)(np.ones((1, y_true.size)))[0, 0]
    return dict(zip(metrics, values.tolist(), strict=True))
