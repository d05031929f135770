"""What the calibration figure shows."""

import numpy as np
import pandas as pd
import pytest

from porevox.figures import calibration_panels as module
from porevox.figures.calibration_panels import draw_calibration

LEVELS = (0.5, 0.8, 0.95)
SEEN = {"raw": (0.2, 0.4, 0.6), "calibrated": (0.49, 0.81, 0.95)}


def table(model="retnet", width=1.5):
    rows = [
        (model, kind, "coverage", at, value)
        for kind, values in SEEN.items()
        for at, value in zip(LEVELS, values, strict=True)
    ]
    for kind in SEEN:
        rows.append((model, kind, "width", 0.95, width))
        rows += [(model, kind, "rms_std", at, 0.1 * at) for at in (1, 2, 3, 4)]
        rows += [(model, kind, "RMSE", at, 0.2 * at) for at in (1, 2, 3, 4)]
    frame = pd.DataFrame(rows, columns=["model", "intervals", "quantity", "at", "value"])
    return frame.assign(n_test=100)


@pytest.fixture
def draw(monkeypatch, tmp_path):
    def drawn(rows, notes=None, unit=None):
        seen = []
        monkeypatch.setattr(module, "save_figure", lambda figure, stem: seen.append(figure))
        names = {name: name.title() for name in rows["model"].unique()}
        kept = draw_calibration(rows, names, notes or {}, tmp_path / "calibration", unit)
        seen[0].draw_without_rendering()
        return kept, seen[0]

    return drawn


def curves(axes):
    """Drawn lines by whether their markers are hollow, without the diagonal."""
    lines = [line for line in axes.lines if line.get_marker() not in ("None", None, "")]
    return {line.get_markerfacecolor() == "white": line.get_xydata() for line in lines}


def test_coverage_is_drawn_in_percent_raw_hollow_and_calibrated_full(draw):
    _, figure = draw(table())
    found = curves(figure.axes[0])
    np.testing.assert_allclose(found[True], 100 * np.column_stack([LEVELS, SEEN["raw"]]))
    np.testing.assert_allclose(found[False], 100 * np.column_stack([LEVELS, SEEN["calibrated"]]))
    # nothing that is drawn lies outside the axes
    assert figure.axes[0].get_ylim()[0] < 20


def test_the_band_is_the_binomial_scatter_of_the_test_set(draw):
    _, figure = draw(table())
    (band,) = figure.axes[0].collections
    (path,) = band.get_paths()
    at_half = path.vertices[np.isclose(path.vertices[:, 0], 50)][:, 1]
    # 95 % of samples of 100 lie within 1.96 * sqrt(0.25 / 100) of one half
    assert sorted(set(np.round(at_half, 3))) == pytest.approx([50 - 9.8, 50 + 9.8])


def test_errors_are_drawn_against_those_predicted(draw):
    _, figure = draw(table(), unit="mol/kg")
    found = curves(figure.axes[1])
    np.testing.assert_allclose(found[False][:, 1], 2 * found[False][:, 0])
    assert figure.axes[1].get_xscale() == figure.axes[1].get_yscale() == "log"
    assert "mol" in figure.axes[1].get_xlabel() and "mol" in figure.axes[1].get_ylabel()


def test_a_model_whose_seeds_agree_is_left_out_and_said(draw):
    both = pd.concat([table("retnet"), table("rf", width=0.0)])
    kept, figure = draw(both)
    assert set(kept["model"]) == {"retnet"}
    kept, figure = draw(table("rf", width=0.0), notes={"rf": "all seeds agree"})
    assert kept.empty
    words = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "Rf: all seeds agree" in words.replace("\n", " ")
