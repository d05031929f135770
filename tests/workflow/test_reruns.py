"""What changes is what is computed again: every case is a real second run."""

import os
import zipfile
from pathlib import Path

import pytest

from workflow_project import make_cif, write_archive

SCORES = {"evaluate", "collect", "compare", "learning_curve", "parity"}
PAGES = {"overview", "parity_page"}
LATER = {"dataset", "train_retnet", "train_baseline"} | SCORES
TARGETS = ("metrics.csv", "comparison.csv", "figures/learning_curve.png", "figures/parity.png")


@pytest.fixture
def project(project):
    """Without the figures of the inside, which take longer than all that is looked at here."""
    project.targets = tuple(f"results/tiny/split0/{name}" for name in TARGETS)
    return project


def change(project, *keys, value):
    """Set one key of the project's config."""
    config = project.config
    block = config
    for key in keys[:-1]:
        block = block.setdefault(key, {})
    block[keys[-1]] = value
    project.config = config


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new))


def read_cifs(project):
    with zipfile.ZipFile(project.root / "data/cifs.zip") as archive:
        return {Path(name).stem: archive.read(name).decode() for name in archive.namelist()}


def shards_run(jobs):
    return sorted(job.rsplit("shard=", 1)[1] for job in jobs if job.startswith("voxels"))


def test_second_run_has_nothing_to_do(project):
    project.targets = ()
    assert "Nothing to be done" in project.run()


def test_touching_anything_reruns_nothing(project):
    project.targets = ()
    for path in project.root.rglob("*"):
        if path.is_file() and not {"results", ".snakemake"} & set(path.relative_to(project.root).parts):
            os.utime(path)
    assert project.jobs() == []


def test_temperature_leaves_voxels_alone(project):
    change(project, "studies", "tiny", "transform", value={"temperature_K": 273.0})
    assert project.rules() == LATER


@pytest.mark.parametrize(
    ("keys", "value", "figures"),
    [
        (("models", "retnet", "epochs"), 3, {"forward_pass", "fingerprints", "histories"}),
        (("models", "rf", "n_estimators"), 11, {"importance"}),
        (("studies", "tiny", "structure"), "mof07", {"augmentations", "forward_pass"}),
    ],
)
def test_figures_of_the_inside_follow_what_they_show(project, keys, value, figures):
    project.targets = ()
    change(project, *keys, value=value)
    later = SCORES | PAGES
    trainings = {"retnet": {"train_retnet"} | later, "rf": {"train_baseline"} | later, "tiny": set()}
    assert project.rules("-n") == trainings[keys[1]] | figures


def test_random_forest_trees_concern_the_random_forest(project):
    change(project, "models", "rf", "n_estimators", value=11)
    jobs = project.jobs()
    assert {job.split()[0] for job in jobs} == {"train_baseline"} | SCORES
    trained = [job for job in jobs if job.startswith(("train", "evaluate"))]
    assert len(trained) == 3 and all("model=rf" in job for job in trained)


def test_a_new_size_trains_that_size_only(project):
    change(project, "studies", "tiny", "sizes", value=[6, 9, 12])
    jobs = project.jobs()
    trained = [job for job in jobs if job.startswith("train")]
    assert len(trained) == 3 and all("size=12" in job for job in trained)
    assert {job.split()[0] for job in jobs} == {"train_baseline", "train_retnet"} | SCORES


@pytest.mark.slow
def test_changed_labels_do_not_voxelise(project):
    table = project.root / "data/labels.csv"
    lines = table.read_text().splitlines()
    lines[3] = lines[3].split(",")[0] + ",0.5,0.5,0.5"
    table.write_text("\n".join(lines) + "\n")
    assert project.rules() == LATER


def test_bootstrap_concerns_scores_and_figures(project):
    change(project, "studies", "tiny", "bootstrap", value={"resamples": 300})
    assert project.rules() == SCORES


def test_one_replaced_cif_recomputes_one_shard(project):
    cifs = read_cifs(project)
    cifs["mof10"] = make_cif("mof10", 999)
    write_archive(project.root / "data/cifs.zip", cifs)
    jobs = project.jobs()
    assert shards_run(jobs) == ["1"]
    assert {job.split()[0] for job in jobs} == {"structures", "voxels"} | LATER
    assert project.jobs() == []


@pytest.mark.slow
def test_new_structures_open_a_new_shard_and_removed_ones_touch_theirs(project):
    cifs = read_cifs(project)
    cifs |= {"aaa": make_cif("aaa", 77), "zzz": make_cif("zzz", 78)}
    write_archive(project.root / "data/cifs.zip", cifs)
    change(project, "datasets", "tiny", "n_structures", value=26)
    assert shards_run(project.jobs()) == ["3"]
    del cifs["mof23"]
    write_archive(project.root / "data/cifs.zip", cifs)
    assert shards_run(project.jobs()) == ["2"]
    assert project.jobs() == []


@pytest.mark.slow
def test_data_and_options_changed_at_once(project):
    """A rerun of the manifest must not hide another reason to rerun."""
    cifs = read_cifs(project)
    cifs["mof10"] = make_cif("mof10", 999)
    write_archive(project.root / "data/cifs.zip", cifs)
    change(project, "grids", "thesis", value={"kind": "mic_supercell", "n": 24})
    assert shards_run(project.jobs()) == ["0", "1", "2"]
    assert project.jobs() == []


LIB = "workflow/lib/porevox"


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        pytest.param("energy/kernel", {"voxels"} | LATER, marks=pytest.mark.slow),
        pytest.param("learning/retnet", {"train_retnet"} | SCORES, marks=pytest.mark.slow),
        pytest.param("baselines", {"train_baseline"} | SCORES, marks=pytest.mark.slow),
        ("compare", {"compare", "learning_curve", "parity"}),
    ],
)
def test_a_real_edit_reruns_the_stages_that_use_the_module(project, module, rules):
    path = project.root / LIB / f"{module}.py"
    path.write_text(path.read_text() + "\n\nADDED_BY_A_TEST = 1\n")
    assert project.rules() == rules and project.jobs() == []


def test_comments_docstrings_and_formatting_rerun_nothing(project):
    for path in [*(project.root / LIB).rglob("*.py"), *(project.root / "workflow/scripts").glob("*.py")]:
        text = path.read_text()
        start = text.index('"""')
        end = text.index('"""', start + 3)
        path.write_text(text[:start] + '"""Another docstring.' + text[end:] + "\n# a comment\n\n")
    assert project.jobs() == []


def test_logging_and_progress_change_no_result(project):
    path = project.root / LIB / "job.py"
    path.write_text(path.read_text() + "\n\nADDED_BY_A_TEST = 1\n")
    assert project.jobs() == []
