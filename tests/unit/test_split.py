"""Splits: disjoint, complete, nested, stable, and honest about groups."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porevox.errors import PorevoxError
from porevox.split import (
    SUBSETS,
    check_sizes,
    count,
    file_split,
    group_split,
    part_split,
    random_split,
    read_list,
    shuffled,
)

NAMES = [f"mof{k}" for k in range(200)]


def test_random_split_is_a_partition_of_the_right_sizes():
    parts = random_split(NAMES, 0, 0.2, 0.1)
    assert {subset: len(parts[subset]) for subset in SUBSETS} == {"test": 40, "validation": 20, "train": 140}
    assert sorted(parts["test"] + parts["validation"] + parts["train"]) == sorted(NAMES)


def test_counts_and_an_empty_validation_set():
    parts = random_split(NAMES, 0, 50, 0)
    assert len(parts["test"]) == 50 and parts["validation"] == [] and len(parts["train"]) == 150


def test_seeds_matter_and_the_order_of_names_does_not():
    assert random_split(NAMES, 0, 0.2, 0.1) == random_split(NAMES[::-1], 0, 0.2, 0.1)
    assert random_split(NAMES, 0, 0.2, 0.1) != random_split(NAMES, 1, 0.2, 0.1)


@given(st.sets(st.text(min_size=1, max_size=4), min_size=3, max_size=40), st.text(min_size=5, max_size=6))
def test_a_new_structure_moves_no_other(names, new):
    before, after = shuffled(names, 0), shuffled(names | {new}, 0)
    assert [name for name in after if name != new] == before


def test_order_is_random_rather_than_sorted():
    order = shuffled(NAMES, 0)
    neighbours = sum(NAMES.index(b) == NAMES.index(a) + 1 for a, b in zip(order, order[1:], strict=False))
    assert neighbours < 10


@settings(max_examples=50)
@given(
    st.lists(st.integers(0, 15), min_size=30, max_size=120), st.integers(0, 5), st.sampled_from([0, 0.1, 0.2])
)
def test_no_group_stands_on_two_sides(groups, seed, validation):
    group_of = {f"s{k}": f"g{g}" for k, g in enumerate(groups)}
    try:
        parts = group_split(group_of, group_of.get, seed, 0.3, validation)
    except PorevoxError:
        return
    sides = {subset: {group_of[name] for name in names} for subset, names in parts.items()}
    assert not sides["test"] & sides["train"] and not sides["test"] & sides["validation"]
    assert not sides["validation"] & sides["train"]
    assert sorted(sum(parts.values(), [])) == sorted(group_of)
    assert len(parts["test"]) <= round(0.3 * len(groups))


def test_structures_without_a_group_are_groups_of_their_own():
    parts = group_split(NAMES, lambda name: "", 0, 0.2, 0.1)
    assert len(parts["test"]) == 40 and len(parts["validation"]) == 20


def test_one_big_group_cannot_be_split():
    with pytest.raises(PorevoxError, match="smaller groups"):
        group_split(NAMES, lambda name: "all", 0, 0.2, 0)


def test_too_few_structures():
    with pytest.raises(PorevoxError, match="cannot be split"):
        random_split(NAMES[:3], 0, 2, 0)


def test_file_split_keeps_the_order_and_refuses_overlap(tmp_path):
    (tmp_path / "train").write_text("\ufeffb.cif\n# comment\n\na\n", encoding="utf-8")
    (tmp_path / "test").write_text("c\n")
    files = {"train": tmp_path / "train", "validation": None, "test": tmp_path / "test"}
    assert file_split(files) == {"test": ["c"], "validation": [], "train": ["b", "a"]}
    (tmp_path / "test").write_text("a\n")
    with pytest.raises(PorevoxError, match="a stands in the lists for test and for train"):
        file_split(files)


def test_list_with_a_repeated_id(tmp_path):
    (tmp_path / "train").write_text("a\nb\na\n")
    with pytest.raises(PorevoxError, match="names a twice"):
        read_list(tmp_path / "train")


def test_count():
    assert count(0.25, 10) == 2 and count(5000, 64870) == 5000 and count(0, 10) == 0


def test_sizes_beyond_the_train_list():
    check_sizes([100, "100%"], 100, "x")
    with pytest.raises(PorevoxError, match="asks for 101 .* has 100"):
        check_sizes([50, 101], 100, "x")


PUBLISHED = {"train": dict(enumerate("cab")), "other": dict(enumerate("hgfed"))}


def test_parts_keep_the_published_order():
    parts = part_split(PUBLISHED, "train", "other", 2)
    assert parts == {"train": ["c", "a", "b"], "validation": ["h", "g"], "test": ["f", "e", "d"]}
    assert part_split(PUBLISHED, "train", "other", 0.2)["validation"] == ["h"]
    assert part_split(PUBLISHED, "train", "other", 0)["test"] == list("hgfed")


def test_the_boundary_between_parts_is_counted_on_the_published_names():
    """Of places 0, 1 and 3 one cannot be used: the boundary behind place 1 stays where it was."""
    held_out = {0: "h", 2: "f", 4: "d"}
    parts = part_split({**PUBLISHED, "other": held_out}, "train", "other", 2)
    assert parts["validation"] == ["h"] and parts["test"] == ["f", "d"]
    # in whatever order they are listed
    shuffled_names = dict(reversed(held_out.items()))
    assert part_split({**PUBLISHED, "other": shuffled_names}, "train", "other", 2) == parts


@pytest.mark.parametrize(("names", "validation"), [({"train": {}}, 2), ({"other": {}}, 2), ({}, 5), ({}, 9)])
def test_parts_that_leave_nothing_to_train_or_to_test_are_refused(names, validation):
    with pytest.raises(PorevoxError, match="nothing is left to train or to test on"):
        part_split({**PUBLISHED, **names}, "train", "other", validation)
