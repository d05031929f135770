"""The whole picture: written in every format, the same each time, whatever the voxels are like."""

import re

import numpy as np
import pytest

from porevox.crystal.structure import Structure
from porevox.energy.grid import GridSpec
from porevox.figures import voxel_scene, voxel_view
from porevox.figures.voxel_box import voxel_box
from porevox.figures.voxel_view import draw_voxels

STRUCTURE = Structure("x", 9.0 * np.eye(3), np.array([[0.0, 0.0, 0.0]]), ("Zn",), "gemmi")


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """Surfaces of few triangles."""
    monkeypatch.setattr(voxel_scene, "_FINE", 12)


def energies(n=8):
    """A hard sphere at the corners of the cell, with a well around it, K."""
    away = np.stack(np.indices((n, n, n)), axis=-1) / n
    distance = 9.0 * np.linalg.norm(np.minimum(away, 1 - away), axis=-1)
    distance[0, 0, 0] = 0.1  # energies of 10^20 K
    x = (3.0 / distance) ** 6
    return 4 * 150.0 * (x**2 - x)


def box(values, structure=STRUCTURE):
    return voxel_box(values, GridSpec("unit_cell", len(values)), structure)


@pytest.mark.parametrize("kind", ["pdf", "svg"])
def test_pictures_are_the_same_each_time(tmp_path, kind):
    for name in "ab":
        draw_voxels(box(energies()), tmp_path / f"{name}.{kind}", "energy", "$x_1$", "a note")
    content = (tmp_path / f"a.{kind}").read_bytes()
    assert content == (tmp_path / f"b.{kind}").read_bytes() and len(content) > 10_000
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a.{kind}", f"b.{kind}"]


def words(monkeypatch, values, quantity, structure=STRUCTURE, **options):
    """All that is written on a picture, and its colour bar."""
    kept = []
    monkeypatch.setattr(voxel_view, "_write", lambda figure, path: kept.append(figure))
    draw_voxels(box(values, structure), "x.png", quantity, "name", "note", **options)
    [figure] = kept
    texts = [text.get_text() for axes in figure.axes for text in (*axes.texts, axes.title, axes._left_title)]
    texts += [label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel())]
    return " | ".join(texts), figure.axes[-1]


def test_energies_are_labelled_with_unit_and_scaled_to_the_wells_shown(monkeypatch):
    said, bar = words(monkeypatch, energies(), "energy", planes=(0.5, 0.5, 0.5))
    assert "energy (K)" in said and "surface at 298 K" in said and "a = 9.00 Å" in said
    low, high = bar.get_ylim()
    assert (low, high) == (pytest.approx(energies()[4].min()), 0.0)


def test_boltzmann_factors_and_levels_are_those_asked_for(monkeypatch):
    said, bar = words(monkeypatch, energies(), "energy", boltzmann_K=300.0, level=0.0, planes=(0.5,) * 3)
    assert "V/300" in said and "surface at 0 K" in said
    assert bar.get_ylim() == (0.0, pytest.approx(np.exp(-energies()[4].min() / 300.0)))


def test_a_potential_has_two_surfaces_and_colours_that_are_symmetric(monkeypatch):
    values = np.random.default_rng(0).normal(size=(8, 8, 8))
    values[0, 0, 0] = 1e4  # next to a nucleus
    said, bar = words(monkeypatch, values, "potential")
    assert "potential (V)" in said and re.search(r"\+([\d.]+) V \(red\)\nand −\1 V", said)
    low, high = bar.get_ylim()
    assert low == -high and 1 < high < 2


def test_without_a_cell_axes_are_fractions(monkeypatch):
    said, _ = words(monkeypatch, energies(), "energy", structure=None)
    assert "along a (fraction)" in said and "Å" not in said


@pytest.mark.parametrize("value", [-5.0, 1e12, np.inf])
def test_voxels_without_any_surface_are_drawn_too(tmp_path, value):
    draw_voxels(box(np.full((5, 5, 5), value)), tmp_path / "x.png", "energy", "name")
    assert (tmp_path / "x.png").stat().st_size > 1000
