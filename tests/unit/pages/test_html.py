"""HTML from values: nothing that was not built here is markup."""

import json
import math
import re
from html.parser import HTMLParser

import pytest

from porevox.pages import html

HOSTILE = "<script>alert(1)</script>&\"'</textarea><img src=x onerror=alert(2)>"


class Reader(HTMLParser):
    """What a browser would make of a page: tags, attributes, text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)


def test_text_is_never_markup():
    read = Reader(html.element("p", HOSTILE, title=HOSTILE))
    assert read.tags == [("p", {"title": HOSTILE})] and "".join(read.words) == HOSTILE


def test_markup_is_kept_and_not_escaped_twice():
    inner = html.element("b", "a & b")
    assert html.element("p", inner, " < ", 3) == "<p><b>a &amp; b</b> &lt; 3</p>"
    assert html.joined((inner, "<"), "<") == "<b>a &amp; b</b>&lt;&lt;"
    assert html.element("input", checked=None, data_key="x", class_="y") == '<input data-key="x" class="y">'


def test_tables_have_heads_and_align_columns_of_numbers():
    rows = [(HOSTILE, "\u22120.5 [1, 2]", "word"), ("b", "\u2013", "3")]
    read = Reader(html.table(("name", "value", "mixed"), rows, "said above"))
    heads = [attributes for tag, attributes in read.tags if tag == "th"]
    assert [h["scope"] for h in heads] == ["col"] * 3 + ["row"] * 2
    cells = [attributes.get("class") for tag, attributes in read.tags if tag == "td"]
    assert cells == ["number", None, "number", None] and HOSTILE in read.words
    assert not [tag for tag, _ in read.tags if tag in ("script", "img")]
    assert "<tbody></tbody>" in html.table(("a", "b"), [])


def test_pictures_are_inside_the_page(tmp_path):
    (tmp_path / "a.svg").write_text("<svg/>")
    assert html.image(tmp_path / "a.svg", '"') == (
        '<img src="data:image/svg+xml;base64,PHN2Zy8+" alt="&quot;">'
    )


def test_data_cannot_end_its_element_and_comes_back():
    value = {"ids": [HOSTILE, "]]>", "<!--", "\u2028"], "x": [1.5, None]}
    text = html.embedded_json(value, "data")
    inner = re.fullmatch(r'<script type="application/json" id="data">(.*)</script>', text).group(1)
    assert "<" not in inner and "\u2028" not in inner and json.loads(inner) == value
    with pytest.raises(ValueError):
        html.embedded_json([math.nan], "data")


def test_a_page_may_load_nothing():
    text = html.page(HOSTILE, html.element("p", "x"), script="1;")
    policy = next(a["content"] for t, a in Reader(text).tags if a.get("http-equiv"))
    assert "default-src 'none'" in policy and "connect" not in policy
    assert not re.search(r"https?://|//[a-z]+[.]|@import", text)
    assert text.count("<script>") == 1 and "&lt;script&gt;" in text


def test_numbers_have_a_true_minus_and_no_negative_zero():
    assert html.number(-0.25, 2) == "\u22120.25" and html.number(-0.0001) == "0.000"
    assert html.number(math.nan) == "\u2013" and html.number(12.0, 0) == "12"


def test_units_and_formulas():
    assert html.unit_text("cm3(STP)/cm3") == "cm³(STP)/cm³" and html.unit_text("mmol/g") == "mmol/g"
    assert html.unit_text(None) == "" and html.unit_text("m2/g") == "m²/g"
    assert html.label_text("CO2 uptake of MOF-5, $") == "CO₂ uptake of MOF-5, $"
