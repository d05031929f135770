"""Device, threads and arithmetic of PyTorch, set for one training and put back afterwards."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from threadpoolctl import threadpool_limits

from porevox.errors import PorevoxError


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


def memory_format(device: torch.device) -> torch.memory_format:
    """Layout of feature maps and convolution weights that a device computes fastest with.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    torch.memory_format
        Channels last on a CPU, where a training step then takes 3/4 of the time (measured with
        tests/benchmarks/bench_training.py); PyTorch's own order elsewhere.
    """
    return torch.channels_last_3d if device.type == "cpu" else torch.contiguous_format


@contextmanager
def torch_session(threads: int, device: torch.device) -> Iterator[None]:
    """Settings under which a run repeats itself.

    On the CPU a run is bit-identical on the same machine and number of threads. On a GPU, float32
    means float32 (TF32 is off, for convolutions too) and cuDNN uses deterministic algorithms, but
    PyTorch has no certified deterministic backward pass of the 3D max pool.

    Parameters
    ----------
    threads : int
        At least 1; for PyTorch, BLAS and OpenMP.
    device : torch.device

    Yields
    ------
    None
        Threads, determinism and the state of the global generators are restored on leaving.
    """
    threads_before = torch.get_num_threads()
    deterministic_before = torch.are_deterministic_algorithms_enabled()
    gpus = [torch.cuda.current_device()] if device.type == "cuda" else []
    with ExitStack() as stack:
        stack.callback(torch.use_deterministic_algorithms, deterministic_before)
        stack.callback(torch.set_num_threads, threads_before)
        stack.enter_context(threadpool_limits(threads))
        stack.enter_context(torch.random.fork_rng(devices=gpus))
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(device.type == "cpu")
        if device.type == "cuda":
            exact = {"enabled": True, "deterministic": True, "allow_tf32": False}
            stack.enter_context(torch.backends.cudnn.flags(**exact))
        yield


def gpu_facts(device: torch.device) -> dict:
    """What run.json says about the GPU of a run.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    dict
        Empty on the CPU; else gpu (name), gpu_peak_memory_MB and tf32 (false).
    """
    if device.type != "cuda":
        return {}
    peak = torch.cuda.max_memory_allocated(device) / 2**20
    name = torch.cuda.get_device_name(device)
    return {"gpu": name, "gpu_peak_memory_MB": round(peak, 1), "tf32": False}
