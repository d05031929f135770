"""The rolling checkpoint: keys, files that cannot be used, states of the generators."""

import logging
import pickle

import pytest
import torch

from porevox.learning.checkpoint import (
    describe_training,
    load_checkpoint,
    random_states,
    restore_random_states,
    save_checkpoint,
)

CPU = torch.device("cpu")
BASE = {"dataset_digest": "d", "n_train": 100, "seed": 0, "options": {"epochs": 5, "dropout": 0.3}}
TRAINING = describe_training(**BASE)
OTHER = describe_training("d", 100, 1, {"epochs": 60, "loss": "huber"})


def test_what_is_saved_comes_back(tmp_path):
    state = {"epoch": 3, "model": {"w": torch.arange(4.0)}, "history": [{"loss": 0.5, "mse": None}]}
    save_checkpoint(tmp_path / "new" / "c.pt", TRAINING, state)
    found = load_checkpoint(tmp_path / "new" / "c.pt", TRAINING)
    assert torch.equal(found.pop("model")["w"], state.pop("model")["w"]) and found == state
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["c.pt"]


@pytest.mark.parametrize(
    "other",
    [
        {"dataset_digest": "e"},
        {"n_train": 101},
        {"seed": 1},
        {"options": {"epochs": 5, "dropout": 0.2}},
        {"options": {"epochs": 5}},
    ],
)
def test_the_description_holds_all_that_makes_the_weights(other):
    same = {**BASE, "options": {"dropout": 0.3, "epochs": 5}}
    assert describe_training(**BASE) == describe_training(**same)
    assert describe_training(**BASE) != describe_training(**{**BASE, **other})


def test_the_place_of_the_weights_started_from_does_not_count_but_their_digest_does():
    options = [{**BASE["options"], "init_from": folder} for folder in ("here", "there")]
    described = [describe_training(**{**BASE, "options": o}, start_sha256="abc") for o in options]
    assert described[0] == described[1] != describe_training(**BASE, start_sha256="abd")


def test_the_description_depends_on_the_format(monkeypatch):
    before = describe_training(**BASE)
    monkeypatch.setattr("porevox.learning.checkpoint.FORMAT_VERSION", 10**6)
    assert describe_training(**BASE) != before


def test_no_checkpoint(tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="porevox"):
        assert load_checkpoint(tmp_path / "c.pt", TRAINING) is None
    assert not caplog.records


def test_a_checkpoint_of_something_else_is_ignored_with_a_line(tmp_path, caplog):
    save_checkpoint(tmp_path / "c.pt", TRAINING, {"epoch": 3})
    with caplog.at_level(logging.INFO, logger="porevox"):
        assert load_checkpoint(tmp_path / "c.pt", OTHER) is None
    assert "(seed: 0 -> 1, epochs: 5 -> 60, dropout: 0.3 -> None, loss: None -> huber)" in caplog.text


def broken_files():
    """Ways in which a checkpoint's bytes can be wrong."""
    return {
        "empty": lambda good: b"",
        "first byte": lambda good: good[:1],
        "half": lambda good: good[: len(good) // 2],
        "last bytes lost": lambda good: good[:-30],
        "zeros": lambda good: bytes(len(good)),
        "text": lambda good: b"not a checkpoint",
        "a list": lambda good: pickle.dumps([1, 2], protocol=2),
    }


@pytest.mark.parametrize("how", broken_files())
def test_a_broken_checkpoint_is_ignored_with_a_warning(tmp_path, caplog, how):
    path = tmp_path / "c.pt"
    save_checkpoint(path, TRAINING, {"epoch": 3, "model": {"w": torch.rand(50, 50)}})
    path.write_bytes(broken_files()[how](path.read_bytes()))
    with caplog.at_level(logging.INFO, logger="porevox"):
        assert load_checkpoint(path, TRAINING) is None
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert "cannot be read" in caplog.text and str(path) in caplog.text


class Evil:
    """Unpickling it would run a command."""

    def __reduce__(self):
        return (exec, ("import porevox; porevox.hacked = True",))


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_a_checkpoint_cannot_run_code(tmp_path, writer):
    import porevox

    path = tmp_path / "c.pt"
    content = {"training": TRAINING, "state": Evil()}
    if writer == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))
    assert load_checkpoint(path, TRAINING) is None
    assert not hasattr(porevox, "hacked")


def test_generators_go_on_where_they_were():
    generator = torch.Generator().manual_seed(4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        torch.rand(10)
        states = random_states(generator, CPU)
        expected = torch.rand(5), torch.rand(5, generator=generator)
        fresh = torch.Generator()
        torch.manual_seed(99)
        restore_random_states(states, fresh, CPU)
        assert torch.equal(torch.rand(5), expected[0])
        assert torch.equal(torch.rand(5, generator=fresh), expected[1])
