"""A structure never changes its shard, and a shard's digest changes only with its own CIFs."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porevox.errors import PorevoxError
from porevox.files.packs import _csv_text
from porevox.files.shards import assign_shards, plan
from porevox.files.sources import Record, Scan

ids = st.sets(st.text(min_size=1, max_size=4), min_size=1, max_size=60)


def found(contents):
    """Build a scan from ids and fake hashes."""
    records = sorted(Record(id, f"{id}.cif", 1, sha256) for id, sha256 in contents.items())
    return Scan(Path("s"), tuple(records), ())


def write(folder, shards, n_shards=None):
    rows = [(id, "m", 1, "h", shard) for id, shard in shards.assignment.items()]
    text = _csv_text(("id", "member", "size_bytes", "sha256", "shard"), rows)
    (folder / "manifest.csv").write_text(text, encoding="utf-8", newline="")
    (folder / "shards.json").write_text(json.dumps({"n_shards": n_shards or shards.n_shards}))
    return folder / "manifest.csv"


@given(ids, st.integers(1, 70))
def test_first_blocks_are_contiguous_and_nearly_equal(names, n_shards):
    shard_of = assign_shards(names, {}, n_shards, 10)
    in_order = [shard_of[id] for id in sorted(names)]
    sizes = [in_order.count(shard) for shard in range(n_shards)]
    assert in_order == sorted(in_order)
    assert sum(sizes) == len(names)
    assert max(sizes) - min(sizes) <= 1


@given(ids, st.integers(1, 70))
def test_a_size_alone_gives_enough_shards(names, shard_size):
    shard_of = assign_shards(names, {}, None, shard_size)
    sizes = [list(shard_of.values()).count(s) for s in range(max(shard_of.values()) + 1)]
    assert max(sizes) <= shard_size
    assert len(sizes) == -(-len(names) // shard_size)
    assert max(sizes) - min(sizes) <= 1


@given(st.lists(ids, min_size=2, max_size=5), st.integers(1, 8), st.integers(1, 8))
def test_old_structures_never_move(generations, n_shards, shard_size):
    """Through any sequence of additions and removals, judged from outside."""
    previous, ever_used, next_shard = {}, set(), 0
    for names in generations:
        now = assign_shards(names, previous, n_shards, shard_size, next_shard)
        new = {id: shard for id, shard in now.items() if id not in previous}
        assert set(now) == names
        assert all(now[id] == previous[id] for id in names if id in previous)
        if ever_used:
            assert not set(new.values()) & ever_used
            assert all(list(new.values()).count(s) <= shard_size for s in new.values())
            assert set(new.values()) == set(range(next_shard, next_shard + len(set(new.values()))))
        ever_used |= set(now.values()) | set(range(n_shards))
        previous, next_shard = now, len(ever_used)


@given(ids, st.randoms())
def test_the_order_of_the_source_does_not_count(names, dice):
    shuffled = list(names)
    dice.shuffle(shuffled)
    assert assign_shards(shuffled, {}, 3, 9) == assign_shards(names, {}, 3, 9)


def test_declared_shards_exist_even_if_empty():
    """The workflow's jobs were planned from the declared number."""
    shards = plan(found({"b": "1", "a": "2"}), None, 5, 1)
    assert (shards.n_shards, sum(shards.sizes), len(shards.digests)) == (5, 2, 5)


@pytest.mark.parametrize(("n_shards", "shard_size"), [(0, 5), (-1, 5), (3, 0)])
def test_absurd_numbers(n_shards, shard_size):
    with pytest.raises(PorevoxError, match="give 1 or more"):
        assign_shards(["a"], {}, n_shards, shard_size)


def test_planning_again_changes_nothing(tmp_path):
    """The plan made while the workflow is parsed and the stage's own must agree."""
    contents = {f'i{n},"{n}': str(n) for n in range(20)}
    first = plan(found(contents), tmp_path / "manifest.csv", 4, 3)
    manifest = write(tmp_path, first)
    assert plan(found(contents), manifest, 4, 3) == first
    assert plan(found(contents), manifest, 9, 1) == first
    grown = found(contents | {"z": "z", "a": "a"})
    second = plan(grown, manifest, 4, 3)
    assert second.n_shards == 5
    write(tmp_path, second)
    assert plan(grown, manifest, 4, 3) == second


def test_new_content_changes_its_shard_only(tmp_path):
    contents = {f"i{n:02}": str(n) for n in range(20)}
    first = plan(found(contents), None, 4, 5)
    second = plan(found(contents | {"i07": "new"}), write(tmp_path, first), 4, 5)
    changed = [n for n in range(4) if first.digests[n] != second.digests[n]]
    assert changed == [first.assignment["i07"]]


def test_new_structures_leave_the_digests_alone(tmp_path):
    contents = {f"i{n:02}": str(n) for n in range(20)}
    first = plan(found(contents), None, 4, 5)
    second = plan(found(contents | {"i00a": "new"}), write(tmp_path, first), 4, 5)
    assert second.digests[:4] == first.digests
    assert second.sizes == (5, 5, 5, 5, 1)


def test_an_emptied_shard_keeps_its_number(tmp_path):
    contents = {f"i{n}": str(n) for n in range(6)}
    manifest = write(tmp_path, plan(found(contents), None, 3, 2))
    left = {id: sha for id, sha in contents.items() if id not in ("i4", "i5")}
    second = plan(found(left), manifest, 3, 2)
    assert second.sizes == (2, 2, 0)
    write(tmp_path, second)  # the manifest names no structure of shard 2 now; shards.json knows
    assert plan(found(left), manifest, 3, 2) == second
    third = plan(found(left | {"new": "1"}), manifest, 3, 2)
    assert (third.assignment["new"], third.n_shards) == (3, 4)


def test_a_lost_summary_is_no_error(tmp_path):
    contents = {f"i{n}": str(n) for n in range(6)}
    first = plan(found(contents), None, 3, 2)
    manifest = write(tmp_path, first)
    (tmp_path / "shards.json").unlink()
    assert plan(found(contents), manifest, 3, 2) == first


@pytest.mark.parametrize(
    "text",
    ["id,shard\na,x\n", "id\na\n", "id,shard\na\n", "id,shard\na,-1\n", "\0\xff,", "", "x,shard\na,1\n"],
)
def test_a_broken_manifest_is_not_guessed_at(tmp_path, text):
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(PorevoxError, match="cannot be understood.*restore them"):
        plan(found({"a": "1"}), tmp_path / "manifest.csv", 1, 1)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"n_shards": "3"}'])
def test_a_broken_summary_is_not_guessed_at(tmp_path, text):
    manifest = write(tmp_path, plan(found({"a": "1"}), None, 1, 1))
    (tmp_path / "shards.json").write_text(text)
    with pytest.raises(PorevoxError, match="cannot be understood"):
        plan(found({"a": "1"}), manifest, 1, 1)
