"""Training histories: every run is drawn, in the colour of its size."""

import json

import numpy as np
import pandas as pd
import pytest

from porevox import histories as module
from porevox.errors import PorevoxError
from porevox.histories import histories, size_colours

SIZES = (100, 500, 1000, 2000, 5000, 10_000, 15_000, 20_000, 32_432)


@pytest.fixture
def figures(monkeypatch):
    """Figures instead of their files."""
    seen = []
    monkeypatch.setattr(module, "save_figure", lambda figure, stem: seen.append(figure))
    return seen


@pytest.fixture
def write_runs(tmp_path):
    def write(model="retnet", sizes=(100, 400), seeds=(0,), validated=True, rates=None, epochs=6):
        folders = []
        epoch = np.arange(1, epochs + 1)
        for size in sizes:
            for seed in seeds:
                folder = tmp_path / model / f"n{size}" / f"seed{seed}"
                folder.mkdir(parents=True)
                loss = 10.0 ** (seed - 1) * 1000 / size / epoch
                table = pd.DataFrame({"epoch": epoch, "learning_rate": 1e-3, "train_loss": loss})
                table["learning_rate"] *= (rates or {}).get(size, 1)
                table["validation_mse"] = np.where(epoch % 2 == 0, 3 * loss, np.nan) if validated else np.nan
                table["validation_R2"] = np.nan
                table.to_csv(folder / "history.csv", index=False)
                run = {"model": model, "n_train": size, "seed": seed}
                (folder / "run.json").write_text(json.dumps(run))
                folders.append(folder)
        return folders

    return write


def test_lines_are_the_histories(write_runs, tmp_path, figures):
    table = histories({"retnet": write_runs()}, tmp_path / "figure", "mmol/g")
    loss, validation, rate = figures[0].axes
    colours = size_colours([100, 400])
    assert [line.get_color() for line in loss.lines] == [colours[100], colours[400]]
    np.testing.assert_allclose(loss.lines[1].get_ydata(), 0.1 * 1000 / 400 / np.arange(1, 7))
    # epochs without a validation leave no hole
    assert validation.lines[0].get_xdata().tolist() == [2, 4, 6]
    np.testing.assert_allclose(validation.lines[0].get_ydata(), 3 / np.array([2, 4, 6]))
    assert all(axes.get_yscale() == "log" for axes in (loss, validation, rate))
    assert "square of mmol" in validation.get_ylabel() and loss.get_xlabel() == "epoch"
    assert len(table) == 12 and table.columns.tolist()[:3] == ["model", "n_train", "seed"]
    written = pd.read_csv(tmp_path / "figure.csv")
    np.testing.assert_allclose(written["train_loss"], table["train_loss"])
    assert "validation_R2" in written


def test_several_seeds_have_a_geometric_mean(write_runs, tmp_path, figures):
    histories({"retnet": write_runs(sizes=(100,), seeds=(0, 1, 2))}, tmp_path / "figure")
    loss = figures[0].axes[0]
    assert len(loss.lines) == 4
    thick = max(loss.lines, key=lambda line: line.get_linewidth())
    np.testing.assert_allclose(thick.get_ydata(), 10 / np.arange(1, 7))


def test_a_common_schedule_is_one_line_and_others_are_told_apart(write_runs, tmp_path, figures):
    histories({"retnet": write_runs("same")}, tmp_path / "figure")
    assert len(figures[0].axes[-1].lines) == 1
    histories({"retnet": write_runs("other", rates={400: 2})}, tmp_path / "figure")
    rates = [line.get_ydata()[0] for line in figures[1].axes[-1].lines]
    assert rates == pytest.approx([1e-3, 2e-3])


def test_a_single_point_is_seen(write_runs, tmp_path, figures):
    """Validated once, at the last of two epochs."""
    histories({"retnet": write_runs(epochs=2)}, tmp_path / "figure")
    [first, _] = figures[0].axes[1].lines
    assert first.get_xdata().tolist() == [2] and first.get_marker() == "."
    histories({"long": write_runs("long", epochs=30)}, tmp_path / "figure")
    assert figures[1].axes[0].lines[0].get_marker() == ""


def test_without_a_validation_set_there_is_no_panel_for_it(write_runs, tmp_path, figures):
    histories({"retnet": write_runs(validated=False)}, tmp_path / "figure")
    assert [axes.get_ylabel() for axes in figures[0].axes] == ["training loss", "learning rate"]


def test_models_stand_below_each_other(write_runs, tmp_path, figures):
    runs = {name: write_runs(name) for name in ("retnet", "retnet-wide")}
    histories(runs, tmp_path / "figure")
    assert len(figures[0].axes) == 6
    assert [axes.get_title(loc="left") for axes in figures[0].axes[::3]] == ["RetNet", "retnet-wide"]


def test_nine_sizes_have_nine_colours_and_a_legend_on_the_page(write_runs, tmp_path, figures):
    histories({"retnet": write_runs(sizes=SIZES, seeds=(0, 1, 2))}, tmp_path / "figure")
    figure = figures[0]
    figure.draw_without_rendering()
    [legend] = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[0] == "100 training structures" and texts[-1] == "32\u2009432" and len(texts) == 9
    extent = legend.get_window_extent(figure.canvas.get_renderer())
    assert extent.x1 <= figure.bbox.width
    assert len(set(size_colours(SIZES).values())) == 9


@pytest.mark.slow
def test_reruns_are_the_same_bytes(write_runs, tmp_path):
    runs, contents = {"retnet": write_runs()}, []
    for _ in range(2):
        histories(runs, tmp_path / "figure")
        contents.append([(tmp_path / f"figure.{kind}").read_bytes() for kind in ("png", "pdf", "svg", "csv")])
    assert contents[0] == contents[1]


@pytest.mark.parametrize("content", [None, "nonsense\n1\n", "epoch,train_loss\n1,x\n"])
def test_an_unreadable_history_is_named(write_runs, tmp_path, content):
    [folder] = write_runs(sizes=(100,))
    (folder / "history.csv").unlink()
    if content is not None:
        (folder / "history.csv").write_text(content)
    with pytest.raises(PorevoxError, match=r"history in .*n100/seed0 cannot be read"):
        histories({"retnet": [folder]}, tmp_path / "figure")
