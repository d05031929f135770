"""One training step, on a GPU as a CUDA graph: all its kernels are launched by a single call.

A step of RetNet is some two hundred short kernels, whose launches can take longer than their work.
"""

import logging
from collections.abc import Callable

import torch

from porevox.learning.steps import accumulate

log = logging.getLogger("porevox")

#: Steps that run as usual before a graph is captured: cuDNN and the optimiser set themselves up.
WARM_UP = 3

Step = Callable[[torch.Tensor, torch.Tensor | None, torch.Tensor], torch.Tensor]


def make_step(
    model: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    loss_function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    precision: str,
    device: torch.device,
    graph: bool = False,
    micro_batch: int | None = None,
) -> Step:
    """Make the function that trains on one batch; to be kept over all epochs of a training.

    Parameters
    ----------
    model : torch.nn.Module
        Takes (voxels, scalars); in training mode whenever the step is called.
    optimiser : torch.optim.Optimizer
        For a graph: Adam or AdamW.
    loss_function : callable
        Of (predictions in float32, labels); a mean over the batch.
    precision : {"float32", "bfloat16"}
    device : torch.device
    graph : bool
        Whether to capture CUDA graphs; means nothing on the CPU.
    micro_batch : int, optional
        Most structures whose activations are held at a time.

    Returns
    -------
    callable
        step(voxels, scalars, y) -> loss before the step, detached, on the device. Reading its value
        waits for a GPU.
    """
    eager = EagerStep(model, optimiser, loss_function, precision, micro_batch)
    return GraphStep(eager, device) if graph and device.type == "cuda" else eager


class EagerStep:
    """A training step, kernel by kernel; parameters as of :func:`make_step`."""

    def __init__(self, model, optimiser, loss_function, precision, micro_batch=None):
        self.model, self.optimiser = model, optimiser
        self._how = loss_function, precision, micro_batch

    def __call__(self, voxels, scalars, y) -> torch.Tensor:
        """Train on one batch and return its loss, detached."""
        self.optimiser.zero_grad()
        loss = accumulate(self.model, voxels, scalars, y, *self._how)
        self.optimiser.step()
        return loss


class GraphStep:
    """The same step as CUDA graphs, one for each shape of batch that comes often enough.

    The first few batches of a shape, which warm up what a capture needs, are steps like all others:
    nothing is trained twice. A graph is bound to the tensors it was captured with; it is captured
    anew when the optimiser has been set back to an earlier state.

    Parameters
    ----------
    eager : EagerStep
    device : torch.device
    """

    #: How Adam must work to be captured: no number on the CPU, and few kernels.
    adam_options = {"capturable": True, "fused": True, "foreach": False}

    def __init__(self, eager: EagerStep, device: torch.device):
        self.eager, self.optimiser, self.device = eager, eager.optimiser, device
        self._side, self._usable = torch.cuda.Stream(device), True
        self._forget()

    def _forget(self):
        """Start without graphs, with all that Adam changes from step to step on the device."""
        self._met, self._graphs = {}, {}
        self._bound_to, self._rates = self.optimiser.param_groups[0], []
        for group in self.optimiser.param_groups:
            group.update(self.adam_options)
            self._rates.append(torch.tensor(float(group["lr"]), device=self.device))
        for state in self.optimiser.state.values():
            state["step"] = state["step"].to(device=self.device, dtype=torch.float32)

    def __call__(self, voxels, scalars, y) -> torch.Tensor:
        """Train on one batch and return its loss, detached."""
        batch, shape = (voxels, scalars, y), tuple(voxels.shape)
        if self.optimiser.param_groups[0] is not self._bound_to:
            self._forget()
        if shape not in self._graphs:
            self._met[shape] = self._met.get(shape, 0) + 1
            if not self._usable or self._met[shape] <= WARM_UP or not self._try_capture(shape, batch):
                return self._aside(*batch)
        return self._replay(self._graphs[shape], batch)

    def _aside(self, *batch):
        """A usual step, on a side stream as a capture will be."""
        current = torch.cuda.current_stream(self.device)
        self._side.wait_stream(current)
        with torch.cuda.stream(self._side):
            loss = self.eager(*batch)
        current.wait_stream(self._side)
        return loss

    def _try_capture(self, shape, batch):
        """Whether there is a graph for this shape now."""
        floats = [group["lr"] for group in self.optimiser.param_groups]
        try:
            # The graph reads the learning rate from a tensor; everybody else sees a number.
            self._set_rates(self._rates)
            self._graphs[shape] = self._capture(batch)
        except RuntimeError as error:
            self._usable = False
            log.warning("CUDA graphs cannot be used here (%s): steps run kernel by kernel", error)
        finally:
            self._set_rates(floats)
        return self._usable

    def _set_rates(self, rates):
        for group, rate in zip(self.optimiser.param_groups, rates, strict=True):
            group["lr"] = rate

    def _capture(self, batch):
        """A graph of the step, the tensors it reads, and the one it leaves the loss in."""
        inputs = tuple(None if t is None else torch.empty_like(t).copy_(t) for t in batch)
        # Without gradients from before, the graph writes its own instead of adding to them.
        self.optimiser.zero_grad()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._side):
            loss = self.eager(*inputs)
        return graph, inputs, loss

    def _replay(self, captured, batch):
        graph, inputs, loss = captured
        for static, tensor in zip(inputs, batch, strict=True):
            if static is not None:
                static.copy_(tensor)
        for rate, group in zip(self._rates, self.optimiser.param_groups, strict=True):
            rate.fill_(group["lr"])
        graph.replay()
        return loss.clone()
