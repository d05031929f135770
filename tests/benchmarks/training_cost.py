"""What one training step costs at least, and what the machine offers: counted, and measured."""

import time

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from porevox.learning.retnet import RetNet

#: Values read and written per value of a layer's input and output, in the forward pass and then in
#: the backward pass. Convolutions and linear layers: read the input, write the output; read the
#: gradient twice and the input once, write the gradient of the input. Batch normalisation: statistics
#: and the normalised map are two passes, backwards as well. LeakyReLU works in place. A pool also
#: keeps the place of each maximum.
_TRAFFIC = {
    nn.Conv3d: (3, 3),
    nn.Linear: (3, 3),
    nn.BatchNorm3d: (6, 2),
    nn.BatchNorm1d: (6, 2),
    nn.LeakyReLU: (3, 2),
    nn.MaxPool3d: (2, 4),
    nn.Dropout: (3, 3),
}
CONVENTION = (
    "every layer on its own, each value of a feature map and of its gradient read and written once per "
    "pass over it (batch normalisation: two passes each way); no caches, no fusion; Adam: 7 values per "
    "weight and step"
)


def flops_per_sample(n: int) -> float:
    """Floating-point operations of forward and backward pass, a multiplication and an addition being two."""
    model, m = RetNet(n=n), 2
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(m, 1, n, n, n)).sum().backward()
    return counter.get_total_flops() / m


def bytes_per_sample(n: int, value_bytes: int, batch_size: int = 64) -> float:
    """Bytes to and from memory of one sample's share of a training step, by the convention above."""
    model, moved = RetNet(n=n), []

    def count(layer, inputs, output):
        reads, writes = _TRAFFIC[type(layer)]
        moved.append(reads * inputs[0][0].numel() + writes * output[0].numel())
        if inputs[0].shape[1] == 1:  # nobody asks for the gradient of the voxels
            moved.append(-inputs[0][0].numel())

    for layer in model.modules():
        if type(layer) in _TRAFFIC:
            layer.register_forward_hook(count)
    with torch.no_grad():
        model(torch.zeros(2, 1, n, n, n))
    weights = sum(p.numel() for p in model.parameters())
    return value_bytes * sum(moved) + 4 * 7 * weights / batch_size


def _seconds(work, device):
    """On a CPU the processor time of all threads over their number: others may share the cores."""
    if device.type == "cpu":
        start = time.process_time()
        work()
        return (time.process_time() - start) / torch.get_num_threads()
    torch.cuda.synchronize(device)
    start = time.perf_counter()
    work()
    torch.cuda.synchronize(device)
    return time.perf_counter() - start


def shortest_s(work, device, repeats=9) -> float:
    """Shortest time of a few calls, after one to warm up."""
    work()
    return min(_seconds(work, device) for _ in range(repeats))


def matmul_peak(device, dtype) -> float:
    """FLOP/s of a product of two square matrices."""
    edge = 8192 if device.type == "cuda" else 1536
    a = torch.randn(edge, edge, device=device).to(dtype)
    out = torch.empty_like(a)
    return 2 * edge**3 / shortest_s(lambda: torch.matmul(a, a, out=out), device)


def convolution_peak(device, dtype) -> float:
    """FLOP/s of a 3D convolution whose channels fill all vector lanes."""
    channels, m = 64, 64 if device.type == "cuda" else 4
    conv = nn.Conv3d(channels, channels, 3, bias=False).to(device, dtype)
    conv = conv.to(memory_format=torch.channels_last_3d)
    x = torch.randn(m, channels, 25, 25, 25, device=device).to(dtype)
    x = x.contiguous(memory_format=torch.channels_last_3d)
    with torch.no_grad():
        seconds = shortest_s(lambda: conv(x), device)
    return 2 * 27 * channels**2 * 23**3 * m / seconds


def bandwidth(device) -> float:
    """Bytes/s of a copy, what is read and what is written counted."""
    x = torch.ones((2**30 if device.type == "cuda" else 2**26), device=device)
    y = torch.empty_like(x)
    return 2 * x.nbytes / shortest_s(lambda: y.copy_(x), device)


def floor(n: int, device: torch.device, precision: str) -> dict:
    """Least time of one sample's share of a step on this machine.

    Returns
    -------
    dict
        FLOP and bytes per sample, the peaks measured, and the milliseconds that each alone would
        take; floor_ms is the larger one.
    """
    dtype = getattr(torch, precision)
    flops = flops_per_sample(n)
    moved = bytes_per_sample(n, dtype.itemsize)
    matmul, convolution = matmul_peak(device, dtype), convolution_peak(device, dtype)
    copy = bandwidth(device)
    compute_ms, memory_ms = 1e3 * flops / max(matmul, convolution), 1e3 * moved / copy
    return {
        "precision": precision,
        "GFLOP_per_sample": flops / 1e9,
        "MB_per_sample": moved / 1e6,
        "matmul_GFLOP_per_s": matmul / 1e9,
        "convolution_GFLOP_per_s": convolution / 1e9,
        "copy_GB_per_s": copy / 1e9,
        "compute_ms": compute_ms,
        "memory_ms": memory_ms,
        "floor_ms": max(compute_ms, memory_ms),
    }
