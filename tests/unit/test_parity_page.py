"""The interactive parity plot, also in a real browser."""

import json
import random
import re
from urllib.parse import quote

import pandas as pd
import pytest

from browser import inside, seen
from porevox.parity_page import page_data, parity_page

HOSTILE = "<script>document.title='taken'</script>\"'&<img src=x onerror=\"document.title='taken'\">"
#: What a reader does: point everywhere, walk, sort, search, change the model.
HAND = """
(() => {
  const over = document.getElementById("over"), box = over.getBoundingClientRect();
  const told = () => document.querySelector("#tip strong")?.textContent;
  const names = new Set(), first = () => document.querySelector("#rows button")?.textContent;
  const seen = { start: told() };
  const press = (key) => { over.dispatchEvent(new KeyboardEvent("keydown", { key })); return told(); };
  press("Escape");
  for (let x = 0; x < box.width; x += 4) for (let y = 0; y < box.height; y += 4) {
    const at = { clientX: box.left + x, clientY: box.top + y };
    over.dispatchEvent(new PointerEvent("pointermove", at));
    if (!document.getElementById("tip").hidden) names.add(told());
  }
  seen.hovered = [...names].sort();
  seen.walked = ["ArrowDown", "ArrowDown", "End", "ArrowUp", "Home"].map(press);
  seen.worst = first();
  document.querySelector("th[data-key=true] button").click();
  seen.highest = first();
  document.querySelector("th[data-key=true] button").click();
  seen.lowest = first();
  const search = document.getElementById("search");
  const find = (text) => { search.value = text; search.dispatchEvent(new Event("input")); };
  const shown = () => [...document.querySelectorAll("#rows button")].map((b) => b.textContent);
  find("MOF-5");
  seen.found = shown();
  find("nothing like it");
  seen.none = document.getElementById("count").textContent;
  find("");
  const second = document.querySelectorAll("input[name=model]")[1];
  second.checked = true;
  second.dispatchEvent(new Event("change"));
  seen.second = shown().sort();
  document.body.dataset.seen = JSON.stringify(seen);
})();
"""


@pytest.fixture
def table(tmp_path):
    rows = [
        ("MOF-5", 10.0, 30.0, 11.0),
        ("mof-5-open", 50.0, 49.0, 40.0),
        (HOSTILE, 90.0, 60.0, 95.0),
        ("ZIF-8", 30.0, 35.0, None),
    ]
    path = tmp_path / "parity.csv"
    columns = ["id", "y_true", "y_pred_retnet", "y_pred_rf"]
    pd.DataFrame(rows, columns=columns).assign(in_common=True, top="").to_csv(path, index=False)
    return path


def test_data_are_those_of_the_table(table, tmp_path):
    parity_page(table, tmp_path / "parity.html", "CH4 uptake", "cm3(STP)/cm3")
    page = (tmp_path / "parity.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S).group(1))
    assert data["ids"][:2] == ["MOF-5", "mof-5-open"] and data["ids"][2] == HOSTILE
    assert data["true"] == [10, 50, 90, 30] and data["unit"] == "cm³(STP)/cm³"
    assert [model["name"] for model in data["models"]] == ["RetNet", "RF"]
    assert data["models"][1]["predicted"] == [11, 40, 95, None]
    assert HOSTILE not in page and "CH₄ uptake" in page and "http" not in page.replace("http-equiv", "")


def test_without_rows_there_is_an_empty_page():
    assert page_data([], "") == {"ids": [], "true": [], "unit": "", "models": []}


def test_a_reader_finds_every_structure(table, tmp_path):
    page = tmp_path / "parity.html"
    parity_page(table, page, HOSTILE, "mol/kg")
    document = seen(page, quote("ZIF-8"), HAND)
    assert 'data-ready="yes"' in document and "<title>taken" not in document
    assert "<img" not in document.split('id="data"')[0] and document.count("<script") == 3
    found = json.loads(inside(document, 'data-seen="', '"'))
    assert found["start"] == "ZIF-8", "the address names a structure"
    assert found["hovered"] == sorted(["MOF-5", "mof-5-open", HOSTILE, "ZIF-8"])
    # residuals of the first model: 20, -1, -30 and 5
    assert found["walked"] == [HOSTILE, "MOF-5", "mof-5-open", "ZIF-8", HOSTILE]
    assert found["worst"] == HOSTILE and found["highest"] == HOSTILE and found["lowest"] == "MOF-5"
    assert found["found"] == ["MOF-5", "mof-5-open"] and found["none"] == "none found"
    assert found["second"] == sorted(["MOF-5", "mof-5-open", HOSTILE]), "ZIF-8 has no prediction there"


def large_table(path, n=27_438):
    """A test set as large as that of the thesis' MOFs."""
    rng = random.Random(0)
    true = [rng.gammavariate(2, 40) for _ in range(n)]
    frame = {"id": [f"str_m4_o5_o{k}_pcu_sym.{k % 97}" for k in range(n)], "y_true": true}
    frame |= {f"y_pred_{model}": [t + rng.gauss(0, 20) for t in true] for model in ("retnet", "rf")}
    pd.DataFrame(frame).to_csv(path, index=False)


def test_a_large_test_set_is_a_small_page_with_every_structure(tmp_path):
    large_table(tmp_path / "parity.csv")
    parity_page(tmp_path / "parity.csv", tmp_path / "parity.html", "uptake")
    text = (tmp_path / "parity.html").read_text(encoding="utf-8")
    assert len(text.encode()) < 3e6 and text.count("_pcu_sym.") == 27_438


@pytest.mark.slow
def test_a_large_test_set_is_quick_in_a_browser(tmp_path):
    large_table(tmp_path / "parity.csv")
    parity_page(tmp_path / "parity.csv", tmp_path / "parity.html", "uptake")
    timed = """
    const start = performance.now();
    for (const key of ["End", "ArrowUp", "Home"])
      document.getElementById("over").dispatchEvent(new KeyboardEvent("keydown", { key }));
    document.querySelector("th[data-key=id] button").click();
    document.body.dataset.took = performance.now() - start;
    """
    document = seen(tmp_path / "parity.html", "str_m4_o5_o100_pcu_sym.3", timed, width=600)
    assert document.count("<tr") == 51, "the list shows 50 at a time"
    assert float(inside(document, 'data-took="', '"')) < 2000
