"""Device, threads, arithmetic and memory of PyTorch, set for one training and put back afterwards."""

import ctypes
import logging
import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from porevox.errors import PorevoxError
from porevox.learning.devices import device_names, leased_device

log = logging.getLogger("porevox")

#: Parameters of glibc's mallopt (malloc.h), each with its value during a training and its default.
_MALLOC_OPTIONS = {
    "M_MMAP_MAX": (-4, 0, 65536),
    "M_TRIM_THRESHOLD": (-1, -1, 128 * 1024),
}


def pick_device(device: str = "auto") -> torch.device:
    """Device to compute on.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        "auto": the GPU if PyTorch sees one.

    Returns
    -------
    torch.device

    Raises
    ------
    PorevoxError
        When a GPU is asked for and there is none.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device not in ("cpu", "cuda"):
        raise PorevoxError(f"The device must be auto, cpu or cuda, not {device!r}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise PorevoxError("PyTorch sees no CUDA device here: use device auto or cpu.")
    return torch.device(device)


def memory_format(device: torch.device, precision: str = "float32") -> torch.memory_format:
    """Layout of feature maps and convolution weights that a device computes fastest with.

    Parameters
    ----------
    device : torch.device
    precision : {"float32", "bfloat16"}
        Arithmetic of the training steps.

    Returns
    -------
    torch.memory_format
        Channels last on a CPU, where a training step then takes 3/4 of the time (measured with
        tests/benchmarks/bench_training.py), and on a GPU in bfloat16, since its tensor cores read
        channels last and would have other layouts converted before each convolution. PyTorch's own
        order for float32 on a GPU.
    """
    if device.type == "cpu" or precision == "bfloat16":
        return torch.channels_last_3d
    return torch.contiguous_format


def warn_of_slow_bfloat16(device: torch.device, precision: str) -> None:
    """Log a line when a device computes bfloat16 by detours.

    With AVX-512 alone a step of RetNet takes 2.4 times as long as in float32, with AVX2 10 times
    (one core of an AMD Zen 4 that was kept from using its own bfloat16 instructions).

    Parameters
    ----------
    device : torch.device
    precision : {"float32", "bfloat16"}
    """
    if precision == "bfloat16" and _computes_bfloat16(device) is False:
        log.warning("this %s has no bfloat16 arithmetic: precision float32 is faster on it", device.type)


def _computes_bfloat16(device):
    """Whether there are instructions for it; None where PyTorch does not tell."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    asked = [getattr(torch.cpu, f"_is_{unit}_supported", None) for unit in ("avx512_bf16", "amx_tile")]
    return any(ask() for ask in asked) if all(asked) else None


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keep freed memory in the process, instead of asking for it anew at every step.

    Feature maps of a batch are tens of megabytes each. glibc takes and returns such blocks one by
    one, and the system then zeroes every page again: a third of a training step on the CPU. Nothing
    changes with other C libraries.

    Yields
    ------
    None
        On leaving, glibc's defaults are set and free memory goes back to the system.
    """
    try:
        library = ctypes.CDLL(None)
        set_option, trim = library.mallopt, library.malloc_trim
    except (OSError, TypeError, AttributeError):
        yield
        return
    for option, during, _ in _MALLOC_OPTIONS.values():
        set_option(option, during)
    try:
        yield
    finally:
        for option, _, default in _MALLOC_OPTIONS.values():
            set_option(option, default)
        trim(ctypes.c_size_t(0))


@contextmanager
def determinism(device: torch.device) -> Iterator[None]:
    """Algorithms that repeat themselves: all of them on the CPU, cuDNN's on a GPU.

    Parameters
    ----------
    device : torch.device

    Yields
    ------
    None
        The settings before are restored on leaving.
    """
    before = torch.are_deterministic_algorithms_enabled()
    settings: Any = torch.utils.deterministic  # its attributes are made by hand
    fill = settings.fill_uninitialized_memory
    torch.use_deterministic_algorithms(device.type == "cpu")
    # Deterministic algorithms alone decide the result: every layer writes all of its output, so
    # there is no need to fill each new tensor with NaN first (a tenth of a step).
    settings.fill_uninitialized_memory = False
    try:
        yield
    finally:
        settings.fill_uninitialized_memory = fill
        torch.use_deterministic_algorithms(before)


@contextmanager
def own_gpu(jobs_per_device: int = 1) -> Iterator[torch.device]:
    """Compute on a GPU that no other training uses, or few others; wait where all are taken.

    Parameters
    ----------
    jobs_per_device : int
        How many trainings may share it.

    Yields
    ------
    torch.device
        The GPU with its number; until leaving it is the one that is meant where none is named.
    """
    names = device_names(torch.cuda.device_count())
    with leased_device(names, jobs_per_device) as number, torch.cuda.device(number):
        yield torch.device("cuda", number)


@contextmanager
def torch_session(threads: int, device: torch.device, jobs_per_device: int = 1) -> Iterator[torch.device]:
    """Settings under which a run repeats itself.

    On the CPU a run is bit-identical on the same machine and number of threads. On a GPU, float32
    means float32 (TF32 is off, for convolutions too) and cuDNN uses deterministic algorithms, but
    PyTorch has no certified deterministic backward pass of the 3D max pool.

    Parameters
    ----------
    threads : int
        At least 1; for PyTorch, BLAS and OpenMP.
    device : torch.device
    jobs_per_device : int
        As for :func:`own_gpu`, where the device is a GPU.

    Yields
    ------
    torch.device
        Where to compute: the CPU, or one GPU with its number.
        Threads, determinism and the state of the global generators are restored on leaving.
    """
    threads_before = torch.get_num_threads()
    with ExitStack() as stack:
        if device.type == "cuda":
            device = stack.enter_context(own_gpu(jobs_per_device))
        gpus = [device.index] if device.type == "cuda" else []
        stack.callback(torch.set_num_threads, threads_before)
        stack.enter_context(threadpool_limits(threads))
        stack.enter_context(torch.random.fork_rng(devices=gpus))
        torch.set_num_threads(threads)
        stack.enter_context(determinism(device))
        if device.type == "cpu":
            stack.enter_context(freed_memory_kept())
        else:
            stack.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
            torch.set_float32_matmul_precision("highest")
            exact = {"enabled": True, "deterministic": True, "allow_tf32": False}
            stack.enter_context(torch.backends.cudnn.flags(**exact))
        yield device


def gpu_facts(device: torch.device) -> dict:
    """What run.json says about the GPU of a run.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    dict
        Empty on the CPU; else gpu (name), gpu_number (among those that PyTorch saw),
        gpu_peak_memory_MB and tf32 (false).
    """
    if device.type != "cuda":
        return {}
    peak = torch.cuda.max_memory_allocated(device) / 2**20
    name = torch.cuda.get_device_name(device)
    number = {"gpu_number": device.index or 0}
    return {"gpu": name, **number, "gpu_peak_memory_MB": round(peak, 1), "tf32": False}
