"""Do the best structures stand at the top? Recall of the true top share among the predicted one.

A screening looks at the upper end only, of which R2 and rank correlations say little.
"""

import numpy as np

#: Share of the rows that counts as the top.
TOP = 0.1


def top_places(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order of values from the highest down, with equal ones side by side.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (n,), finite.

    Returns
    -------
    order : numpy.ndarray
        Shape (n,): indices, highest value first.
    starts : numpy.ndarray
        Where in that order each group of equal values begins.
    group : numpy.ndarray
        Shape (n,): number of each row's group.
    """
    order = np.argsort(-values, kind="stable")
    new = np.diff(values[order], prepend=np.inf) != 0
    group = np.empty(len(values), dtype=np.int64)
    group[order] = np.cumsum(new) - 1
    return order, np.flatnonzero(new), group


def top_shares(counts: np.ndarray, order: np.ndarray, starts: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Which part of each row's copies is among the top of a resample.

    Parameters
    ----------
    counts : numpy.ndarray
        Shape (b, n): how often each row was drawn in each of b resamples.
    order, starts, group : numpy.ndarray
        From :func:`top_places`.

    Returns
    -------
    numpy.ndarray
        Shape (b, n), from 0 to 1; equal values share what is left for them at the limit.
    """
    together = np.add.reduceat(counts[:, order], starts, axis=1)
    above = np.cumsum(together, axis=1) - together
    room = top_number(counts)[:, None] - above
    return np.clip(room / np.maximum(together, 1), 0.0, 1.0)[:, group]


def top_number(counts: np.ndarray) -> np.ndarray:
    """Number of rows in the top of each resample, shape (b,): a tenth, rounded, and at least one."""
    return np.maximum(1, np.floor(TOP * counts.sum(axis=1) + 0.5))


def top_recall(counts: np.ndarray, true_shares: np.ndarray, pred_shares: np.ndarray) -> np.ndarray:
    """Share of the true top that is in the predicted top.

    Parameters
    ----------
    counts : numpy.ndarray
        Shape (b, n).
    true_shares, pred_shares : numpy.ndarray
        Shape (b, n), from :func:`top_shares`.

    Returns
    -------
    numpy.ndarray
        Shape (b,), from 0 to 1. A prediction that is the same for all rows finds :data:`TOP` of them.
    """
    return (counts * np.minimum(true_shares, pred_shares)).sum(axis=1) / top_number(counts)
