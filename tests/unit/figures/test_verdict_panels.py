"""The drawing of published numbers against intervals."""

import math

import pandas as pd

from porevox.figures.verdict_panels import draw_verdicts

PANELS = {"R2": ("retnet_R2",), "difference (%)": ("gain_percent",), "training structures": ("crossing",)}


def test_files_are_written_and_nothing_infinite_breaks_them(tmp_path):
    rows = [
        ("retnet_R2", "R2 of RetNet, $MOFs", 0.859, 0.85, 0.84, 0.86),
        ("crossing", "not reached", 300, math.inf, 400, math.inf),
        ("crossing", "undefined", 6900, math.nan, math.nan, math.nan),
    ]
    columns = ["quantity", "name", "published", "value", "ci_low", "ci_high"]
    table = pd.DataFrame(rows, columns=columns)
    draw_verdicts(table, PANELS, tmp_path / "a")
    draw_verdicts(table, PANELS, tmp_path / "b")
    for kind in ("pdf", "svg", "png"):
        content = (tmp_path / f"a.{kind}").read_bytes()
        assert len(content) > 1000 and content == (tmp_path / f"b.{kind}").read_bytes()
    text = (tmp_path / "a.svg").read_text()
    # no axes for what has no row, and two words for what is not drawn
    assert text.count("not reached, or undefined") >= 2 and "difference (%)" not in text
