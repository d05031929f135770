"""A sample depends on nothing but the ids, and grows without losing anyone."""

import random
import subprocess
import sys

from porevox.sample import left_out, sample_rank, take_sample

IDS = [f"str_m{i % 3}_o{i}_sym.{i * i}" for i in range(500)]


def test_neither_order_nor_process_counts():
    shuffled = random.Random(1).sample(IDS, len(IDS))
    assert take_sample(IDS, 20) == take_sample(shuffled, 20) and len(take_sample(IDS, 20)) == 20
    code = "from porevox.sample import sample_rank; print(sample_rank('IRMOF-1'))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == sample_rank("IRMOF-1") == int("26897a6f8e84eb15", 16)


def test_larger_samples_contain_smaller_ones_and_all_is_all():
    assert take_sample(IDS, 20) < take_sample(IDS, 21) < take_sample(IDS, 400)
    assert take_sample(IDS, None) == take_sample(IDS, 500) == take_sample(IDS, 10_000) == set(IDS)


def test_a_sample_looks_like_all():
    """Number in the sample by kind of name: 100 of 300, hypergeometric with a deviation of 4.7."""
    chosen = take_sample(IDS[:300], 100)
    assert all(abs(sum(id.startswith(f"str_m{kind}") for id in chosen) - 100 / 3) < 15 for kind in range(3))


def test_labels_beyond_a_sample_are_told_from_those_of_structures_that_do_not_exist():
    there, missing = IDS[:400], IDS[400:]
    chosen = take_sample(there, 200)
    beyond = left_out([*set(there) - chosen, *missing], chosen)
    assert set(there) - chosen <= beyond
    # those that would be in the sample if they existed are missed: about half of 100
    assert take_sample(IDS, 200) & set(missing) <= set(missing) - beyond
    assert 30 < len(set(missing) - beyond) < 70
    assert left_out(["a"], []) == set()
