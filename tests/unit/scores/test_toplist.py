"""Recall of the top tenth, against lists sorted by hand."""

import numpy as np
import pytest

from porevox.scores.metrics import CountScorer, score
from porevox.scores.toplist import top_number, top_places, top_shares


def by_hand(y_true, y_pred):
    """Recall without ties: both lists sorted, and counted."""
    k = max(1, int(0.1 * len(y_true) + 0.5))
    best = set(np.argsort(-y_true)[:k])
    return len(best & set(np.argsort(-y_pred)[:k])) / k


@pytest.mark.parametrize("n", [3, 10, 57, 300])
def test_without_ties_it_is_counting(n):
    rng = np.random.default_rng(n)
    y_true = rng.normal(size=n)
    y_pred = y_true + rng.normal(size=n)
    assert score(y_true, y_pred, ("Top10",))["Top10"] == pytest.approx(by_hand(y_true, y_pred))
    assert score(y_true, 3 * y_true - 7, ("Top10",))["Top10"] == 1
    if n > 3:
        assert score(y_true, -y_true, ("Top10",))["Top10"] == 0


def test_copies_of_rows_count_like_rows_written_out():
    rng = np.random.default_rng(1)
    y_true, y_pred = rng.normal(size=40), rng.normal(size=(2, 40))
    counts = rng.integers(0, 4, size=(5, 40))
    found = CountScorer(y_true, y_pred, ("Top10",))(counts)[:, :, 0]
    for row, count in zip(found, counts, strict=True):
        rows = np.repeat(np.arange(40), count)
        expected = [score(y_true[rows], one[rows], ("Top10",))["Top10"] for one in y_pred]
        assert row == pytest.approx(expected)


def test_a_constant_prediction_finds_what_chance_finds():
    y_true = np.arange(200.0)
    assert score(y_true, np.ones(200), ("Top10",))["Top10"] == pytest.approx(0.1)


def test_equal_values_share_the_last_places():
    order, starts, group = top_places(np.array([5.0, 7.0, 5.0, 1.0, 5.0] + [0.0] * 15))
    counts = np.ones((1, 20), dtype=int)
    assert top_number(counts) == [2]
    shares = top_shares(counts, order, starts, group)[0]
    assert shares[:5] == pytest.approx([1 / 3, 1, 1 / 3, 0, 1 / 3]) and shares[5:].sum() == 0
