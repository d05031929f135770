"""The look of the pages loads nothing."""

from porevox.pages.page_style import CSS


def test_the_look_loads_nothing_and_its_blocks_close():
    assert "url(" not in CSS and "@import" not in CSS
    assert CSS.count("{") == CSS.count("}") and "overflow-x: auto" in CSS
