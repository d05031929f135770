"""Shuffled batches of an epoch."""

import pytest
import torch

from porevox.learning.batches import TrainingData, batches


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
    data = TrainingData(torch.zeros(2, 1, 4, 4, 4), torch.zeros(2, 0), torch.zeros(2))
    assert data.placed(torch.device("cpu")) is data
