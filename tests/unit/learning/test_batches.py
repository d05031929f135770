"""Shuffled batches of an epoch, and how they reach the device."""

from unittest import mock

import pytest
import torch

from porevox.learning import batches as batches_module
from porevox.learning.augment import OPERATIONS, Augmenter, draw_operations
from porevox.learning.batches import TrainingData, batches, training_batches

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def some_data(m=9, k=2, n=4):
    generator = torch.Generator().manual_seed(0)
    voxels = torch.rand(m, 1, n, n, n, generator=generator)
    return TrainingData(voxels, torch.rand(m, k, generator=generator), torch.arange(float(m)))


@pytest.mark.parametrize(
    ("m", "batch_size", "lengths"),
    [
        (200, 64, [64, 64, 64, 8]),
        (128, 64, [64, 64]),
        (129, 64, [64, 65]),
        (66, 64, [64, 2]),
        (2, 64, [2]),
        (65, 64, [65]),
        (5, 2, [2, 3]),
    ],
)
def test_the_last_partial_batch_is_kept_and_a_single_one_joins_the_batch_before(m, batch_size, lengths):
    parts = batches(m, batch_size, torch.Generator().manual_seed(0))
    assert [len(part) for part in parts] == lengths
    assert sorted(torch.cat(parts).tolist()) == list(range(m))


def test_every_epoch_has_an_order_of_its_own():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.cat(batches(100, 64, generator)).tolist() for _ in range(2))
    again = torch.cat(batches(100, 64, torch.Generator().manual_seed(0))).tolist()
    assert first != second and first == again and first != list(range(100))


def test_data_stay_where_they_are_on_the_cpu():
    data = some_data()
    assert data.placed(CPU) is data and data.placed(CPU, "bfloat16") is data


@pytest.mark.parametrize(("precision", "bytes_each"), [("float32", 4), ("bfloat16", 2)])
def test_data_move_to_a_gpu_that_has_twice_the_room(monkeypatch, precision, bytes_each):
    """Half the voxels' bytes suffice in bfloat16; the labels are never rounded."""
    data, needed = some_data(), 9 * 4**3 * bytes_each
    asked = []

    def to(tensor, target):
        asked.append((tensor.dtype, target))
        return original(tensor, target) if isinstance(target, torch.dtype) else tensor

    original = torch.Tensor.to
    monkeypatch.setattr(torch.Tensor, "to", to)
    for free, fits in ((2 * needed - 1, False), (2 * needed, True)):
        monkeypatch.setattr("torch.cuda.mem_get_info", lambda device, free=free: (free, 10**9))
        placed = data.placed(CUDA, precision)
        assert (placed is not data) == fits
    assert placed.voxels.itemsize == bytes_each and placed.y.dtype == placed.scalars.dtype == torch.float32
    assert [dtype for dtype, target in asked if target == CUDA] == [placed.voxels.dtype, *[torch.float32] * 2]


def test_an_epoch_is_that_of_the_plain_loop():
    """Order, then operations batch by batch, from one generator: as the thesis' recipe began."""
    data, generator, plain = some_data(11), *(torch.Generator().manual_seed(5) for _ in range(2))
    mover = Augmenter("thesis", False, 4, CPU)
    for _ in range(2):
        found = list(training_batches(data, 4, generator, mover, CPU))
        # Two batches of 4 and one of 3, each drawn right before its step.
        parts = torch.randperm(11, generator=plain).split(4)
        assert [len(y) for _, _, y in found] == [4, 4, 3]
        for samples, (voxels, scalars, y) in zip(parts, found, strict=True):
            drawn = draw_operations(len(samples), plain).tolist()
            for i, sample in enumerate(samples):
                assert torch.equal(voxels[i], OPERATIONS[drawn[i]][1](data.voxels[sample]))
            assert torch.equal(scalars, data.scalars[samples]) and torch.equal(y, data.y[samples])
    assert torch.equal(generator.get_state(), plain.get_state())


def test_without_augmentation_nothing_is_moved_or_drawn():
    data, generator, plain = some_data(), *(torch.Generator().manual_seed(5) for _ in range(2))
    found = list(training_batches(data, 4, generator, Augmenter("none", False, 4, CPU), CPU))
    order = torch.cat(batches(9, 4, plain))
    assert torch.equal(torch.cat([voxels for voxels, _, _ in found]), data.voxels[order])
    assert torch.equal(generator.get_state(), plain.get_state())


def test_batches_are_laid_out_for_the_device():
    data = some_data()
    data = TrainingData(data.voxels.expand(-1, 3, -1, -1, -1).contiguous(), data.scalars, data.y)
    for voxels, _, _ in training_batches(data, 4, torch.Generator(), Augmenter("thesis", True, 4, CPU), CPU):
        assert voxels.is_contiguous(memory_format=torch.channels_last_3d) and voxels.shape[1] == 3


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_voxels_that_stay_in_main_memory_are_sent_one_batch_ahead(monkeypatch, precision):
    """The order of sending and using, with a GPU that is played by the CPU."""
    data, events = some_data(), []
    parts = batches(9, 4, torch.Generator().manual_seed(1))

    def send(voxels, samples, device, precision, stream):
        events.append(("send", len(samples)))
        return mock.Mock(values=voxels[samples])

    monkeypatch.setattr(batches_module, "_send", send)
    monkeypatch.setattr("torch.cuda.Stream", mock.Mock())
    monkeypatch.setattr("torch.cuda.current_stream", mock.Mock())
    for samples, batch in zip(parts, batches_module._sent(data, parts, CUDA, precision), strict=True):
        events.append(("use", len(samples)))
        assert torch.equal(batch.values, data.voxels[samples])
        batch.record_stream.assert_called_once()
    assert events == [("send", 4), ("send", 5), ("use", 4), ("use", 5)]


def test_rounding_voxels_at_once_is_what_the_first_layer_would_do():
    """Why bfloat16 trainings may keep bfloat16 voxels: conv1 rounds its input in any case."""
    voxels = some_data(4, n=6).voxels
    conv = torch.nn.Conv3d(1, 2, 3, padding=1, padding_mode="circular", bias=False)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(conv(voxels), conv(voxels.bfloat16()))
