"""Which study makes which figure of the thesis, and that the shipped configurations do so."""

import pytest
import yaml

from porevox import config as settings
from porevox import headlines, insight, plan, thesis
from porevox.errors import PorevoxError
from porevox.layout import largest_size


def laid_over(below, above):
    """What a second config file does to the first: blocks are merged, all else is replaced."""
    both = {
        key: laid_over(below[key], value)
        if isinstance(below.get(key), dict) and isinstance(value, dict)
        else value
        for key, value in above.items()
    }
    return {**below, **both}


@pytest.fixture
def user(root):
    return yaml.safe_load((root / "config.yaml").read_text())


@pytest.fixture
def shipped(user):
    return plan.load(user)


@pytest.fixture
def small(root, user):
    return plan.load(laid_over(user, yaml.safe_load((root / "resources/thesis-small.yaml").read_text())))


@pytest.mark.parametrize("kind", ["shipped", "small"])
def test_the_shipped_configurations_can_make_the_thesis(kind, request):
    config = request.getfixturevalue(kind)
    thesis.check(config)
    for study in (*thesis.studies(config), "mofs-co2-cifs"):
        settings.check_study(config, study)
        plan.check_target(config, study)
    # nothing of it is part of a plain run
    assert not set(thesis.studies(config)) & set(config["run"])


def test_sizes_and_splits_are_those_of_the_thesis(shipped):
    studies = shipped["studies"]
    mofs = [100, 500, 1000, 2000, 5000, 10000, 15000, 20000, 32432]
    assert studies["mofs-co2"]["sizes"] == studies["mofs-co2-cifs"]["sizes"] == mofs
    assert studies["mofs-co2-augmentation"]["sizes"] == mofs[4:]
    assert studies["cofs-ch4"]["sizes"] == [5000, 10000, 15000, 20000, 35000, "100%"]
    entries = shipped["datasets"]
    # all names of the published part train; of the COFs one row is faulty
    assert entries["uo_mofs_voxels"]["n_structures"] - 32432 - 5000 == 27438
    assert entries["mercado_cofs"]["n_structures"] - 1 - studies["cofs-ch4"]["split"]["test"] == 55871
    split = studies["mofs-co2-cifs"]["split"]
    assert (split["test"], split["validation"]) == (27438, 5000)
    assert all(shipped["grids"][studies[name]["grid"]]["endpoint"] for name in thesis.studies(shipped))
    assert len(entries["uo_mofs"]["descriptors"]) == 8 and len(entries["mercado_cofs"]["descriptors"]) == 5
    for name in thesis.studies(shipped):
        assert studies[name]["bootstrap"] == {"resamples": 10000, "seed": 0, "confidence": 0.95}


def test_models_are_those_of_the_thesis(shipped):
    plain, network = shipped["models"]["retnet-plain"], shipped["models"]["retnet"]
    from porevox.learning.recipe import Recipe

    recipes = [Recipe.from_options({k: v for k, v in m.items() if k != "type"}) for m in (plain, network)]
    different = {key for key, value in vars(recipes[0]).items() if value != vars(recipes[1])[key]}
    assert different == {"augmentation"} and recipes[0].augmentation == "none"


def test_small_sizes_are_a_few_per_cent_and_at_least_64(small):
    for name in thesis.studies(small):
        sizes = small["studies"][name]["sizes"]
        assert min(sizes) >= 64 and largest_size(sizes) <= 2048


def test_figures_lie_where_their_studies_do(shipped):
    assert str(thesis.figure_source(shipped, "4.3a", "pdf")) == (
        "results/mofs-co2/split0/figures/learning_curve.pdf"
    )
    assert str(thesis.figure_source(shipped, "3.3", "csv")) == (
        "results/mofs-co2-augmentation/split0/figures/learning_curve.csv"
    )
    made = [path for name in thesis.studies(shipped) for path in plan.targets(shipped, name)]

    made += [path for name in thesis.studies(shipped) for path in insight.targets(shipped, name)]
    assert {str(thesis.figure_source(shipped, figure, "png")) for figure in thesis.FIGURES} <= set(made)
    files = thesis.targets(shipped)
    assert "results/thesis/figures/fig_4.4-cofs.pdf" in files and "results/thesis/thesis.html" in files
    assert plan.epoch_tables(shipped, "mofs-co2") and not plan.epoch_tables(shipped, "cofs-ch4")


def test_runs_and_tables_of_both_models_are_named(shipped):
    folders = thesis.run_folders(shipped)
    assert folders["mofs"]["rf"][-1] == "results/mofs-co2/split0/rf/n32432/seed0"
    assert folders["cofs"]["retnet"][-1] == "results/cofs-ch4/split0/retnet/n100pct/seed0"
    files = thesis.run_files(shipped, "run.json")
    assert len(files) == len(set(files)) == 2 * (9 + 6)
    assert thesis.metrics(shipped)["cofs"]["rf"] == "results/cofs-ch4/split0/rf/metrics.csv"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["thesis"].update(mofs="mofs"), "`thesis.mofs` names `mofs`, which is not in `studies`"),
        (lambda c: c["studies"]["cofs-ch4"]["models"].remove("rf"), "`studies.cofs-ch4.models` lacks `rf`"),
        (lambda c: c["studies"]["mofs-co2"]["split"].update(folds=5), "the thesis has one test set"),
    ],
)
def test_what_is_missing_is_named(shipped, change, words):
    change(shipped)
    with pytest.raises(PorevoxError, match=words):
        thesis.check(shipped)


def test_the_name_of_its_folder_is_taken(user):
    with pytest.raises(PorevoxError, match="`studies.thesis`: the name is taken"):
        plan.load({**user, "studies": user["studies"] | {"thesis": user["studies"]["demo"]}})


def test_a_study_is_checked_when_it_is_asked_for(user):
    user["studies"]["mofs-co2"]["models"] = ["retnet", "rff"]
    config = plan.load(user)
    with pytest.raises(PorevoxError, match="did you mean `rf`"):
        plan.check_target(config, "mofs-co2")


def test_a_few_words_on_a_shipped_dataset_leave_the_rest_of_it(user):
    user["datasets"] = {"uo_mofs": {"sample": 7}}
    config = plan.load(user)
    assert config["datasets"]["uo_mofs"]["sample"] == 7 and config["datasets"]["uo_mofs"]["descriptors"]
    # with a source of its own an entry stands for itself
    user["datasets"] = {"uo_mofs": {"structures": {"path": "mine"}}}
    assert plan.load(user)["datasets"]["uo_mofs"]["descriptors"] == []


def test_copies_are_equal(tmp_path):
    for name in "ab":
        (tmp_path / name).write_text(name)
    thesis.copy_files([tmp_path / "a", tmp_path / "b"], [tmp_path / "c", tmp_path / "d"])
    assert (tmp_path / "c").read_text() == "a" and (tmp_path / "d").read_text() == "b"


def test_the_end_of_a_run_counts_verdicts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert headlines.of_thesis() == ""
    (tmp_path / "results/thesis").mkdir(parents=True)
    lines = ["rows,verdict", "own,inside", "own,above", "own,inside", "common,below"]
    (tmp_path / "results/thesis/thesis.csv").write_text("\n".join(lines) + "\n")
    assert "2 inside, 1 above\n" in headlines.of_thesis() and "thesis.html" in headlines.of_thesis()
