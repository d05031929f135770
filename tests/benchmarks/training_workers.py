"""One process for each way to train, so that none inherits what another has set in the C library."""

import multiprocessing
import time
from pathlib import Path

import numpy as np
import torch
from training_loops import Loop, Variant, settings

#: Batches of the first, unmeasured part: more than a CUDA graph needs before it is captured.
WARM_UP_BATCHES = 5


def _measured(work, device):
    """Wall-clock and CPU seconds of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - wall, time.process_time() - cpu


def _curve(variant, voxels, y, device, workers, sizes, epochs):
    def run():
        for size in sizes:
            loop = Loop(variant, voxels[:size], y[:size], device, workers=workers)
            for _ in range(epochs):
                loop.epoch()

    return _measured(run, device)


def serve(pipe, variant: Variant, path: str, kind: str, threads: int, workers: int) -> None:
    """Answer requests: ("epoch",) or ("curve", sizes, epochs), until None comes."""
    device = torch.device(kind)
    voxels, y = np.load(path, mmap_mode="r"), np.load(Path(path).with_name("y.npy"))
    with settings(variant, threads, device):
        loop = Loop(variant, voxels, y, device, workers=workers)
        loop.epoch(WARM_UP_BATCHES)
        while (request := pipe.recv()) is not None:
            if request[0] == "epoch":
                pipe.send(_measured(loop.epoch, device))
            else:
                pipe.send(_curve(variant, voxels, y, device, workers, *request[1:]))


class Worker:
    """A process that trains in one way when it is asked to."""

    def __init__(self, variant: Variant, path: Path, device: torch.device, threads: int, workers: int):
        context = multiprocessing.get_context("spawn")
        self.variant = variant
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, variant, str(path), device.type, threads, workers)
        self._process = context.Process(target=serve, args=arguments)
        self._process.start()
        theirs.close()

    def ask(self, *request) -> tuple[float, float]:
        """(wall, CPU) seconds of what was asked for."""
        self._pipe.send(request)
        try:
            return self._pipe.recv()
        except EOFError:
            raise SystemExit(f"{self.variant.name}: the process has failed, see above") from None

    def close(self) -> None:
        """End the process, also one that is still at work or has failed."""
        try:
            self._pipe.send(None)
            self._process.join(timeout=10)
        except BrokenPipeError:
            pass  # it has ended by itself
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()


def write_samples(folder: Path, m: int, n: int) -> Path:
    """Random voxels and labels on disk, for all processes to map."""
    rng = np.random.default_rng(0)
    voxels = np.lib.format.open_memmap(folder / "voxels.npy", "w+", np.float32, (m, 1, n, n, n))
    for start in range(0, m, 1024):
        part = voxels[start : start + 1024]
        part[...] = rng.standard_normal(part.shape, dtype=np.float32)
    np.save(folder / "y.npy", rng.random(m, dtype=np.float32))
    voxels.flush()
    return folder / "voxels.npy"
