"""Voxels of our own against published ones: the endpoint that was used is found, the worst are named."""

import json
import logging
import tarfile
from types import SimpleNamespace

import jinja2
import numpy as np
import pandas as pd
import pytest

from porevox.errors import PorevoxError
from porevox.published import convert_part
from porevox.published_manifest import write_manifest
from porevox.structures import build_packs
from porevox.voxel_comparison import Distribution, compare_voxels
from published_archive import SOURCE, boltzmann_factors, part, write_archive

N = 9
SPEC = {
    "published": "theirs",
    "structures": "ours",
    "n_structures": 6,
    "temperature_K": 298.0,
    "holds": "boltzmann_factor",
    "grid": {"kind": "mic_supercell", "n": N, "endpoint": True},
    "channel": {
        "kind": "lennard_jones",
        **{key: SOURCE[key] for key in ("probe_sigma_A", "probe_epsilon_K", "cutoff_A")},
    },
    "reading": {},
}


@pytest.fixture(scope="module")
def cifs(root):
    found = {}
    with tarfile.open(root / "resources/demo/cifs.tar.gz") as archive:
        for member in archive:
            if member.name.endswith(".cif"):
                found[member.name.rsplit("/", 1)[-1].removesuffix(".cif")] = archive.extractfile(
                    member
                ).read()
            if len(found) == 6:
                return found


@pytest.fixture
def compare(cifs, root, tmp_path, monkeypatch):
    """Publish voxels with an endpoint, change them, and compare them with those of the CIFs."""

    def run(endpoint=True, change=None, names=None, spec=(), more_cifs=(), draw=False):
        if not draw:
            monkeypatch.setattr("porevox.voxel_comparison.save_figure", lambda *_: None)
        content = {**cifs, **dict(more_cifs)}
        array = np.stack([boltzmann_factors(cif, root, endpoint, N) for cif in cifs.values()])
        names = list(cifs) if names is None else names
        if change is not None:
            change(array)
        source = write_archive(tmp_path / "a.tar", {"train": (names, array)})
        convert_part(source, part("train"), "boltzmann_factor", 298.0, N, tmp_path / "shard0")
        write_manifest([tmp_path / "shard0"], tmp_path / "published")
        (tmp_path / "cifs").mkdir()
        for name, cif in content.items():
            (tmp_path / f"cifs/{name}.cif").write_bytes(cif)
        build_packs(tmp_path / "cifs", tmp_path / "structures", n_shards=2)
        published = (tmp_path / "published/manifest.csv", [tmp_path / "shard0"])
        table = root / "resources/forcefields/uff.csv"
        arguments = (
            published,
            tmp_path / "structures",
            table,
            {**SPEC, **dict(spec)},
            tmp_path / "out/check",
        )
        return compare_voxels(*arguments)

    return run


def structures(tmp_path):
    return pd.read_csv(tmp_path / "out/check_structures.csv")


@pytest.mark.parametrize("endpoint", [True, False])
def test_the_endpoint_that_was_used_is_found(compare, tmp_path, caplog, endpoint):
    with caplog.at_level(logging.INFO, "porevox"):
        found = compare(endpoint, draw=endpoint)
    assert found["closer_endpoint"] is endpoint and found["agrees"] and found["n_compared"] == 6
    assert found == json.loads((tmp_path / "out/check.json").read_text())
    # the source declares true: where that is not so, it is a warning
    (record,) = [record for record in caplog.records if "is closer for 6 of 6" in record.message]
    assert (record.levelno == logging.WARNING) is not endpoint
    numbers = {(d["difference"], d["endpoint"]): d for d in found["differences"]}
    same, other = numbers["absolute", endpoint], numbers["absolute", not endpoint]
    assert same["n_points"] == other["n_points"] == 6 * N**3
    assert same["shares"] == {"1e-05": 1.0, "0.001": 1.0} and other["shares"]["0.001"] < 0.9
    assert same["largest"] < 1e-4 < 0.1 < other["largest"]
    assert numbers["relative", endpoint]["largest"] < 1e-6
    for kind in ("png", "pdf", "svg", "csv") if endpoint else ("csv",):
        assert (tmp_path / f"out/check.{kind}").stat().st_size > 100


def test_the_worst_structure_is_named_and_what_cannot_be_compared_is_listed(compare, cifs, tmp_path):
    names, broken = list(cifs), b"data_x\n_cell_length_a 5\n"

    def change(array):
        array[4, 2, 3, 4] += 0.25
        array[1, 0, 0, 0] += 0.02
        array[2, 0, 0, 0] = np.nan

    found = compare(change=change, more_cifs={names[3]: broken})
    assert found["worst"][:2] == [names[4], names[1]]
    worst = structures(tmp_path).iloc[0]
    assert worst["max_absolute_endpoint_true"] == pytest.approx(0.25, rel=1e-4)
    assert worst["mean_absolute_endpoint_true"] == pytest.approx(0.25 / N**3, rel=1e-3)
    assert worst["share_within_0.001_endpoint_true"] == pytest.approx(1 - 1 / N**3)
    # what cannot be compared is listed with the reason
    rejected = pd.read_csv(tmp_path / "out/check_rejected.csv").set_index("id")["reason"].to_dict()
    assert set(rejected) == {names[2], names[3]} and rejected[names[2]] == "published"
    assert found["rejected"] == {"published": 1, rejected[names[3]]: 1} and found["n_compared"] == 4


def test_other_voxels_agree_with_neither(compare):
    found = compare(change=lambda array: array.__imul__(1.1))
    assert not found["agrees"] and "does not agree" in found["statement"]


def test_a_sample_is_chosen_by_name_and_what_is_missing_is_counted(compare, cifs, tmp_path):
    names = [f"{name}.cif" for name in cifs][:5] + ["elsewhere"]
    found = compare(names=names, spec={"n_structures": 3}, more_cifs={"unknown": b"data_x"})
    assert found["n_common"] == 5 and found["n_compared"] == 3
    assert set(structures(tmp_path)["id"]) < set(cifs)


def test_no_structure_in_common_shows_names_of_each_side(compare, cifs):
    with pytest.raises(
        PorevoxError, match=f"0 of the 6 structures of `theirs` .such as x0, x1. .* {min(cifs)}"
    ):
        compare(names=[f"x{k}" for k in range(6)])


def test_a_distribution_is_that_of_all_numbers_at_once():
    numbers = 10.0 ** np.random.default_rng(0).uniform(-9, 1, 5000)
    numbers[:100] = 0.0
    found = Distribution()
    for part_of in np.array_split(numbers, 7):
        found.add(part_of)
    summary = found.summary()
    for q in (0.5, 0.9, 0.99):
        exact = np.quantile(numbers, q, method="inverted_cdf")
        assert exact <= summary["quantiles"][f"{q:g}"] <= exact * 10 ** (1 / 50) * (1 + 1e-9)
    assert summary["largest"] == numbers.max() and summary["n_points"] == 5000
    assert summary["shares"]["0.001"] == (numbers <= 1e-3).mean()
    edges, shares = found.cumulative()
    assert shares[0] == 0.02 and shares[-1] == 1.0 and np.all(np.diff(shares) >= 0)
    for edge, share in list(zip(edges, shares, strict=True))[100:-1:100]:
        assert share == pytest.approx((numbers <= edge * (1 + 1e-12)).mean(), abs=1e-9)


def test_no_numbers_have_a_distribution_too():
    found = Distribution()
    found.add(np.empty(0))
    assert found.summary()["largest"] == 0.0 and found.summary()["shares"]["0.001"] == 0.0


@pytest.mark.parametrize(
    "entry", [{}, {"check": {"published": "theirs", "structures": "ours", "n_structures": 50}}]
)
def test_the_caption_is_valid_and_warns(root, entry):
    docutils = pytest.importorskip("docutils.core")
    text = (root / "workflow/report/voxel_comparison.rst").read_text(encoding="utf-8")
    job = SimpleNamespace(config={"voxel_comparisons": entry}, wildcards=SimpleNamespace(comparison="check"))
    rst = jinja2.Template(text, undefined=jinja2.StrictUndefined).render(snakemake=job)
    options = {"halt_level": 2, "report_level": 1}
    body = docutils.publish_parts(rst, writer="html", settings_overrides=options)["body"]
    assert "<em>check</em>" in body and "How to read it" in body and "What not to conclude" in body
    assert ("at most\n50 structures" in body) == bool(entry)
