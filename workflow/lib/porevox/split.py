"""Which structures train, validate and test a model, and in which order they are trained on."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from porevox.errors import PorevoxError
from porevox.tables import normalise_id

#: Subsets, in the order in which they are filled.
SUBSETS = ("test", "validation", "train")


def shuffled(names: Iterable[str], seed: int) -> list[str]:
    """Order names at random, but so that a name's rank does not depend on which others there are.

    Names are sorted by the SHA-256 of seed and name: adding a structure leaves the order of all
    others as it was, which a permutation drawn from a random generator would not.

    Parameters
    ----------
    names : iterable of str
        Names without duplicates.
    seed : int
        Seed of the order.

    Returns
    -------
    list of str
        The names in their order.
    """
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())


def count(share: float, total: int) -> int:
    """Return how many of ``total`` a share means: a fraction below 1, or a number as it is.

    Parameters
    ----------
    share : float
        A fraction of `total` below 1, else a number of structures.
    total : int

    Returns
    -------
    int
    """
    return round(share * total) if share < 1 else int(share)


def random_split(names: Iterable[str], seed: int, test: float, validation: float) -> dict[str, list[str]]:
    """Split names at random.

    Parameters
    ----------
    names : iterable of str
        The structures to split.
    seed : int
        Seed of the split.
    test, validation : float
        Fractions below 1, or numbers of structures.

    Returns
    -------
    dict
        ``test``, ``validation`` and ``train``, each an ordered list of names.

    Raises
    ------
    PorevoxError
        If nothing is left to train on.
    """
    order = shuffled(names, seed)
    n_test, n_validation = count(test, len(order)), count(validation, len(order))
    check_counts(len(order), n_test, n_validation)
    return {
        "test": order[:n_test],
        "validation": order[n_test : n_test + n_validation],
        "train": order[n_test + n_validation :],
    }


def group_split(
    names: Iterable[str], group_of: Callable[[str], str], seed: int, test: float, validation: float
) -> dict[str, list[str]]:
    """Split names so that no group stands on two sides.

    Groups are taken in random order; one that no longer fits into the test (then the validation)
    set goes on to the next, so that both stay at or just under the size asked for.

    Parameters
    ----------
    names : iterable of str
        The structures to split.
    group_of : callable
        Group of a name; a name without one ("") is a group of its own.
    seed : int
        Seed of the split.
    test, validation : float
        Fractions below 1, or numbers of structures.

    Returns
    -------
    dict
        As for :func:`random_split`.

    Raises
    ------
    PorevoxError
        If nothing is left to train on, or no group is small enough for the test set.
    """
    groups = members_of(names, group_of)
    total = sum(map(len, groups.values()))
    room = {"test": count(test, total), "validation": count(validation, total)}
    check_counts(total, room["test"], room["validation"])
    parts: dict[str, list[str]] = {subset: [] for subset in SUBSETS}
    for group in shuffled(groups, seed):
        members = groups[group]
        for subset in SUBSETS:
            if subset == "train" or len(parts[subset]) + len(members) <= room[subset]:
                parts[subset] += members
                break
    if not parts["test"] or not parts["train"]:
        raise PorevoxError(
            f"The {len(groups)} groups cannot be split: a test set of {room['test']} needs smaller groups; "
            "choose another split.group_column or another split.test."
        )
    return {subset: shuffled(part, seed) for subset, part in parts.items()}


def part_split(
    names: dict[str, dict[int, str]], train_part: str, test_part: str, validation: float
) -> dict[str, list[str]]:
    """Split by the parts in which voxels were published, in their published order.

    The boundary between validation and test is counted on the published names, before any of them is
    dropped for want of a label: it stays where the authors put it.

    Parameters
    ----------
    names : dict
        For each part, its usable names by their place among the published ones, from 0.
    train_part : str
        The part to train on.
    test_part : str
        The part whose first names validate, and whose others test.
    validation : float
        Number of published names, or a fraction of them below 1.

    Returns
    -------
    dict
        As for :func:`random_split`.

    Raises
    ------
    PorevoxError
        If nothing is left to train or to test on.
    """
    train = [names[train_part][place] for place in sorted(names[train_part])]
    places = sorted(names[test_part])
    held_out = [names[test_part][place] for place in places]
    boundary = count(validation, places[-1] + 1 if places else 0)
    n_validation = sum(place < boundary for place in places)
    if len(train) < 2 or n_validation == len(held_out):
        raise PorevoxError(
            f"The published part {train_part} has {len(train)} names to train on, and of the {len(held_out)} "
            f"of {test_part} {n_validation} are for validation: nothing is left to train or to test on; "
            "change split.validation or the parts."
        )
    return {"test": held_out[n_validation:], "validation": held_out[:n_validation], "train": train}


def members_of(names: Iterable[str], group_of: Callable[[str], str]) -> dict[str, list[str]]:
    """Return the names of each group.

    Parameters
    ----------
    names : iterable of str
        The structures.
    group_of : callable
        Group of a name; a name without one ("") is a group of its own.

    Returns
    -------
    dict
        Group -> names.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(group_of(name) or f"\0{name}", []).append(name)
    return groups


def check_counts(total: int, n_test: int, n_validation: int, key: str = "split.test") -> None:
    """Refuse a split that leaves nothing to test or to train.

    Parameters
    ----------
    total, n_test, n_validation : int
        Numbers of structures.
    key : str
        What sets the size of the test set, for the message.

    Raises
    ------
    PorevoxError
        Names the numbers and the keys to change.
    """
    if n_test < 1 or total - n_test - n_validation < 2:
        raise PorevoxError(
            f"{total} labelled structures cannot be split into {n_test} for test, {n_validation} for "
            f"validation and at least 2 for training; change {key} and split.validation."
        )


def read_list(path: Path | None) -> list[str]:
    """Read a list of ids, one a line; blank lines and lines that start with # do not count.

    Parameters
    ----------
    path : Path or None
        The file; None gives an empty list.

    Returns
    -------
    list of str
        Ids in the order of the file.

    Raises
    ------
    PorevoxError
        If the file cannot be read or lists an id twice.
    """
    if path is None:
        return []
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PorevoxError(f"Cannot read the split list {path}: {error}; give a text file of ids.") from error
    names = [normalise_id(line) for line in lines if line.strip() and not line.startswith("#")]
    twice = (
        next((name for name in names if names.count(name) > 1), None)
        if len(set(names)) < len(names)
        else None
    )
    if twice is not None:
        raise PorevoxError(f"The split list {path} names {twice} twice; remove one of the lines.")
    return names


def file_split(files: dict[str, Path | None]) -> dict[str, list[str]]:
    """Split by lists of ids.

    Parameters
    ----------
    files : dict
        For each of ``train``, ``validation`` and ``test`` a file for :func:`read_list`.

    Returns
    -------
    dict
        As for :func:`random_split`; names are listed whether or not they can be used.

    Raises
    ------
    PorevoxError
        If a list cannot be read, or a name stands in two of them.
    """
    parts = {subset: read_list(files[subset]) for subset in SUBSETS}
    seen: dict[str, str] = {}
    for subset, names in parts.items():
        for name in names:
            if name in seen:
                raise PorevoxError(
                    f"{name} stands in the lists for {seen[name]} and for {subset} ({files[subset]}); "
                    "remove it from one, or test results would not be honest."
                )
            seen[name] = subset
    return parts


def check_sizes(sizes: list, n_train: int, study: str) -> None:
    """Refuse training-set sizes that the train list cannot give.

    Parameters
    ----------
    sizes : list of int or str
        Sizes of the study; percentages always fit.
    n_train : int
        Length of the train list.
    study : str
        Name of the study, for the message.

    Raises
    ------
    PorevoxError
        Names the size and the largest possible one.
    """
    too_large = [size for size in sizes if isinstance(size, int) and size > n_train]
    if too_large:
        raise PorevoxError(
            f"`studies.{study}.sizes` asks for {too_large[0]} training structures, but the train list has "
            f"{n_train}: use sizes up to {n_train}, or '100%'."
        )
