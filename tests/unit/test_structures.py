"""The whole stage on real CIFs."""

import csv
import io
import subprocess
import sys
import tarfile

import pytest

from porevox.errors import PorevoxError
from porevox.sample import take_sample
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


@pytest.fixture
def cifs(tmp_path):
    """A folder of a hundred structures with dots in their names, and one elsewhere of the same name."""
    for number in range(100):
        path = tmp_path / f"source/cifs/str_m{number % 3}_o{number}_pcu_sym.{number}.cif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"data_{number}\n")
    (tmp_path / "source/another").mkdir()
    (tmp_path / "source/another/str_m0_o0_pcu_sym.0.cif").write_text("data_original\n")
    return tmp_path / "source"


def ids_of(out):
    return [id for pack in sorted(out.glob("*.zip")) for id, _ in read_pack(pack)]


def test_names_with_dots_stay_whole(cifs, tmp_path):
    build_packs(cifs / "cifs", tmp_path / "out", n_shards=2)
    assert "str_m0_o12_pcu_sym.12" in ids_of(tmp_path / "out") and len(ids_of(tmp_path / "out")) == 100


def test_a_folder_of_a_source_may_be_meant(cifs, tmp_path):
    """Otherwise the first of two of a name would be used, from the wrong folder."""
    build_packs(cifs, tmp_path / "all", n_shards=1)
    build_packs(cifs, tmp_path / "out", n_shards=1, folder="cifs", hash_cache=tmp_path / "cache")
    content = [dict(read_pack(tmp_path / name / pack_name(0))) for name in ("all", "out")]
    assert [text["str_m0_o0_pcu_sym.0"] for text in content] == [b"data_original\n", b"data_0\n"]
    assert (tmp_path / "all/rejected.csv").read_text().count("duplicate_id") == 1
    assert "duplicate_id" not in (tmp_path / "out/rejected.csv").read_text()
    with pytest.raises(PorevoxError, match="no .cif file below a folder `ifs`"):
        build_packs(cifs, tmp_path / "out", folder="ifs")


def test_a_sample_is_packed_alone_and_grows_in_new_shards(cifs, tmp_path):
    out, ids = tmp_path / "out", {path.stem for path in cifs.glob("cifs/*.cif")}
    build_packs(cifs, out, n_shards=2, sample=10)
    assert set(ids_of(out)) == take_sample(ids, 10)
    first = [pack.read_bytes() for pack in sorted(out.glob("*.zip"))]
    build_packs(cifs, out, out / "manifest.csv", 2, 5, sample=20)
    assert set(ids_of(out)) == take_sample(ids, 20)
    assert [pack.read_bytes() for pack in sorted(out.glob("*.zip"))][:2] == first


@pytest.mark.parametrize(("declared", "sizes"), [(1000, (25,) * 4), (4, (25,) * 4), (100, (25,) * 4)])
def test_another_number_of_structures_than_declared_breaks_nothing(cifs, tmp_path, declared, sizes):
    """Shards become smaller or larger than asked for; their number is what was planned with."""
    shards = build_packs(cifs, tmp_path / "out", n_shards=4, shard_size=declared // 4)
    assert shards.sizes == sizes and len(ids_of(tmp_path / "out")) == 100


def test_what_an_archive_must_not_hold_is_listed_and_never_touched(tmp_path):
    evil = {
        "/etc/absolute.cif": None,
        "../climbing.cif": None,
        "link.cif": tarfile.SYMTYPE,
        "hard.cif": tarfile.LNKTYPE,
        "pipe.cif": tarfile.FIFOTYPE,
        "device.cif": tarfile.CHRTYPE,
    }
    with tarfile.open(tmp_path / "cifs.tar.gz", "w:gz") as archive:
        for name, kind in {**evil, "cifs/str_m1_sym.183.cif": None}.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind or tarfile.REGTYPE, "/etc/passwd" if kind else ""
            info.size = 0 if kind else 7
            archive.addfile(info, None if kind else io.BytesIO(b"data_x\n"))
    build_packs(tmp_path / "cifs.tar.gz", tmp_path / "out", n_shards=1)
    assert dict(read_pack(tmp_path / "out" / pack_name(0))) == {"str_m1_sym.183": b"data_x\n"}
    with open(tmp_path / "out/rejected.csv", newline="") as stream:
        rejected = {row["member"]: row["reason"] for row in csv.DictReader(stream)}
    unsafe, no_file = list(evil)[:2], list(evil)[2:]
    assert rejected == dict.fromkeys(unsafe, "unsafe_path") | dict.fromkeys(no_file, "not_a_file")
    assert {path.name for path in tmp_path.iterdir()} == {"cifs.tar.gz", "out"}


def test_a_truncated_archive_is_one_sentence(cifs, tmp_path):
    with tarfile.open(tmp_path / "cifs.tar.gz", "w:gz") as archive:
        archive.add(cifs, "MOF_database")
    content = (tmp_path / "cifs.tar.gz").read_bytes()
    (tmp_path / "cifs.tar.gz").write_bytes(content[: len(content) // 2])
    # which bytes are missing decides whether a member was being read
    said = r"cifs\.tar\.gz( \(at \S+\.cif\))? is truncated or corrupt .* retrieve it again"
    with pytest.raises(PorevoxError, match=said):
        build_packs(tmp_path / "cifs.tar.gz", tmp_path / "out")
    assert not (tmp_path / "out/manifest.csv").exists()


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
