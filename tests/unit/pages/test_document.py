"""A page in Markdown and HTML."""

import base64

import pytest

from porevox.pages.document import Document


@pytest.fixture
def page(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/one.png").write_bytes(b"\x89PNG not really")
    document = Document("Title <b>")
    document.heading("Numbers")
    document.warning("look | out")
    document.table(["a|b", "c"], [["1 < 2", "x\ny"], ["`3`", "[4](evil)"]])
    document.figure(tmp_path / "figures/one.png", "what *it* shows")
    document.paragraph("the end")
    document.write(tmp_path / "page.md", tmp_path / "page.html")
    return (tmp_path / "page.md").read_text(), (tmp_path / "page.html").read_text(encoding="utf-8")


def test_markdown_has_every_block_in_order_and_nothing_of_it_is_markup(page):
    lines = page[0].split("\n\n")
    assert lines[0] == r"# Title \<b\>" and lines[1] == "## Numbers" and lines[-1] == "the end\n"
    assert lines[2] == r"> **Mind:** look \| out"
    assert lines[3].splitlines() == [
        r"| a\|b | c |",
        "| --- | --- |",
        r"| 1 \< 2 | x y |",
        r"| \`3\` | \[4\](evil) |",
    ]
    assert lines[4] == r"![what \*it\* shows](figures/one.png)"


def test_html_needs_no_other_file_and_escapes_what_it_is_given(page):
    assert base64.b64encode(b"\x89PNG not really").decode() in page[1]
    assert "<b>" not in page[1] and "1 &lt; 2" in page[1] and "what *it* shows" in page[1]
    assert page[1].index("Numbers") < page[1].index("look | out") < page[1].index("the end")
