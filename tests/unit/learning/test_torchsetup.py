"""Threads, determinism and generators during a training and after it."""

import pytest
import torch
from threadpoolctl import threadpool_info

from porevox.errors import PorevoxError
from porevox.learning.torchsetup import gpu_facts, memory_format, pick_device, torch_session

CPU = torch.device("cpu")


def test_devices(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert pick_device() == pick_device("cpu") == CPU
    with pytest.raises(PorevoxError, match="no CUDA device"):
        pick_device("cuda")
    with pytest.raises(PorevoxError, match="not 'tpu'"):
        pick_device("tpu")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert pick_device().type == pick_device("cuda").type == "cuda"
    assert pick_device("cpu") == CPU


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_and_determinism_hold_inside_and_are_put_back(threads):
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch_session(threads, CPU):
        assert torch.get_num_threads() == threads
        assert torch.are_deterministic_algorithms_enabled()
        assert {pool["num_threads"] for pool in threadpool_info()} <= set(range(1, threads + 1))
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before


def test_settings_are_put_back_after_an_error_and_the_callers_random_numbers_too():
    before, state = torch.get_num_threads(), torch.get_rng_state()
    with pytest.raises(RuntimeError, match="inside"), torch_session(1, CPU):
        torch.manual_seed(1)
        torch.rand(3)
        raise RuntimeError("inside")
    assert torch.get_num_threads() == before
    assert torch.equal(torch.get_rng_state(), state)


def test_layout_and_facts_of_the_cpu():
    assert memory_format(CPU) is torch.channels_last_3d
    assert memory_format(torch.device("cuda")) is torch.contiguous_format
    assert gpu_facts(CPU) == {}
