"""What only a GPU can show: the same moves and steps as on the CPU, graphs, and streamed voxels."""

import pytest
import torch
from torch.nn import functional

from porevox.learning.augment import Augmenter
from porevox.learning.batches import TrainingData, training_batches
from porevox.learning.graphstep import WARM_UP, GraphStep, make_step
from porevox.learning.retnet import RetNet
from porevox.learning.torchsetup import memory_format, torch_session

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device here")

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def some_data(m=40, n=16):
    generator = torch.Generator().manual_seed(0)
    voxels = torch.randn(m, 1, n, n, n, generator=generator)
    return TrainingData(voxels, torch.empty(m, 0), torch.rand(m, generator=generator))


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", ["thesis", "octahedral"])
@pytest.mark.parametrize("endpoint", [False, True])
def test_samples_move_as_on_the_cpu_without_waiting(kind, endpoint):
    voxels = some_data().voxels
    if endpoint:
        for dim in (-3, -2, -1):
            voxels.select(dim, 15).copy_(voxels.select(dim, 0))
    expected = Augmenter(kind, True, 16, CPU, endpoint=endpoint)(voxels, seeded())
    mover, there = Augmenter(kind, True, 16, CUDA, endpoint=endpoint), voxels.to(CUDA)
    mover(there, seeded())
    torch.cuda.set_sync_debug_mode("error")
    try:
        moved = mover(there, seeded())
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(moved.cpu(), expected)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("resident", [False, True])
def test_batches_are_those_of_the_cpu(monkeypatch, precision, resident):
    data, free = some_data(), 10**12 if resident else 0
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (free, 10**12))
    placed = data.placed(CUDA, precision)
    assert placed.voxels.is_cuda == resident
    how = Augmenter("thesis", False, 16, CUDA), CUDA, precision
    expected = training_batches(data, 16, seeded(), Augmenter("thesis", False, 16, CPU), CPU)
    for there, here in zip(training_batches(placed, 16, seeded(), *how), expected, strict=True):
        rounded = here[0].bfloat16() if precision == "bfloat16" else here[0]
        assert torch.equal(there[0].cpu(), rounded) and torch.equal(there[2].cpu(), here[2])
        assert there[0].is_contiguous(memory_format=memory_format(CUDA, precision))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_graphs_train_as_single_kernels_do(precision):
    """Also with a last batch of another size, and a learning rate that changes on the way."""
    losses, data = [], some_data(40)
    for graph in (False, True):
        with torch_session(1, CUDA):
            torch.manual_seed(0)
            model = RetNet(n=16, dropout=0.0).to(CUDA).train()
            optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
            schedule = torch.optim.lr_scheduler.StepLR(optimiser, 2, 0.5)
            step = make_step(model, optimiser, functional.mse_loss, precision, CUDA, graph=graph)
            placed, generator, found = data.placed(CUDA, precision), seeded(), []
            how = Augmenter("thesis", False, 16, CUDA), CUDA, precision
            for _ in range(WARM_UP + 3):
                parts = training_batches(placed, 16, generator, *how)
                found += [step(voxels, scalars, y) for voxels, scalars, y in parts]
                schedule.step()
            losses.append(torch.stack(found).cpu())
    assert isinstance(step, GraphStep) and len(step._graphs) == 2 and step._usable
    torch.testing.assert_close(*losses, rtol=0.02 if precision == "float32" else 0.1, atol=1e-3)


def test_dropout_draws_anew_at_every_replay():
    with torch_session(1, CUDA):
        model = RetNet(n=16, dropout=0.5).to(CUDA).train()
        optimiser = torch.optim.Adam(model.parameters(), lr=0.0)
        step = make_step(model, optimiser, functional.mse_loss, "float32", CUDA, graph=True)
        voxels, y = torch.randn(8, 1, 16, 16, 16, device=CUDA), torch.rand(8, device=CUDA)
        losses = {step(voxels, None, y).item() for _ in range(WARM_UP + 6)}
    assert len(losses) == WARM_UP + 6
