"""The dataset stage: every structure and every row is accounted for."""

import json

import pandas as pd
import pytest

from porevox.dataset import assemble
from porevox.errors import REASONS, PorevoxError

CHANNEL = {"name": "lj", "settings": {}, "forcefield": "uff", "quantity": "energy", "unit": "K", "key": "k"}


def write_index(folder, names):
    """Voxels' index whose volume and density tell the structure and the row."""
    index = pd.DataFrame({"id": names, "row": range(len(names))})
    index["volume_A3"] = [1000.0 + int(name[1:]) for name in names]
    index.assign(density_g_cm3=0.5 + index["row"]).to_csv(folder / "index.csv", index=False)


@pytest.fixture
def inputs(tmp_path):
    """20 structures s00..s19 in two shards, of which s03 has no voxels; labels with every defect."""
    ids = [f"s{k:02d}" for k in range(20)]
    pd.DataFrame({"id": ids, "shard": [k // 10 for k in range(20)]}).to_csv(
        tmp_path / "manifest.csv", index=False
    )
    (tmp_path / "rejected.csv").write_text("id,member,reason,detail\ns00,b/s00.cif,duplicate_id,second\n")
    for shard in (0, 1):
        folder = tmp_path / f"vox/shard{shard}"
        folder.mkdir(parents=True)
        good = [name for name in ids[10 * shard : 10 * shard + 10] if name != "s03"]
        write_index(folder, good)
        bad = 's03,no_atoms,"no atoms, none"\n' if shard == 0 else ""
        (folder / "ledger.csv").write_text("id,reason,detail\n" + bad)
        (folder / "shard.json").write_text(json.dumps({"energies_sha256": f"digest{shard}"}))
    rows = [f"{name},{k}.5,{k}" for k, name in enumerate(ids)]
    rows[1] = "s01,,1"  # empty label
    rows[2] = "s02,inf,2"
    rows[4] = "s04,4.5,nan"  # descriptor
    del rows[5]  # s05: no label
    rows += ["s06,6.5,6", "s07,0,0", "zz,1,1"]  # repeated, contradicting, no structure
    (tmp_path / "labels.csv").write_text("id,y,density\n" + "\n".join(rows) + "\n")
    return tmp_path


def study(**changes):
    spec = {
        "study": "demo",
        "dataset": "demo",
        "target": {"column": "y", "unit": "mmol/g", "label": ""},
        "split": {"kind": "random", "seed": 0, "test": 4, "validation": 2, "group_column": None},
        "fold": 0,
        "grid": {"kind": "mic_supercell", "n": 25},
        "transform": {"kind": "boltzmann", "temperature_K": 298.0},
        "channels": [{**CHANNEL, "folder": "vox"}],
        "descriptors": ["density"],
        "scalars": [],
        "known_faulty": {"s08": "void fraction of 2e44"},
        "key": "0",
    }
    return {**spec, **changes}


def run(inputs, out="out", sizes=(2,), **changes):
    spec = study(**changes)
    for channel in spec["channels"]:
        channel["folder"] = str(inputs / "vox")
    tables = [(inputs / "labels.csv", {"id_column": "id", "aliases": {}})]
    voxels = [inputs / "vox/shard0", inputs / "vox/shard1"]
    assemble(
        inputs / "manifest.csv", inputs / "rejected.csv", tables, voxels, list(sizes), spec, inputs / out
    )
    table = pd.read_csv(inputs / out / "table.csv", dtype={"id": str})
    drops = pd.read_csv(inputs / out / "drops.csv", dtype=str, keep_default_na=False)
    return table, drops, json.loads((inputs / out / "dataset.json").read_text())


def test_every_id_is_used_or_dropped_with_a_known_reason(inputs):
    table, drops, _ = run(inputs)
    reasons = {(row.id, row.reason) for row in drops.itertuples()}
    assert reasons == {
        ("s00", "duplicate_id"),
        ("s01", "label_not_finite"),
        ("s02", "label_not_finite"),
        ("s03", "no_atoms"),
        ("s04", "descriptor_not_finite"),
        ("s05", "no_label"),
        ("s06", "duplicate_label"),
        ("s07", "duplicate_label"),
        ("s08", "known_faulty"),
        ("zz", "no_structure"),
    }
    assert {reason for _, reason in reasons} <= set(REASONS)
    everything = {f"s{k:02d}" for k in range(20)} | {"zz"}
    gone = set(drops.loc[drops["affects"] == "all", "id"]) - {"s00", "s06"}
    assert set(table["id"]) | gone == everything and not set(table["id"]) & gone


def test_labels_and_places_belong_to_their_structures(inputs):
    table, _, _ = run(inputs)
    for row in table.itertuples():
        number = int(row.id[1:])
        assert row.y == number + 0.5
        if row.id == "s03":
            assert pd.isna(row.row_lj) and pd.isna(row.shard) and pd.isna(row.cif_volume_A3)
        else:
            index = pd.read_csv(inputs / f"vox/shard{int(row.shard)}/index.csv").set_index("id")
            assert index.at[row.id, "row"] == row.row_lj
            assert (row.cif_volume_A3, row.cif_density_g_cm3) == (1000 + number, 0.5 + row.row_lj)
        assert pd.isna(row.density) if row.id == "s04" else row.density == number


def test_subsets_are_disjoint_and_positions_count_up(inputs):
    table, _, meta = run(inputs)
    assert not table["id"].duplicated().any()
    for subset, part in table.groupby("subset"):
        assert part["position"].tolist() == list(range(meta[f"n_{subset}"]))


def test_summary_adds_up(inputs):
    run(inputs)
    summary = json.loads((inputs / "out/summary.json").read_text())
    assert summary["n_structures"] == 20
    assert sum(summary["subsets"].values()) == summary["n_usable"] == 15
    assert summary["drops"]["labels/label_not_finite"] == 2


def test_split_files_keep_positions_of_names_that_cannot_be_used(inputs):
    (inputs / "train").write_text("s01\ns10\ns11\ngone\ns12\n")
    (inputs / "test").write_text("s13\ns14\n")
    files = {"train_file": inputs / "train", "validation_file": None, "test_file": inputs / "test"}
    split = {"kind": "files", "seed": 0, "test": 0.2, "validation": 0, "group_column": None}
    split |= {key: value and str(value) for key, value in files.items()}
    table, drops, meta = run(inputs, split=split)
    train = table[table["subset"] == "train"].set_index("id")["position"].to_dict()
    assert train == {"s10": 1, "s11": 2, "s12": 4} and meta["n_train"] == 5
    assert (drops["reason"] == "not_in_split").sum() == 10
    assert set(drops.loc[drops["stage"] == "dataset", "id"]) >= {"gone"}


def test_size_larger_than_the_train_list(inputs):
    with pytest.raises(PorevoxError, match="asks for 10 .* has 9"):
        run(inputs, sizes=[10])


def test_no_common_id_says_what_to_compare(inputs):
    (inputs / "labels.csv").write_text("id,y,density\nother,1,1\n")
    with pytest.raises(PorevoxError, match="first ids on each side: s00, .*other"):
        run(inputs)


def test_digest_follows_labels_voxels_and_settings(inputs):
    first = run(inputs, "a")[2]["digest"]
    assert run(inputs, "b")[2]["digest"] == first
    transform = {"kind": "boltzmann", "temperature_K": 300.0}
    assert run(inputs, "c", transform=transform)[2]["digest"] != first
    (inputs / "vox/shard1/shard.json").write_text(json.dumps({"energies_sha256": "other"}))
    assert run(inputs, "d")[2]["digest"] != first


def test_studies_without_voxels_need_none(inputs):
    table, drops, meta = run(inputs, channels=[])
    assert "shard" not in table and meta["channels"] == []
    assert not (drops["affects"] == "voxel_models").any()


@pytest.fixture
def two_channels(inputs):
    """A second channel, which also rejects s11 and, with other words, s12; s03 it rejects alike."""
    for shard in (0, 1):
        folder = inputs / f"es/shard{shard}"
        folder.mkdir(parents=True)
        bad = ("s03",) if shard == 0 else ("s11", "s12")
        good = [f"s{k:02d}" for k in range(10 * shard, 10 * shard + 10) if f"s{k:02d}" not in bad]
        write_index(folder, good)
        lines = ['s03,no_atoms,"no atoms, none"'] if shard == 0 else ["s11,no_charges,x", "s12,net_charge,y"]
        (folder / "ledger.csv").write_text("id,reason,detail\n" + "\n".join(lines) + "\n")
        (folder / "shard.json").write_text(json.dumps({"energies_sha256": f"es{shard}"}))
    return inputs


def test_a_structure_may_have_one_channel_and_not_the_other(two_channels):
    inputs = two_channels
    spec = study(channels=[{**CHANNEL, "folder": str(inputs / "vox")}])
    spec["channels"].append({**CHANNEL, "name": "es", "quantity": "potential", "folder": str(inputs / "es")})
    tables = [(inputs / "labels.csv", {"id_column": "id", "aliases": {}})]
    voxels = [inputs / f"{channel}/shard{shard}" for channel in ("es", "vox") for shard in (0, 1)]
    arguments = (inputs / "manifest.csv", inputs / "rejected.csv", tables, voxels, [2], spec)
    assemble(*arguments, inputs / "out")
    table = pd.read_csv(inputs / "out/table.csv", dtype={"id": str}).set_index("id")
    assert pd.isna(table.at["s03", "row_lj"]) and pd.isna(table.at["s03", "row_es"])
    for name in ("s11", "s12"):
        assert pd.isna(table.at[name, "row_es"]) and table.at[name, "shard"] == 1
        assert table.at[name, "row_lj"] == int(name[1:]) - 10
    assert table.at["s13", "row_es"] == 1 and table.at["s13", "row_lj"] == 3
    drops = pd.read_csv(inputs / "out/drops.csv", dtype=str, keep_default_na=False)
    said = drops[drops["stage"] == "voxels"][["id", "reason", "detail", "affects"]].values.tolist()
    assert sorted(said) == [
        ["s03", "no_atoms", "no atoms, none", "voxel_models"],
        ["s11", "no_charges", "x (channel es)", "voxel_models"],
        ["s12", "net_charge", "y (channel es)", "voxel_models"],
    ]
    summary = json.loads((inputs / "out/summary.json").read_text())
    assert summary["drops"]["voxels/no_charges"] == 1


def test_folds_test_every_labelled_structure_once(inputs):
    split = {"kind": "random", "seed": 0, "validation": 2, "folds": 3, "group_column": None}
    tested = []
    for fold in range(3):
        run(inputs, f"fold{fold}", split=split, fold=fold)
        table = pd.read_csv(inputs / f"fold{fold}/table.csv")
        assert (table["subset"] == "validation").sum() == 2
        tested += table.loc[table["subset"] == "test", "id"].tolist()
    assert sorted(tested) == sorted(table["id"])


def test_sizes_are_held_to_the_shortest_train_list_of_all_folds(inputs):
    labels = pd.read_csv(inputs / "labels.csv", dtype=str)
    labels["family"] = "a"
    labels.loc[labels["id"].isin(["s10", "s11", "s12"]), "family"] = "b"
    labels.to_csv(inputs / "labels.csv", index=False)
    split = {"kind": "group", "seed": 0, "validation": 0, "folds": 2, "group_column": "family"}
    n = {}
    for fold in range(2):
        run(inputs, f"fold{fold}", split=split, fold=fold)
        n[fold] = json.loads((inputs / f"fold{fold}/dataset.json").read_text())["n_train"]
    assert sorted(n.values())[0] == 3
    for fold in range(2):
        with pytest.raises(PorevoxError, match="asks for 4 .*the train list has 3"):
            run(inputs, "out", sizes=[4], split=split, fold=fold)


PARTS = {"kind": "parts", "train_part": "train", "test_part": "other", "validation": 6}


@pytest.fixture
def published(inputs):
    """The same structures as two published parts: s09 ... s00 to train on, s19 ... s10 held out."""
    ids = [f"s{k:02d}" for k in range(20)]
    rows = [(name, k // 10, "other" if k >= 10 else "train", 9 - k % 10) for k, name in enumerate(ids)]
    manifest = pd.DataFrame(rows, columns=["id", "shard", "part", "position"])
    manifest.to_csv(inputs / "manifest.csv", index=False)
    return inputs


def test_published_parts_give_the_split_in_their_order(published):
    table, drops, meta = run(published, split=PARTS)
    order = {name: list(rows.sort_values("position")["id"]) for name, rows in table.groupby("subset")}
    # s01, s02, s05, s07 and s08 have no usable label
    assert order["train"] == ["s09", "s06", "s04", "s03", "s00"]
    assert order["validation"] == [f"s{k}" for k in range(19, 13, -1)]
    assert order["test"] == ["s13", "s12", "s11", "s10"]
    assert (meta["n_train"], meta["n_validation"], meta["n_test"]) == (10, 6, 4)
    # size n means the first n published names, whether or not each of them can be used
    assert table.set_index("id").loc["s06", "position"] == 3
    assert "no_structure" not in set(drops[drops["stage"] == "dataset"]["reason"])


def test_names_without_label_drop_out_and_the_boundary_stays(published):
    labels = (published / "labels.csv").read_text().splitlines()
    kept = [line for line in labels if line[:3] not in ("s18", "s15", "s12")]
    (published / "labels.csv").write_text("\n".join(kept) + "\n")
    table, drops, _ = run(published, split=PARTS)
    order = {name: list(rows.sort_values("position")["id"]) for name, rows in table.groupby("subset")}
    assert order["validation"] == ["s19", "s17", "s16", "s14"] and order["test"] == ["s13", "s11", "s10"]
    assert {"s18", "s15", "s12"} <= set(drops[drops["reason"] == "no_label"]["id"])


def test_of_a_name_in_two_shards_the_first_counts(published):
    """Published parts may share a name, which the manifest lists with its first part only."""
    index = pd.read_csv(published / "vox/shard1/index.csv")
    twice = index.iloc[[0]].assign(id="s00", row=len(index))
    pd.concat([index, twice]).to_csv(published / "vox/shard1/index.csv", index=False)
    table, _, _ = run(published, split=PARTS)
    row = table.set_index("id").loc["s00"]
    assert (row["shard"], row["row_lj"]) == (0, 0)


def test_published_voxels_come_without_volume_and_density(published):
    for shard in (0, 1):
        path = published / f"vox/shard{shard}/index.csv"
        index = pd.read_csv(path)
        index.assign(volume_A3="", density_g_cm3="").to_csv(path, index=False)
    table, _, _ = run(published, split=PARTS)
    assert table["cif_volume_A3"].isna().all() and table["cif_density_g_cm3"].isna().all()
    assert table["row_lj"].notna().sum() == len(table) - 1  # s03 has no voxels
