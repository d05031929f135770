"""Event files for TensorBoard: read back, replaced, and missed where the package is missing."""

import sys

import pytest

from porevox.errors import PorevoxError
from porevox.learning.eventlog import event_log

ROW = {"epoch": 10, "learning_rate": 1e-3, "train_loss": 2.0, "validation_mse": 3.0, "validation_R2": 0.5}


def test_nothing_is_written_unless_asked_for():
    with event_log(None) as watch:
        watch(ROW)


def test_without_the_package_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(PorevoxError, match="needs the package tensorboard, which is not installed"):
        with event_log(tmp_path):
            pass


def test_what_is_written_can_be_read(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):  # the second try replaces the first
        with event_log(tmp_path / "events") as watch:
            watch({**ROW, "epoch": 9, "validation_mse": None, "validation_R2": None})
            watch(ROW)
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    found = {
        tag: [(e.step, round(e.value, 6)) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }
    assert found == {
        "loss/train": [(9, 2.0), (10, 2.0)],
        "loss/validation": [(10, 3.0)],
        "R2/validation": [(10, 0.5)],
        "learning rate": [(9, 0.001), (10, 0.001)],
    }
