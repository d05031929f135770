"""From a study to a screening: a model is made, handed over, and asked about new structures."""

import json
import re
import shutil

import pandas as pd
import pytest

from workflow_project import make_cif


def occupied(text, share):
    """A CIF with the occupancy of its atoms."""
    head, _, atoms = text.rpartition("_atom_site_fract_z\n")
    rows = "\n".join(f"{line} {share}" for line in atoms.splitlines())
    return head + "_atom_site_fract_z\n_atom_site_occupancy\n" + rows + "\n"


@pytest.fixture
def screened(fresh):
    """The project with a folder of new structures: some broken, two that are no news."""
    new = fresh.root / "new"
    new.mkdir()
    for k in range(50, 54):
        (new / f"new{k}.cif").write_text(make_cif(f"new{k}", k))
    (new / "partial.cif").write_text(occupied(make_cif("partial", 90), 0.5))
    (new / "broken.cif").write_text("this is no CIF")
    for name in ("mof00", "twin"):
        (new / f"{name}.cif").write_text(make_cif("mof00", 0))
    config = fresh.config
    config["studies"]["tiny"]["sizes"] = ["100%"]
    config["studies"]["tiny"]["models"] = ["retnet", "mean"]
    config["studies"]["tiny"]["split"] = {"test": 8, "validation": 0}
    config["screens"] = {
        "new": {
            **{"structures": "new", "level": 0.8, "top": 3},
            "model": {"study": "tiny", "model": "retnet", "size": "100%"},
        }
    }
    fresh.config = config
    fresh.targets = ("screen",)
    return fresh


@pytest.mark.slow
def test_a_study_s_model_screens_new_structures(screened):
    out = screened.run()
    assert "Screening new: 8 structures in, 6 predicted" in out
    made = set(re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):", out, re.M))
    assert {"train_retnet", "bundle", "screen_shard", "ranking", "candidates", "screen_map"} <= made
    assert not made & {"compare", "learning_curve"}  # what a screening does not need
    folder = screened.root / "results/screens/new"
    ranked = pd.read_csv(folder / "ranked.csv", keep_default_na=False).set_index("id")
    assert set(ranked.index) == {"new50", "new51", "new52", "new53", "mof00", "twin"}
    assert ranked["predicted_mmol_per_g"].is_monotonic_decreasing
    rejected = pd.read_csv(folder / "rejected.csv").set_index("id")["reason"]
    assert rejected.to_dict() == {"broken": "unreadable_cif", "partial": "partial_occupancy"}
    bundle = screened.root / "results/tiny/split0/retnet/n100pct/bundle"
    trained = set(pd.read_csv(bundle / "training.csv")["id"])
    marks = ranked["in_training_set"]
    assert (marks["mof00"], marks["twin"]) == (
        ("same id and CIF", "same CIF") if "mof00" in trained else ("no", "no")
    )
    # the same structure twice: the same number, and no distance from its like
    assert ranked.loc["mof00", "predicted_mmol_per_g"] == ranked.loc["twin", "predicted_mmol_per_g"]
    assert (folder / "candidates.html").read_text().count("<article") <= 3
    assert screened.jobs() == []

    # handed over as a file, it says the same of the same structures
    archive = shutil.make_archive(screened.root / "net", "zip", bundle)
    config = screened.config
    config["screens"]["copy"] = config["screens"]["new"] | {"model": archive}
    screened.config = config
    again = {job.split()[0] for job in screened.jobs()}
    assert "bundle" not in again and "train_retnet" not in again and "ranking" in again
    copy = pd.read_csv(screened.root / "results/screens/copy/ranked.csv", keep_default_na=False)
    assert copy.equals(ranked.reset_index()[copy.columns])

    # a structure more is all that is new
    (screened.root / "new/new54.cif").write_text(make_cif("new54", 54))
    added = screened.rules()
    assert "voxels" in added and not added & {"train_retnet", "bundle"}
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["n_structures"] == 9


@pytest.mark.slow
def test_every_model_of_a_study_can_be_handed_over(screened):
    config = screened.config
    config["studies"]["tiny"]["models"] = ["retnet", "rf", "physics", "mean"]
    del config["screens"]
    screened.config = config
    screened.targets = ("models",)
    screened.run()
    found = sorted(screened.root.glob("results/tiny/split0/*/n100pct/bundle/bundle.json"))
    assert [path.parts[-4] for path in found] == ["physics", "retnet", "rf"]
    for path in found:
        record = json.loads(path.read_text())
        assert record["data"]["dataset"] == "tiny" and record["metrics"]["n_test"] == 8
    assert screened.jobs() == []
    screened.targets = ("screen",)
    assert "nothing to screen" in screened.run(ok=False)
