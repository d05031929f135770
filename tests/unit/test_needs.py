"""What jobs ask for: enough for what was measured, growing with the data and with every try."""

import math

import pytest

from porevox import needs
from porevox.learning.recipe import Recipe

THESIS = {"kind": "mic_supercell", "n": 25}
LJ = {"kind": "lennard_jones"}
RECIPE = Recipe.from_options({})


def training(size, n_all=65_000, grid=THESIS, recipe=RECIPE, threads=8, gpu=False):
    return needs.training(size, n_all, grid, 1, recipe, threads, gpu)


@pytest.mark.parametrize(
    ("need", "memory_MB", "seconds"),
    [
        # measured: the demo's stages (benchmarks of its run), the kernel's rate, the authors' epoch
        (needs.voxels(1000, THESIS, LJ, 1000), 500, 1000 * 0.0022 / 4 + 20),
        (needs.voxels(2000, THESIS, {"kind": "guest"}, 1000), 500, 2000 * 0.4 / 4),
        (training(400, 1041), 850, 220),
        (training(32_432, gpu=True), 6000 + 2027, 50 * 40),
        (needs.baseline("random_forest", 400, 400), 380, 5),
        (needs.bootstrap(3, 208, 10_000), 380, 5),
        # three matrices of n x n
        (needs.baseline("kernel_ridge", 20_000, 20_000), 3 * 8 * 20_000**2 / 1e6, 60),
    ],
)
def test_more_than_what_was_measured(need, memory_MB, seconds):
    assert memory_MB < need.memory_MB < 20 * memory_MB + 4000
    assert 2 * seconds < 60 * need.runtime_min


@pytest.mark.parametrize(
    "of_n",
    [
        lambda n: needs.structures(n),
        lambda n: needs.voxels(n, THESIS, {"kind": "guest"}, 1000),
        lambda n: needs.dataset(n),
        lambda n: training(n),
        lambda n: needs.baseline("kernel_ridge", n, n),
        lambda n: needs.baseline("random_forest", n, n),
        lambda n: needs.bootstrap(9, n, 10_000),
        lambda n: needs.prediction(n, THESIS, 1),
        lambda n: needs.table(n),
    ],
)
def test_more_data_ask_for_more(of_n):
    small, large = of_n(1000), of_n(5_000_000)
    assert large.memory_MB > small.memory_MB and large.runtime_min > small.runtime_min
    assert large.threads == small.threads
    assert small.runtime_min >= needs.LEAST_MIN


def test_a_finer_grid_and_costlier_channels_ask_for_more():
    lj, fine = (needs.voxels(200_000, THESIS | {"n": n}, LJ, 1000) for n in (25, 50))
    assert fine.runtime_min > lj.runtime_min
    # one float32 per point
    assert fine.memory_MB - lj.memory_MB == pytest.approx(200_000 * (50**3 - 25**3) * 4 / 1e6, abs=200)
    whole = needs.voxels(200_000, THESIS | {"kind": "unit_cell"}, LJ, 1000)
    assert whole.runtime_min > lj.runtime_min, "no points are the same there"
    guest, charged = (
        needs.voxels(200_000, THESIS, {"kind": "electrostatic", "charges": charges}, 1000)
        for charges in ("cif", "eqeq")
    )
    assert charged.runtime_min > guest.runtime_min > lj.runtime_min


def test_epochs_and_cores_count_for_trainings():
    twice = training(20_000, recipe=Recipe.from_options({"epochs": 100}))
    assert twice.runtime_min == pytest.approx(2 * training(20_000).runtime_min, rel=0.1)
    assert training(20_000, threads=1).runtime_min > 3 * training(20_000, threads=8).runtime_min
    assert training(20_000, gpu=True).runtime_min < training(20_000).runtime_min


def test_members_and_training_structures_count_for_predictions():
    one, five, compared = (
        needs.prediction(10_000_000, THESIS, 1, members=members, n_train=n_train)
        for members, n_train in ((1, 0), (5, 0), (1, 500_000))
    )
    assert five.runtime_min == pytest.approx(5 * one.runtime_min, rel=0.1)
    assert compared.runtime_min > one.runtime_min and compared.memory_MB > one.memory_MB


def test_every_try_asks_for_twice_as_much_but_the_same_cores():
    need = needs.Need(1100, 30, 4)
    assert [need.grown(k) for k in (1, 2, 3)] == [need, needs.Need(2200, 60, 4), needs.Need(4400, 120, 4)]


def test_no_more_than_can_be_had():
    assert needs.Need(9000, 90, 4).at_most(8000.5, 60) == needs.Need(8000, 60, 4)
    assert needs.Need(9000, 90, 4).at_most(math.inf, math.inf) == needs.Need(9000, 90, 4)


@pytest.mark.parametrize(("token", "size"), [("400", 400), ("25pct", 250), ("100pct", 1000)])
def test_training_size(token, size):
    assert needs.training_size(token, 1000) == size
