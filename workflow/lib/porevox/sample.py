"""A sample of structures that is the same for everybody: chosen by a hash of their ids."""

import hashlib
from collections.abc import Iterable


def sample_rank(id: str) -> int:
    """Return a structure's place in the queue for a sample.

    Parameters
    ----------
    id : str
        Its id.

    Returns
    -------
    int
        The first 8 bytes of the sha256 of the id; as good as random, and the same everywhere.
    """
    return int.from_bytes(hashlib.sha256(id.encode()).digest()[:8])


def take_sample(ids: Iterable[str], n: int | None) -> set[str]:
    """Choose n ids, whatever their order; a smaller sample is a part of a larger one.

    Parameters
    ----------
    ids : iterable of str
        Ids to choose from.
    n : int or None
        How many; None for all, as are more than there are.

    Returns
    -------
    set of str
        Those of the lowest :func:`sample_rank`.
    """
    ids = set(ids)
    return ids if n is None or n >= len(ids) else set(sorted(ids, key=_by_rank)[:n])


def _by_rank(id: str) -> tuple[int, str]:
    return sample_rank(id), id


def left_out(ids: Iterable[str], sampled: Iterable[str]) -> set[str]:
    """Tell which of other ids are missing from a sample only because it is one.

    Parameters
    ----------
    ids : iterable of str
        Ids that are not in the sample, for instance of a table of labels.
    sampled : iterable of str
        The sample.

    Returns
    -------
    set of str
        Ids that come after all of the sample; the others would be in it if they existed.
    """
    last = max(map(_by_rank, sampled), default=None)
    return set() if last is None else {id for id in ids if _by_rank(id) > last}
