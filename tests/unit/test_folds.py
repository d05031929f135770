"""Folds: every structure is tested once, and never by a model that saw it or its group."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porevox.errors import PorevoxError
from porevox.folds import group_fold, random_fold
from porevox.split import SUBSETS, shuffled

NAMES = [f"mof{k}" for k in range(203)]


def all_folds(names, folds, validation=0.1, seed=0):
    return [random_fold(names, seed, folds, fold, validation) for fold in range(folds)]


@pytest.mark.parametrize("folds", [2, 3, 10, 203])
def test_every_name_is_tested_once_and_each_fold_is_a_partition(folds):
    found = all_folds(NAMES, folds)
    assert sorted(name for parts in found for name in parts["test"]) == sorted(NAMES)
    for parts in found:
        assert sorted(sum((parts[subset] for subset in SUBSETS), [])) == sorted(NAMES)
        assert len(parts["validation"]) == 20
    sizes = [len(parts["test"]) for parts in found]
    assert max(sizes) - min(sizes) <= 1


def test_validation_sets_of_the_folds_differ():
    found = all_folds(NAMES, 5)
    assert not set(found[0]["validation"]) & set(found[1]["validation"])
    assert [len(parts["validation"]) for parts in all_folds(NAMES, 5, 0)] == [0] * 5
    assert [len(parts["validation"]) for parts in all_folds(NAMES, 5, 7)] == [7] * 5


def test_training_order_is_random():
    order = [NAMES.index(name) for name in random_fold(NAMES, 0, 5, 2, 0.1)["train"]]
    assert sum(b == a + 1 for a, b in zip(order, order[1:], strict=False)) < 10
    assert random_fold(NAMES, 0, 5, 0, 0.1) != random_fold(NAMES, 1, 5, 0, 0.1)
    assert random_fold(NAMES[::-1], 0, 5, 0, 0.1) == random_fold(NAMES, 0, 5, 0, 0.1)


@settings(max_examples=50)
@given(st.sets(st.text(min_size=1, max_size=4), min_size=12, max_size=60), st.text(min_size=5, max_size=6))
def test_a_new_structure_hardly_moves_others(names, new):
    def fold_of(names):
        return {name: k for k, parts in enumerate(all_folds(names, 4)) for name in parts["test"]}

    before, after = fold_of(names), fold_of(names | {new})
    moved = [name for name in names if before[name] != after[name]]
    assert len(moved) <= 3  # one at each of the three cuts
    assert all(abs(before[name] - after[name]) == 1 for name in moved)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 15), min_size=40, max_size=120), st.integers(0, 5), st.sampled_from([0, 0.1]))
def test_no_group_stands_on_two_sides(groups, seed, validation):
    group_of = {f"s{k}": f"g{g}" for k, g in enumerate(groups)}
    try:
        found = [group_fold(group_of, group_of.get, seed, 4, fold, validation) for fold in range(4)]
    except PorevoxError:
        return
    tested = [{group_of[name] for name in parts["test"]} for parts in found]
    assert sorted(name for parts in found for name in parts["test"]) == sorted(group_of)
    assert sum(map(len, tested)) == len(set(groups))
    for parts in found:
        sides = [{group_of[name] for name in parts[subset]} for subset in SUBSETS]
        assert sum(map(len, sides)) == len(set().union(*sides)) == len(set(groups))
        assert len(parts["validation"]) <= round(validation * len(groups))


def test_groups_are_balanced():
    group_of = {f"s{k}": f"g{int(k**0.5)}" for k in range(400)}  # groups of 1, 3, 5, ... 39
    sizes = [len(group_fold(group_of, group_of.get, 0, 5, fold, 0)["test"]) for fold in range(5)]
    assert sum(sizes) == 400 and max(sizes) - min(sizes) <= 5


def test_structures_without_a_group_stand_alone():
    parts = [group_fold(NAMES, lambda name: "", 0, 7, fold, 0.1) for fold in range(7)]
    assert max(Counter(len(p["test"]) for p in parts)) == 29 and len(parts[0]["validation"]) == 20


def test_what_cannot_be_split_is_said():
    with pytest.raises(
        PorevoxError, match="3 labelled structures cannot be split into 0 for test.*split.folds"
    ):
        random_fold(NAMES[:3], 0, 4, 0, 0)
    with pytest.raises(PorevoxError, match="change split.folds and split.validation"):
        random_fold(NAMES, 0, 2, 0, 0.5)
    with pytest.raises(PorevoxError, match="2 groups cannot be split into 3 folds"):
        group_fold(NAMES, lambda name: name[-1] > "4" and "a" or "b", 0, 3, 0, 0)


def test_the_order_is_that_of_a_single_split():
    assert sum((parts["test"] for parts in all_folds(NAMES, 4)), []) == shuffled(NAMES, 0)
