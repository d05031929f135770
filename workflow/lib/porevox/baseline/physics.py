"""Henry's law with a straight line: what the voxels tell of uptake without any learning.

The Henry coefficient K_H of a rigid framework follows from its energies alone (Widom's test particle;
:mod:`porevox.henry`); an uptake at low pressure is K_H times the pressure. The line
y = intercept + slope * x, with x = K_H or log10(K_H), is all that is fitted.
"""

from dataclasses import dataclass

import numpy as np

from porevox.baseline.crossvalidation import inner_folds

#: Options and their defaults; see the configuration's schema.
OPTIONS = {"channel": None, "abscissa": "auto", "per": "auto", "clip_quantile": 0.99}
#: Columns of the features: log10 of K_H in mol/(kg Pa), and in mol/(m3 Pa).
PER = ("mass", "volume")
ABSCISSAE = ("log10", "linear")
#: Beyond this log10 a Henry coefficient is no number of double precision.
_LARGEST_LOG10 = 300.0


@dataclass(frozen=True)
class Line:
    """A straight line over the Henry coefficient, kept within what the training subset shows.

    Attributes
    ----------
    slope, intercept : numpy.ndarray, shape (1,), float64
        In the target's unit (per unit of x).
    low, high : numpy.ndarray, shape (1,), float64
        log10(K_H) is clipped to these. A framework into which the guest does not fit has
        log10(K_H) = -inf: it is given the lowest finite value of the training subset.
    column : numpy.ndarray, shape (1,), int64
        0: K_H per mass, 1: per volume.
    linear : numpy.ndarray, shape (1,), int64
        1: x = K_H, 0: x = log10(K_H).
    """

    slope: np.ndarray
    intercept: np.ndarray
    low: np.ndarray
    high: np.ndarray
    column: np.ndarray
    linear: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Read values off the line.

        Parameters
        ----------
        features : numpy.ndarray, shape (m, 2)
            log10 of K_H in mol/(kg Pa) and in mol/(m3 Pa); -inf is legal.

        Returns
        -------
        numpy.ndarray, shape (m,), float64
            In the target's unit.
        """
        x = np.clip(np.asarray(features)[:, int(self.column[0])], self.low[0], self.high[0])
        return self.intercept[0] + self.slope[0] * (10.0**x if self.linear[0] else x)


def fit_physics(features: np.ndarray, y: np.ndarray, options: dict, seed: int, threads: int):
    """Fit the line by least squares, on the abscissa with the smallest cross-validated squared error.

    Parameters
    ----------
    features : numpy.ndarray, shape (m, 2)
        As for :meth:`Line.predict`.
    y : numpy.ndarray, shape (m,)
        In the target's unit.
    options : dict
        abscissa (auto, log10, linear), per (auto, mass, volume), clip_quantile (of the training
        subset's K_H, for a linear abscissa: one deep spurious pocket would turn the line).
    seed : int
        Of the folds that choose between abscissae.
    threads : int
        Not used.

    Returns
    -------
    model : Line
    chosen : dict
        abscissa and per.
    """
    pers = PER if options["per"] == "auto" else (options["per"],)
    abscissae = ABSCISSAE if options["abscissa"] == "auto" else (options["abscissa"],)
    candidates = [(per, abscissa) for abscissa in abscissae for per in pers]
    errors = [0.0]
    if len(candidates) > 1:
        errors = [_error(features, y, candidate, options, seed) for candidate in candidates]
    per, abscissa = candidates[int(np.argmin(errors))]
    line = _line(features, y, (per, abscissa), options["clip_quantile"])
    return line, {"abscissa": abscissa, "per": per}


def _error(features, y, candidate, options, seed) -> float:
    """Mean squared error of one abscissa, cross-validated inside the training subset."""
    total = 0.0
    for train, test in inner_folds(len(y), seed).split(features):
        line = _line(features[train], y[train], candidate, options["clip_quantile"])
        total += float(((line.predict(features[test]) - y[test]) ** 2).sum())
    return total / len(y)


def _line(features, y, candidate: tuple[str, str], clip_quantile: float) -> Line:
    """Least-squares line on one abscissa."""
    column, linear = PER.index(candidate[0]), candidate[1] == "linear"
    values = features[:, column]
    finite = values[np.isfinite(values)]
    low = high = 0.0
    if finite.size:
        low = float(finite.min())
        high = float(np.quantile(finite, clip_quantile) if linear else finite.max())
        low, high = (min(value, _LARGEST_LOG10) for value in (low, high))
    x = np.clip(values, low, high)
    x = 10.0**x if linear else x
    # in units of its own spread: K_H may be 1e-6 or 1e200
    scale = float(np.abs(x).max()) or 1.0
    above = x / scale - np.mean(x / scale)
    spread = float(above @ above)
    slope = float(above @ (y - np.mean(y))) / spread if spread > 1e-24 else 0.0
    intercept = float(np.mean(y)) - slope * float(np.mean(x / scale))
    numbers = (slope / scale, intercept, low, high)
    line = [np.array([number]) for number in (*numbers, column, int(linear))]
    return Line(*line)
