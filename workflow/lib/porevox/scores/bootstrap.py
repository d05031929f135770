"""Percentile bootstrap of the test set (Efron and Tibshirani 1994; thesis, section 3.3).

The interval says how much a metric would move had other structures been drawn into the test set.
It says nothing about retraining: the models stay as they are.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from porevox.scores.metrics import METRICS, CountScorer

#: Counts held at a time; a few arrays of this many numbers exist at once (20 MB).
BLOCK_ELEMENTS = 250_000


def resample_counts(n: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Draw resamples of n rows with replacement, as counts.

    The draws depend on ``seed``, ``n`` and the resample's number alone, so models scored on the
    same rows (in the same order) see the same resamples and their metrics can be compared in pairs.

    Parameters
    ----------
    n : int
        Number of rows in the set, and in each resample.
    resamples : int
        How many resamples.
    seed : int
        The bootstrap's seed, not negative.

    Yields
    ------
    numpy.ndarray
        Shape (b, n) int32, each row sums to n; the b add up to ``resamples``.
    """
    rng = np.random.default_rng([seed, n])
    block = max(1, min(resamples, BLOCK_ELEMENTS // n))
    for start in range(0, resamples, block):
        width = min(block, resamples - start)
        # One bincount for the block: resample j's draws are shifted into the j-th run of n bins.
        draws = rng.integers(0, n, size=(width, n))
        draws += n * np.arange(width)[:, None]
        counts = np.bincount(draws.ravel(), minlength=width * n)
        yield counts.reshape(width, n).astype(np.int32)


def bootstrap_metrics(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    resamples: int,
    seed: int,
    metrics: Sequence[str] = METRICS,
) -> np.ndarray:
    """Score k predictions on the same resamples of their rows.

    Parameters
    ----------
    y_true : numpy.ndarray
        True values, shape (n,), in the target's unit, in a fixed order of rows (sorted ids).
    y_pred : numpy.ndarray
        Predictions, shape (k, n), same unit and order.
    resamples : int
        How many resamples (10,000 in the thesis).
    seed : int
        The bootstrap's seed, not negative.
    metrics : sequence of str
        Which of :data:`porevox.scores.metrics.SCORES`.

    Returns
    -------
    numpy.ndarray
        Shape (resamples, k, number of metrics); NaN where a resample leaves a metric undefined.

    Raises
    ------
    ValueError
        When the shapes do not agree, there is no row, or a value is not finite.
    """
    scorer = CountScorer(y_true, y_pred, metrics)
    blocks = [scorer(counts) for counts in resample_counts(len(y_true), resamples, seed)]
    return np.concatenate(blocks)


def percentile_interval(samples: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Bounds between which the middle ``confidence`` of the resampled values lie.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (resamples, ...). NaN (a resample on which the metric is undefined, which happens for
        a handful of rows only) is left out.
    confidence : float
        Between 0 and 1, 0.95 for a 95 % interval.

    Returns
    -------
    low, high : numpy.ndarray
        Shape of one sample; NaN where no resample defines the metric.

    Raises
    ------
    ValueError
        When ``confidence`` does not lie between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    samples = np.asarray(samples, float)
    columns = samples.reshape(samples.shape[0], -1)
    bounds = np.full((2, columns.shape[1]), np.nan)
    levels = [(1 - confidence) / 2, (1 + confidence) / 2]
    for column in range(columns.shape[1]):
        defined = columns[:, column][~np.isnan(columns[:, column])]
        if defined.size:
            bounds[:, column] = np.quantile(defined, levels)
    low, high = bounds.reshape(2, *samples.shape[1:])
    return low, high
