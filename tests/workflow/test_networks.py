"""Trainings of networks, for real: from another study's weights, watched, and compared by epochs."""

import json
import shutil

import pandas as pd

SOURCE = {"study": "tiny", "model": "retnet", "size": 9}


def test_a_study_starts_from_weights_that_are_trained_first(project):
    """The source study is not in `run`: only the one training that is needed of it is done."""
    shutil.rmtree(project.root / "results/tiny/split0/retnet")
    config = project.config
    short = {"type": "retnet", "epochs": 2, "batch_size": 4}
    config["models"]["moved"] = {**short, "init_from": SOURCE, "freeze": "features"}
    moved = {**config["studies"]["tiny"], "target": "void_fraction", "models": ["moved"], "sizes": [6]}
    config["studies"]["moved"] = {**moved, "compare": {"challenger": "moved", "reference": "retnet"}}
    project.config = {**config, "run": ["moved"]}
    project.run("results/moved/split0/moved/n6/seed0/run.json")
    trained = sorted(
        p.parent.relative_to(project.root) for p in project.root.glob("results/*/*/*/*/*/train_ids.txt")
    )
    assert [str(p) for p in trained] == [
        "results/moved/split0/moved/n6/seed0",
        "results/tiny/split0/retnet/n9/seed0",
    ]
    run = json.loads((project.root / trained[0] / "run.json").read_text())
    assert run["started_from"]["n_test_seen"] == 0
    assert run["options"]["init_from"] == "results/tiny/split0/retnet/n9/seed0"
    # To want to watch is no reason to train again.
    config["models"]["moved"]["tensorboard"] = config["models"]["retnet"]["tensorboard"] = True
    project.config = {**config, "run": ["moved"]}
    assert "Nothing to be done" in project.run("results/moved/split0/moved/n6/seed0/run.json")
    # Another circle is told before anything runs.
    config["models"]["retnet"]["init_from"] = {"study": "moved", "model": "moved", "size": 6}
    project.config = {**config, "run": ["moved"]}
    assert "so that no training could be the first" in project.run("-n", ok=False)
    project.config = {
        **project.config,
        "models": {**config["models"], "retnet": {"epochs": 10, "batch_size": 4}},
    }
    project.run("results/tiny/split0/epochs.csv", "--config", 'run=["tiny"]')
    table = pd.read_csv(project.root / "results/tiny/split0/epochs.csv")
    assert list(table["epochs"]) == [10] and table["validation_R2"].notna().all()


def test_asking_to_watch_reaches_the_training(project):
    """With or without the package: event files, or one sentence that names it."""
    shutil.rmtree(project.root / "results/tiny/split0/retnet/n6")
    config = project.config
    config["models"]["retnet"]["tensorboard"] = True
    project.config = config
    target = "results/tiny/split0/retnet/n6/seed0/run.json"
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        assert "needs the package tensorboard" in project.run(target, ok=False)
    else:
        project.run(target)
        events = project.root / "results/tensorboard/tiny/split0/retnet/n6/seed0"
        assert len(list(events.glob("events.out.tfevents.*"))) == 1
