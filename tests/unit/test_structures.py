"""The whole stage on real CIFs."""

import subprocess
import sys

import pytest

from porevox.errors import PorevoxError
from porevox.structures import build_packs, pack_name, plan, read_pack, scan


def test_the_stage_on_real_structures(tmp_path, shared_data):
    source = shared_data / "curated-cofs" / "cifs.tar.gz"
    shards = build_packs(source, tmp_path / "out", None, 4, 100, tmp_path / "cache")
    assert shards.sizes == (75, 75, 75, 75)
    packed = {id: text for n in range(4) for id, text in read_pack(tmp_path / "out" / pack_name(n))}
    assert len(packed) == 300
    assert all(b"_cell_length_a" in text for text in packed.values())


def test_the_stage_agrees_with_the_plan_made_before_and_after(tmp_path):
    source, out = tmp_path / "cifs", tmp_path / "out"
    source.mkdir()
    for generation in range(3):
        for number in range(5):
            (source / f"{number}-{generation}.cif").write_text(f"data_{number}\n")
        before = plan(scan(source), out / "manifest.csv", 2, 3)
        assert build_packs(source, out, out / "manifest.csv", 2, 3) == before
        assert plan(scan(source), out / "manifest.csv", 2, 3) == before
    assert before.n_shards == 2 + 2 + 2


def test_a_failure_is_one_sentence_of_the_library(tmp_path):
    with pytest.raises(PorevoxError, match="does not exist: check the path"):
        build_packs(tmp_path / "nothing", tmp_path / "out")


def test_nothing_heavy_is_imported(root):
    """Every job of a cluster imports this to parse the workflow."""
    code = (
        "import sys; import porevox.structures, porevox.files.digest, porevox.files.codedigest; "
        "print(set(sys.modules) & {'numpy', 'pandas', 'requests', 'torch', 'gemmi'})"
    )
    lib = str(root / "workflow" / "lib")
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": lib}, capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.stderr) == ("set()", "")
