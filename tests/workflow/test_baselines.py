"""All baselines through the workflow: which inputs their jobs wait for, and what a study ends in."""

import json

import pandas as pd
import pytest

from workflow_project import CONFIG, new_project

# about a minute of processor time, most of it to start one process per job
pytestmark = pytest.mark.slow

MODELS = {
    "law": {"type": "physics"},
    "lasso": {"type": "linear"},
    "kernel": {"type": "kernel_ridge"},
    "boost": {"type": "gradient_boosting", "features": "both", "min_samples_leaf": 2},
    "rf": {"n_estimators": 10},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory, root):
    """A study of baselines only, at one size."""
    project = new_project(tmp_path_factory.mktemp("baselines") / "project", root)
    study = CONFIG["studies"]["tiny"] | {"models": [*MODELS, "mean"], "sizes": [9]}
    study["compare"] = {"challenger": "law", "reference": "rf"}
    project.config = CONFIG | {"models": MODELS, "studies": {"tiny": study}}
    project.run()
    return project


def test_a_study_of_baselines_ends_in_scores_and_importances(project):
    folder = project.root / "results/tiny/split0"
    scores = pd.read_csv(folder / "metrics.csv")
    assert set(scores["model"]) == {*MODELS, "mean"}
    table = pd.read_csv(folder / "figures/importance.csv")
    # in the order of the study, and only those that look at descriptors
    assert list(table["model"].unique()) == ["kernel", "boost", "rf"]
    assert set(table.loc[table["model"] == "boost", "feature"]) == {
        *("density", "void_fraction", "energy histogram")
    }
    assert (folder / "figures/importance.png").stat().st_size > 10_000
    card = json.loads((folder / "law/n9/seed0/model.json").read_text())
    assert card["inputs"] == {"henry": "lj"} and card["chosen"]["abscissa"] in ("linear", "log10")


def test_nothing_is_left_to_do_and_each_option_concerns_its_model(project):
    assert project.jobs("--dry-run") == []
    config = project.config
    config["models"]["kernel"]["features"] = "both"
    project.config = config
    jobs = project.jobs("--dry-run")
    (trained,) = [job for job in jobs if job.startswith("train")]
    assert "model=kernel" in trained
    assert "importance" in {job.split()[0] for job in jobs}


def test_without_descriptor_models_there_is_no_importance(project):
    config = project.config
    config["studies"]["tiny"]["models"] = ["law", "lasso", "mean"]
    config["studies"]["tiny"]["compare"] = {"challenger": "law", "reference": "lasso"}
    project.config = config
    assert "importance" not in project.rules("--dry-run")
