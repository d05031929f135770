"""Cross-validation: the test sets of all folds together are all structures, each of them once."""

from collections.abc import Callable, Iterable

from porevox.errors import PorevoxError
from porevox.split import check_counts, count, members_of, shuffled


def random_fold(
    names: Iterable[str], seed: int, folds: int, fold: int, validation: float
) -> dict[str, list[str]]:
    """Split names for cross-validation: each name is in the test set of one fold.

    The order of :func:`porevox.split.shuffled` is cut into consecutive parts, one per fold; what
    follows a part (and goes on at the beginning) validates and trains the models that it tests. A
    name that is added moves at most one other into the next part at each cut.

    Parameters
    ----------
    names : iterable of str
        The structures to split.
    seed : int
        Seed of the order, which all folds share.
    folds : int
        Number of folds, at least 2.
    fold : int
        Which one, from 0.
    validation : float
        Fraction of all names below 1, or a number of structures.

    Returns
    -------
    dict
        As for :func:`porevox.split.random_split`.

    Raises
    ------
    PorevoxError
        If there are fewer names than folds, or nothing is left to train on.
    """
    order = shuffled(names, seed)
    start, stop = (len(order) * k // folds for k in (fold, fold + 1))
    rest = order[stop:] + order[:start]
    n_validation = count(validation, len(order))
    check_counts(len(order), stop - start, n_validation, "split.folds")
    return {
        "test": order[start:stop],
        "validation": rest[:n_validation],
        "train": rest[n_validation:],
    }


def group_fold(
    names: Iterable[str],
    group_of: Callable[[str], str],
    seed: int,
    folds: int,
    fold: int,
    validation: float,
) -> dict[str, list[str]]:
    """Split names for cross-validation so that no group stands on two sides.

    The largest group goes first and each to the fold that is smallest so far, which makes the folds'
    test sets about equal. Of the other folds' groups, in a random order of each fold's own, those that
    still fit into the validation set go there.

    Parameters
    ----------
    names : iterable of str
        The structures to split.
    group_of : callable
        Group of a name; a name without one ("") is a group of its own.
    seed : int
        Seed of the split, which all folds share.
    folds : int
        Number of folds, at least 2.
    fold : int
        Which one, from 0.
    validation : float
        Fraction of all names below 1, or a number of structures.

    Returns
    -------
    dict
        As for :func:`porevox.split.random_split`.

    Raises
    ------
    PorevoxError
        If there are fewer groups than folds, or nothing is left to train on.
    """
    groups = members_of(names, group_of)
    if len(groups) < folds:
        raise PorevoxError(
            f"{len(groups)} groups cannot be split into {folds} folds: lower split.folds, or choose another "
            "split.group_column."
        )
    test = _balanced(groups, seed, folds)[fold]
    total = sum(map(len, groups.values()))
    room = count(validation, total)
    parts: dict[str, list[str]] = {"test": [name for group in test for name in groups[group]]}
    check_counts(total, len(parts["test"]), room, "split.folds")
    parts |= {"validation": [], "train": []}
    for group in shuffled(groups.keys() - set(test), seed + fold):
        fits = len(parts["validation"]) + len(groups[group]) <= room
        parts["validation" if fits else "train"] += groups[group]
    return {subset: shuffled(part, seed) for subset, part in parts.items()}


def _balanced(groups: dict[str, list[str]], seed: int, folds: int) -> list[list[str]]:
    """Groups of each fold, so that the folds have about as many names."""
    parts: list[list[str]] = [[] for _ in range(folds)]
    sizes = [0] * folds
    for group in sorted(shuffled(groups, seed), key=lambda group: -len(groups[group])):
        smallest = sizes.index(min(sizes))
        parts[smallest].append(group)
        sizes[smallest] += len(groups[group])
    return parts
