"""Two ways to train the same network: as the thesis' code does, and as this library does."""

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch.nn import functional

from porevox.learning import savedmodel
from porevox.learning.augment import OPERATIONS, Augmenter, draw_operations
from porevox.learning.batches import TrainingData, training_batches
from porevox.learning.graphstep import make_step
from porevox.learning.optimiser import make_optimiser
from porevox.learning.recipe import Recipe
from porevox.learning.retnet import RetNet, initialise
from porevox.learning.torchsetup import memory_format, torch_session

BATCH_SIZE = 64


@dataclass(frozen=True)
class Variant:
    """One way to train."""

    name: str
    ours: bool = True
    precision: str = "float32"
    graph: bool = False
    #: None: the library's choice.
    layout: torch.memory_format | None = None


THESIS = Variant("thesis-style loop, float32", ours=False)


def variants(device: torch.device) -> list[Variant]:
    """The thesis-style loop first, then what this library offers on a device."""
    found = [THESIS, Variant("ours, float32"), Variant("ours, bfloat16", precision="bfloat16")]
    if device.type == "cuda":
        found += [
            Variant("ours, float32, CUDA graph", graph=True),
            Variant("ours, bfloat16, CUDA graph", precision="bfloat16", graph=True),
            Variant("ours, float32, channels last", layout=torch.channels_last_3d),
            Variant("ours, bfloat16, contiguous", precision="bfloat16", layout=torch.contiguous_format),
        ]
    return found


class Samples(torch.utils.data.Dataset):
    """Map-style dataset that standardises and moves each sample when it is asked for."""

    def __init__(self, voxels: np.ndarray, y: np.ndarray, mean: float, std: float):
        self.voxels, self.y, self.mean, self.std = voxels, y, mean, std
        self.generator = torch.Generator()

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        voxels = (torch.from_numpy(np.array(self.voxels[i])) - self.mean) / self.std
        operation = OPERATIONS[int(draw_operations(1, self.generator))][1]
        return operation(voxels).contiguous(), torch.tensor(self.y[i])


class Loop:
    """A training of either kind, epoch by epoch.

    Parameters
    ----------
    variant : Variant
    voxels : numpy.ndarray, shape (m, 1, n, n, n), float32
        Not standardised; may be memory-mapped.
    y : numpy.ndarray, shape (m,), float32
    device : torch.device
    seed : int
    workers : int
        Processes that prepare batches, in the thesis-style loop only.
    """

    def __init__(self, variant, voxels, y, device, seed=0, workers=0):
        self.variant, self.device, self.m = variant, device, len(y)
        self.recipe = Recipe.from_options({"precision": variant.precision})
        self.mean, self.std = float(np.mean(voxels, dtype=np.float64)), float(voxels.std(dtype=np.float64))
        torch.manual_seed(seed)
        self.model = RetNet(in_channels=voxels.shape[1], n=voxels.shape[-1])
        initialise(self.model, float(y.mean()))
        self.model.to(device)
        self.optimiser, self.schedule = make_optimiser(self.model, self.recipe)
        self.generator = torch.Generator().manual_seed(seed)
        prepare = self._prepare_ours if variant.ours else self._prepare_thesis
        prepare(voxels, y, workers)

    def _prepare_ours(self, voxels, y, workers):
        chosen = self.variant.layout or memory_format(self.device, self.variant.precision)
        self.model.to(memory_format=chosen)
        voxels = torch.from_numpy((np.array(voxels) - np.float32(self.mean)) / np.float32(self.std))
        data = TrainingData(voxels, torch.empty(self.m, 0), torch.from_numpy(y))
        self.data = data.placed(self.device, self.variant.precision)
        self.augmenter = Augmenter("thesis", False, voxels.shape[-1], self.device)
        settings = self.variant.precision, self.device, self.variant.graph
        self.step = make_step(self.model, self.optimiser, functional.mse_loss, *settings)

    def _prepare_thesis(self, voxels, y, workers):
        dataset = Samples(voxels, y, self.mean, self.std)
        dataset.generator.manual_seed(self.generator.initial_seed())
        self.loader = torch.utils.data.DataLoader(
            dataset,
            BATCH_SIZE,
            shuffle=True,
            generator=self.generator,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=self.device.type == "cuda",
            # A single structure has no batch statistics.
            drop_last=self.m % BATCH_SIZE == 1,
        )

    def epoch(self, limit: int | None = None) -> float:
        """Train one epoch, or its first batches; the mean loss."""
        self.model.train()
        loss = self._epoch_ours(limit) if self.variant.ours else self._epoch_thesis(limit)
        self.schedule.step()
        return loss

    def _epoch_ours(self, limit):
        layout = self.variant.layout
        how = self.generator, self.augmenter, self.device, self.variant.precision
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for voxels, scalars, y in islice(training_batches(self.data, BATCH_SIZE, *how), limit):
            if layout is not None:
                voxels = voxels.contiguous(memory_format=layout)
            total += self.step(voxels, scalars, y).double() * len(y)
        return total.item() / self.m

    def _epoch_thesis(self, limit):
        total = 0.0
        for voxels, y in islice(self.loader, limit):
            voxels, y = voxels.to(self.device), y.to(self.device)
            loss = functional.mse_loss(self.model(voxels), y)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            total += loss.item() * len(y)
        return total / self.m

    @torch.no_grad()
    def predict(self, voxels: np.ndarray) -> np.ndarray:
        """Predictions in float32, in evaluation mode."""
        self.model.eval()
        found = []
        for start in range(0, len(voxels), savedmodel.PREDICTION_BATCH):
            part = torch.from_numpy(np.array(voxels[start : start + savedmodel.PREDICTION_BATCH]))
            found.append(self.model(((part - self.mean) / self.std).to(self.device)).cpu())
        return torch.cat(found).double().numpy()


@contextmanager
def settings(variant: Variant, threads: int, device: torch.device):
    """The library's session for its own loop; PyTorch's defaults, but as many threads, for the other."""
    torch.set_num_threads(threads)
    with torch_session(threads, device) if variant.ours else nullcontext():
        yield
