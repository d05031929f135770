"""Learning curves of several models on joint resamples of the test set, each scored on rows of its own.

The thesis scores RetNet on all test structures and the forest on those whose descriptors are numbers.
What is said of both together (a ratio, a crossing) then needs resamples of *all* structures, of which
each model takes those that it could predict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from porevox.errors import PorevoxError
from porevox.scores.bootstrap import resample_counts
from porevox.scores.metrics import CountScorer
from porevox.scores.scored_runs import Run, stack_predictions


@dataclass(frozen=True, eq=False)
class CurvePoint:
    """R2 of a model at one training-set size, the mean over its seeds.

    ``n_train`` is the size, ``n_used`` how many of these structures the model could learn from,
    ``n_test`` how many rows it was scored on; ``samples``, shape (resamples,), are the resampled R2.
    """

    n_train: int
    n_used: int
    n_test: int
    value: float
    samples: np.ndarray


def joint_curves(
    members: Mapping[str, Sequence[Run]], resamples: int, seed: int, common: bool = False
) -> dict[str, list[CurvePoint]]:
    """Score the runs of several models on the same resamples.

    Parameters
    ----------
    members : mapping of str to sequence of Run
        Runs of each model, of one split.
    resamples : int
        How many resamples.
    seed : int
        The bootstrap's seed; with the same rows the resamples are those of
        :func:`porevox.scores.bootstrap.bootstrap_metrics`.
    common : bool
        Score every run on the rows that all of them have, instead of on all of its own.

    Returns
    -------
    dict of str to list of CurvePoint
        In rising order of size.

    Raises
    ------
    PorevoxError
        When the runs share no row (with ``common``), have none at all, or disagree on a true value.
    """
    runs = [run for group in members.values() for run in group]
    rows = [set(run.rows["test"].index) if "test" in run.rows else set() for run in runs]
    together = set.intersection if common else set.union
    ids = sorted(together(*rows)) if rows and all(rows) else []
    if not ids:
        raise PorevoxError(
            f"The models {', '.join(members)} share no test structure: compare models of the same split."
        )
    scorers = [_scorer(group, ids) for group in _same_rows(runs)]
    values, samples = _score(scorers, len(ids), resamples, seed, len(runs))
    columns = {id(run): (column, len(places)) for group, places, _ in scorers for column, run in group}
    return {
        name: [_point(part, columns, values, samples) for part in _by_size(group)]
        for name, group in members.items()
    }


def _same_rows(runs: Sequence[Run]) -> list[list[tuple[int, Run]]]:
    """Runs with their numbers, grouped by the structures they were scored on."""
    groups: dict[tuple, list[tuple[int, Run]]] = {}
    for number, run in enumerate(runs):
        groups.setdefault(tuple(run.rows["test"].index), []).append((number, run))
    return list(groups.values())


def _scorer(group, ids):
    """A group, the places of its rows among all, and what scores them."""
    own = set(group[0][1].rows["test"].index)
    places = np.array([place for place, name in enumerate(ids) if name in own])
    stacked = stack_predictions([run for _, run in group], "test", [ids[place] for place in places])
    return group, places, CountScorer(*stacked, metrics=("R2",))


def _score(scorers, n, resamples, seed, n_runs) -> tuple[np.ndarray, np.ndarray]:
    """R2 of every run, (runs,), and in every resample, (resamples, runs)."""
    values, samples = np.empty(n_runs), np.empty((resamples, n_runs))
    for group, places, scorer in scorers:
        values[[number for number, _ in group]] = scorer(np.ones((1, len(places))))[0, :, 0]
    done = 0
    for counts in resample_counts(n, resamples, seed):
        for group, places, scorer in scorers:
            numbers = [number for number, _ in group]
            samples[done : done + len(counts), numbers] = scorer(counts[:, places])[:, :, 0]
        done += len(counts)
    return values, samples


def _by_size(runs: Sequence[Run]) -> list[list[Run]]:
    return [[run for run in runs if run.n_train == size] for size in sorted({run.n_train for run in runs})]


def _point(runs, columns, values, samples) -> CurvePoint:
    numbers = [columns[id(run)][0] for run in runs]
    first = runs[0]
    return CurvePoint(
        n_train=first.n_train,
        n_used=first.n_used,
        n_test=columns[id(first)][1],
        value=float(values[numbers].mean()),
        samples=samples[:, numbers].mean(axis=1),
    )
