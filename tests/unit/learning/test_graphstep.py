"""Training steps: the plain one, and the bookkeeping around CUDA graphs, played by the CPU."""

import copy
import logging
from contextlib import nullcontext
from unittest import mock

import pytest
import torch
from torch.nn import functional

from porevox.learning.graphstep import WARM_UP, EagerStep, GraphStep, make_step
from porevox.learning.retnet import RetNet
from porevox.learning.torchsetup import torch_session

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def session():
    with torch_session(1, CPU):
        yield


def parts(seed=0):
    torch.manual_seed(seed)
    model = RetNet(n=16, dropout=0.0).train()
    return model, torch.optim.Adam(model.parameters(), lr=1e-3)


def some_batches(*sizes):
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(m, 1, 16, 16, 16, generator=generator), None, torch.rand(m, generator=generator))
        for m in sizes
    ]


def plain_step(model, optimiser, voxels, y):
    """A step as it is written in every textbook."""
    loss = functional.mse_loss(model(voxels), y)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


def test_a_step_is_the_textbooks_to_the_last_bit():
    (model, optimiser), (plain, plain_optimiser) = parts(), parts()
    step = make_step(model, optimiser, functional.mse_loss, "float32", CPU, graph=True)
    for voxels, scalars, y in some_batches(4, 4, 3):
        loss = step(voxels, scalars, y)
        assert loss.item() == plain_step(plain, plain_optimiser, voxels, y)
        assert not loss.requires_grad and loss.shape == ()
    for ours, theirs in zip(model.state_dict().values(), plain.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


def test_on_the_cpu_there_are_no_graphs():
    assert type(make_step(*parts(), functional.mse_loss, "float32", CPU, graph=True)) is EagerStep


def test_bfloat16_reaches_the_network_and_not_the_loss():
    seen = []

    def loss(predicted, y):
        seen.append(predicted.dtype)
        return functional.mse_loss(predicted, y)

    (model, optimiser), (exact, other) = parts(), parts()
    batch = some_batches(4)[0]
    rounded = make_step(model, optimiser, loss, "bfloat16", CPU)(*batch)
    full = make_step(exact, other, loss, "float32", CPU)(*batch)
    assert seen == [torch.float32] * 2
    assert rounded != full and rounded.item() == pytest.approx(full.item(), rel=0.5)


class PlayedGraph(GraphStep):
    """Capturing on the CPU: what a real graph would replay is the step on the tensors it reads."""

    adam_options = {}
    captures, broken = 0, False

    def _capture(self, batch):
        if self.broken:
            raise RuntimeError("operation not permitted when stream is capturing")
        self.captures += 1
        inputs = tuple(None if t is None else t.clone() for t in batch)
        loss, rates = torch.zeros(()), [group["lr"] for group in self.optimiser.param_groups]
        # Learning rates are tensors while a graph is captured: it goes on reading them.
        assert all(torch.is_tensor(rate) for rate in rates)

        def replay():
            now = [group["lr"] for group in self.optimiser.param_groups]
            self._set_rates([float(rate) for rate in rates])
            loss.copy_(self.eager(*inputs))
            self._set_rates(now)

        return mock.Mock(replay=replay), inputs, loss


@pytest.fixture
def played(monkeypatch):
    """Steps of a GraphStep on the CPU, beside the same steps without graphs."""
    monkeypatch.setattr("torch.cuda.Stream", mock.Mock())
    monkeypatch.setattr("torch.cuda.current_stream", mock.Mock())
    monkeypatch.setattr("torch.cuda.stream", nullcontext)
    (model, optimiser), (plain, plain_optimiser) = parts(), parts()
    eager = EagerStep(model, optimiser, functional.mse_loss, "float32")
    return PlayedGraph(eager, CPU), EagerStep(plain, plain_optimiser, functional.mse_loss, "float32")


def test_a_graph_for_each_shape_after_its_first_steps(played):
    step, plain = played
    for k, batch in enumerate(some_batches(*[4] * 5, 3, 3, 3, 3, 4)):
        assert step(*batch).item() == plain(*batch).item(), k
        assert step.captures == (k >= WARM_UP) + (k >= 5 + WARM_UP)
    for ours, theirs in zip(step.eager.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_loss_is_not_overwritten_by_the_next_step(played):
    losses = [played[0](*batch) for batch in some_batches(*[4] * 6)]
    assert len({loss.item() for loss in losses}) == 6


def test_graphs_follow_the_learning_rate_and_nobody_else_sees_tensors(played):
    step, plain = played
    for k, batch in enumerate(some_batches(*[4] * 8)):
        for each in (step, plain):
            each.optimiser.param_groups[0]["lr"] = 1e-3 * 0.5**k
        assert step(*batch).item() == pytest.approx(plain(*batch).item(), rel=1e-5)
        assert isinstance(step.optimiser.param_groups[0]["lr"], float)


def test_an_optimiser_that_is_set_back_gets_new_graphs(played):
    """The tensors that a graph holds on to are not the optimiser's any more."""
    step, _ = played
    for batch in some_batches(*[4] * 4):
        step(*batch)
    assert step.captures == 1
    step.optimiser.load_state_dict(copy.deepcopy(step.optimiser.state_dict()))
    for k, batch in enumerate(some_batches(*[4] * 4)):
        step(*batch)
        assert step.captures == 1 + (k == WARM_UP)


def test_without_graphs_steps_go_on_with_one_line_in_the_log(played, caplog):
    step, plain = played
    step.broken = True
    with caplog.at_level(logging.INFO, logger="porevox"):
        for batch in some_batches(*[4] * 6):
            assert step(*batch).item() == plain(*batch).item()
    assert len(caplog.records) == 1
    assert "CUDA graphs cannot be used here (operation not permitted" in caplog.text
    assert isinstance(step.optimiser.param_groups[0]["lr"], float)
