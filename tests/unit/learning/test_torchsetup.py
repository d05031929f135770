"""Threads, determinism, memory and generators during a training and after it."""

import ctypes
import logging
import resource
import sys
from contextlib import contextmanager
from unittest import mock

import pytest
import torch
from threadpoolctl import threadpool_info

from porevox.errors import PorevoxError
from porevox.learning.torchsetup import (
    determinism,
    freed_memory_kept,
    gpu_facts,
    memory_format,
    own_gpu,
    pick_device,
    torch_session,
    warn_of_slow_bfloat16,
)

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


def test_layouts():
    cuda = torch.device("cuda")
    assert memory_format(CPU) is memory_format(CPU, "bfloat16") is torch.channels_last_3d
    assert memory_format(cuda) is memory_format(cuda, "float32") is torch.contiguous_format
    assert memory_format(cuda, "bfloat16") is torch.channels_last_3d


@pytest.mark.parametrize(
    ("avx512", "amx", "machine", "lines"),
    [
        (False, False, "x86_64", 1),
        (True, False, "AMD64", 0),
        (False, True, "x86_64", 0),
        (0, 0, "aarch64", 0),
    ],
)
def test_a_processor_without_bfloat16_is_named(monkeypatch, caplog, avx512, amx, machine, lines):
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: avx512, raising=False)
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: amx, raising=False)
    with caplog.at_level(logging.INFO, logger="porevox"):
        warn_of_slow_bfloat16(CPU, "float32")
        warn_of_slow_bfloat16(CPU, "bfloat16")
    assert len(caplog.records) == lines
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", None)
    warn_of_slow_bfloat16(CPU, "bfloat16")
    assert len(caplog.records) == lines


@pytest.mark.parametrize(("generation", "lines"), [(7, 1), (8, 0), (9, 0)])
def test_a_gpu_without_bfloat16_is_named(monkeypatch, caplog, generation, lines):
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda device: (generation, 0))
    with caplog.at_level(logging.INFO, logger="porevox"):
        warn_of_slow_bfloat16(torch.device("cuda"), "bfloat16")
    assert len(caplog.records) == lines


def test_the_cpu_has_no_facts_of_a_gpu():
    assert gpu_facts(CPU) == {}


class FakeGpus:
    """Two GPUs, as far as a session looks at them."""

    def __init__(self, monkeypatch, folder):
        self.current = 0
        monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
        monkeypatch.setattr("torch.cuda.device", self.device)
        monkeypatch.setattr("tempfile.gettempdir", lambda: str(folder))
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    @contextmanager
    def device(self, number):
        before, self.current = self.current, number
        try:
            yield
        finally:
            self.current = before


def test_trainings_at_the_same_time_have_gpus_of_their_own(monkeypatch, tmp_path):
    gpus = FakeGpus(monkeypatch, tmp_path)
    with own_gpu() as first:
        with own_gpu() as second:
            assert (first, second) == (torch.device("cuda", 0), torch.device("cuda", 1))
            # what is created on "cuda" lies on the GPU taken last, in this one process
            assert gpus.current == 1
        assert gpus.current == 0
        with own_gpu() as third:
            assert third == second


def test_trainings_share_a_gpu_where_they_may(monkeypatch, tmp_path):
    FakeGpus(monkeypatch, tmp_path)
    with own_gpu(2) as first, own_gpu(2) as second, own_gpu(2) as third, own_gpu(2) as fourth:
        assert [gpu.index for gpu in (first, second, third, fourth)] == [0, 1, 0, 1]


def test_a_session_on_the_cpu_leaves_gpus_alone(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", mock.Mock(side_effect=AssertionError))
    with torch_session(1, CPU, jobs_per_device=3) as device:
        assert device == CPU


def test_new_tensors_are_not_filled_inside_and_the_choice_is_put_back():
    """Filling them with NaN costs a tenth of a step, and every layer writes all of its output."""
    for before in (True, False):
        torch.utils.deterministic.fill_uninitialized_memory = before
        with determinism(CPU):
            assert torch.are_deterministic_algorithms_enabled()
            assert not torch.utils.deterministic.fill_uninitialized_memory
        assert torch.utils.deterministic.fill_uninitialized_memory == before
    torch.utils.deterministic.fill_uninitialized_memory = True


def page_faults(work):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_freed_memory_is_used_again_inside_and_goes_back_to_the_system_after():
    """Each of 20 tensors of 40 MB would otherwise be 10,000 new pages of 4 kB."""

    def work():
        for _ in range(20):
            torch.ones(10_000_000)

    with freed_memory_kept():
        work()
        inside, held = page_faults(work), resident_MB()
    if held is not None:
        assert resident_MB() < held - 30
    # Huge pages, where the system gives them, count once each.
    assert page_faults(work) > 10 * (inside + 1)


def resident_MB():
    if sys.platform != "linux":
        return None
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


@pytest.mark.parametrize("library", [mock.Mock(spec=[]), OSError("none"), TypeError("windows")])
def test_another_c_library_is_left_alone(monkeypatch, library):
    monkeypatch.setattr("ctypes.CDLL", mock.Mock(side_effect=[library]))
    with freed_memory_kept():
        entered = True
    assert entered


def test_malloc_is_set_back_to_its_defaults_after_an_error(monkeypatch):
    library = mock.Mock()
    monkeypatch.setattr("ctypes.CDLL", lambda name: library)
    with pytest.raises(RuntimeError, match="inside"), freed_memory_kept():
        raise RuntimeError("inside")
    # malloc.h: M_MMAP_MAX is -4 (default 65536), M_TRIM_THRESHOLD is -1 (default 128 kB).
    calls = [call.args for call in library.mallopt.call_args_list]
    assert calls == [(-4, 0), (-1, -1), (-4, 65536), (-1, 131072)]
    assert library.malloc_trim.called
