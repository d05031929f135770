"""Packs hold every structure once, byte for byte, and are the same whatever they came from."""

import csv
import json
import os
import tarfile
import zipfile

import pytest

from porevox.errors import PorevoxError
from porevox.files import packs
from porevox.files.packs import pack_name, read_pack, write_packs
from porevox.files.shards import plan
from porevox.files.sources import content_digest, scan

CONTENTS = {
    "a b": b"data_1\n",
    'q"uo,te': b"",
    "$(rm)": b"\0\xff" * 5000,
    "Ü": b"data_4\r\n",
    "0": b"data_5\n",
    "zeolite": b"data_6\n" * 100,
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "f").mkdir()
    for id, content in CONTENTS.items():
        (tmp_path / "f" / f"{id}.cif").write_bytes(content)
    return tmp_path / "f"


def packed(folder, target):
    names = sorted(os.listdir(folder), reverse=True)
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.write(folder / name, name)
    else:
        with tarfile.open(target, "w:gz") as archive:
            for name in names:
                archive.add(folder / name, name)
    return target


def write(source, out, n_shards=3, previous=None):
    found = scan(source)
    shards = plan(found, previous, n_shards, 2)
    write_packs(source, out, shards, found)
    return found, shards


def rows(path):
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_every_cif_comes_back(folder, tmp_path):
    for source in (folder, packed(folder, tmp_path / "z.zip"), packed(folder, tmp_path / "t.tgz")):
        _, shards = write(source, tmp_path / source.stem / "out")
        back = {}
        for number in range(3):
            content = list(read_pack(tmp_path / source.stem / "out" / pack_name(number)))
            assert [id for id, _ in content] == sorted(id for id, _ in content)
            assert all(shards.assignment[id] == number for id, _ in content)
            back |= dict(content)
        assert back == CONTENTS


def test_packs_do_not_depend_on_the_kind_of_source(folder, tmp_path):
    outs = [tmp_path / f"out{i}" for i in range(3)]
    for source, out in zip(
        (folder, packed(folder, tmp_path / "z.zip"), packed(folder, tmp_path / "t.tgz")),
        outs,
        strict=True,
    ):
        write(source, out)
    names = sorted(os.listdir(outs[0]))
    assert names == ["manifest.csv", "rejected.csv", *map(pack_name, range(3)), "shards.json"]
    with zipfile.ZipFile(outs[0] / pack_name(0)) as pack:  # the clock leaves no trace
        assert {info.date_time for info in pack.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    for name in names:
        assert len({(out / name).read_bytes() for out in outs}) == 1


def test_the_tables(folder, tmp_path):
    (folder / "sub").mkdir()
    (folder / "sub" / "0.cif").write_bytes(b"second")
    (folder / "line\nbreak.cif").write_bytes(b"x")
    found, shards = write(folder, tmp_path / "out")
    manifest = rows(tmp_path / "out" / "manifest.csv")
    assert list(manifest[0]) == ["id", "member", "size_bytes", "sha256", "shard"]
    assert [(int(row["shard"]), row["id"]) for row in manifest] == sorted(
        (shard, id) for id, shard in shards.assignment.items()
    )
    assert {row["id"]: int(row["size_bytes"]) for row in manifest} == {
        id: len(content) for id, content in CONTENTS.items()
    }
    rejected = rows(tmp_path / "out" / "rejected.csv")
    assert [(row["member"], row["reason"]) for row in rejected] == [
        ("line\nbreak.cif", "bad_name"),
        ("sub/0.cif", "duplicate_id"),
    ]
    summary = json.loads((tmp_path / "out" / "shards.json").read_text())
    assert summary["n_shards"] == 3
    assert summary["source_sha256"] == content_digest(found.records)
    assert summary["shards"]["1"] == {"n": 2, "digest": shards.digests[1]}


def test_the_manifest_leads_to_the_same_plan(folder, tmp_path):
    found, shards = write(folder, tmp_path / "out")
    assert plan(found, tmp_path / "out" / "manifest.csv", 99, 1) == shards


def test_a_new_structure_leaves_the_old_packs_as_they_are(folder, tmp_path):
    write(folder, tmp_path / "out")
    before = [(tmp_path / "out" / pack_name(n)).read_bytes() for n in range(3)]
    (folder / "00.cif").write_bytes(b"data_new\n")
    write(folder, tmp_path / "out", previous=tmp_path / "out" / "manifest.csv")
    assert [(tmp_path / "out" / pack_name(n)).read_bytes() for n in range(3)] == before
    assert dict(read_pack(tmp_path / "out" / pack_name(3))) == {"00": b"data_new\n"}


def test_an_emptied_shard_has_an_empty_pack(folder, tmp_path):
    write(folder, tmp_path / "out")
    for id, _ in read_pack(tmp_path / "out" / pack_name(0)):
        (folder / f"{id}.cif").unlink()
    write(folder, tmp_path / "out", previous=tmp_path / "out" / "manifest.csv")
    assert list(read_pack(tmp_path / "out" / pack_name(0))) == []
    assert json.loads((tmp_path / "out" / "shards.json").read_text())["shards"]["0"]["n"] == 0


def test_packs_of_an_older_plan_are_removed(folder, tmp_path):
    write(folder, tmp_path / "out", n_shards=5)
    write(folder, tmp_path / "out", n_shards=2)
    assert sorted(path.name for path in (tmp_path / "out").glob("*.zip")) == [
        pack_name(0),
        pack_name(1),
    ]


@pytest.mark.parametrize("change", ["edited", "removed"])
def test_a_source_that_changes_meanwhile(folder, tmp_path, change):
    found = scan(folder)
    shards = plan(found, None, 3, 2)
    if change == "edited":
        (folder / "a b.cif").write_bytes(b"data_2\n")
    else:
        (folder / "a b.cif").unlink()
    with pytest.raises(PorevoxError, match="a b.cif in .* (changed|vanished) while.*run again"):
        write_packs(folder, tmp_path / "out", shards, found)
    assert os.listdir(tmp_path / "out") == []


def test_a_failure_leaves_the_old_output_whole(folder, tmp_path, monkeypatch):
    write(folder, tmp_path / "out")
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    (folder / "0.cif").write_bytes(b"other")
    monkeypatch.setattr(packs, "_write_tables", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(folder, tmp_path / "out")
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before


def test_five_hundred_shards_do_not_need_as_many_open_files(tmp_path):
    import resource

    (tmp_path / "f").mkdir()
    for number in range(600):
        (tmp_path / "f" / f"s{number}.cif").write_bytes(b"data_%d\n" % number)
    source = packed(tmp_path / "f", tmp_path / "t.tgz")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        write(source, tmp_path / "out", n_shards=500)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert sum(1 for n in range(500) for _ in read_pack(tmp_path / "out" / pack_name(n))) == 600


def test_progress_counts_every_structure(folder, tmp_path):
    found = scan(folder)
    seen = []
    write_packs(folder, tmp_path / "out", plan(found, None, 1, 9), found, lambda *state: seen.append(state))
    assert seen == [(n + 1, len(CONTENTS)) for n in range(len(CONTENTS))]


def test_broken_packs(folder, tmp_path):
    write(folder, tmp_path / "out")
    pack = tmp_path / "out" / pack_name(0)
    pack.write_bytes(pack.read_bytes()[:-40])
    for path in (pack, tmp_path / "out" / pack_name(9)):
        with pytest.raises(PorevoxError, match="missing or broken.*run again"):
            list(read_pack(path))
