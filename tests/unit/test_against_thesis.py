"""The page "thesis against this run": its tables, its drawing, and what it says of small runs."""

import base64
import csv
import math
import shutil

import pytest
import yaml

from porevox.against_thesis import CAPTIONS, _add_augmentation, against_thesis, number_text
from porevox.pages.document import Document
from porevox.thesis import FIGURES
from thesis_runs import write_all

#: The smallest PNG there is.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def given(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    arguments = write_all(folder)
    figures = {}
    for figure in FIGURES:
        figures[figure] = folder / "thesis/figures" / f"fig_{figure}.png"
        figures[figure].parent.mkdir(parents=True, exist_ok=True)
        figures[figure].write_bytes(PNG)
    return arguments | {"figures": figures, "published_yaml": root / "resources/thesis.yaml"}


@pytest.fixture(scope="module")
def page(given, tmp_path_factory):
    folder = given["figures"]["3.2"].parents[1]
    table = against_thesis(**given, out_stem=folder / "thesis", resamples=300)
    return folder, table


def test_every_figure_has_a_caption_and_stands_on_the_page(page):
    folder, _ = page
    text, html = (folder / "thesis.md").read_text(), (folder / "thesis.html").read_text(encoding="utf-8")
    assert CAPTIONS.keys() == FIGURES.keys()
    for figure in FIGURES:
        assert f"(figures/fig_{figure}.png)" in text and f"Figure {figure}. " in html
    assert html.count("data:image/png") == len(FIGURES) + 1
    for kind in ("pdf", "svg", "png"):
        assert (folder / f"thesis.{kind}").stat().st_size > 1000


def test_the_csv_is_the_table(page):
    folder, table = page
    with open(folder / "thesis.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["verdict"] for row in rows] == table["verdict"].tolist() and len(rows) == 17


def test_numbers_sections_and_verdicts_stand_beside_each_other(page):
    text = (page[0] / "thesis.md").read_text()
    row = page[1][(page[1]["quantity"] == "retnet_R2") & (page[1]["part"] == "mofs")].iloc[0]
    line = next(line for line in text.splitlines() if line.startswith("| R2 of RetNet, MOFs |"))
    assert f"§ 4.2 | 0.859 | {row['value']:.3f} |" in line and f"| {row['verdict']} | 4,000 | 400 |" in line
    assert "around 25 %; 0.859/0.690 is 24.5 %" in text and "| +25.0 % |" in text
    assert "| 6,900 |" in text and "best number of epochs, MOFs" in text
    # learning curves of three sizes, epochs, and the augmentation
    assert "| 1,000 | 0." in text and "| RetNet | 0 | 20 | 0.800 |" in text and "Data augmentation" in text


def test_a_run_of_another_size_is_said_to_be_no_check(page, given, tmp_path):
    text = (page[0] / "thesis.md").read_text()
    assert text.count("no check of the published ones") == 2 and "4,000 structures and tested on 400" in text
    published = yaml.safe_load(given["published_yaml"].read_text())
    for part in published["parts"].values():
        part |= {"n_train": 4001, "n_test": 398}
    (tmp_path / "published.yaml").write_text(yaml.safe_dump(published))
    (tmp_path / "figures").mkdir()
    for path in given["figures"].values():
        shutil.copy(path, tmp_path / "figures" / path.name)
    changed = given | {"published_yaml": tmp_path / "published.yaml", "epochs_csv": None}
    against_thesis(**changed, out_stem=tmp_path / "thesis", resamples=100)
    text = (tmp_path / "thesis.md").read_text()
    assert "no check" not in text and "Number of epochs" not in text and "no epoch table" in text


def test_each_pair_of_a_study_stands_under_its_own_names(tmp_path):
    columns = "challenger,reference,n_train,metric,value,ci_low,ci_high,challenger_value,reference_value"
    rows = ["retnet,retnet-plain,100,R2,0.1,0,0.2,0.7,0.6", "rf,mean,100,R2,0.5,0.4,0.6,0.5,0"]
    (tmp_path / "comparison.csv").write_text("\n".join([columns, *rows]) + "\n")
    page = Document("pairs")
    _add_augmentation(page, tmp_path / "comparison.csv")
    page.write(tmp_path / "page.md", tmp_path / "page.html")
    text = (tmp_path / "page.md").read_text()
    first, second = text.split("R2 of RF and of Mean")
    assert "RetNet, not augmented" in first and "| 100 | 0.700 |" in first
    assert "| 100 | 0.500 |" in second and "| 100 | 0.500 |" not in first


@pytest.mark.parametrize(
    ("quantity", "value", "text"),
    [
        ("rf_R2", 0.6904, "0.690"),
        ("gain_percent", 24.49, "+24.5 %"),
        ("transfer_percent", -3.0, "-3.0 %"),
        ("crossing", 6934.0, "6,900"),
        ("crossing", math.inf, "not reached"),
        ("epochs", 50.0, "50"),
        ("rf_R2", math.nan, "-"),
    ],
)
def test_number_text(quantity, value, text):
    assert number_text(quantity, value) == text


def test_its_caption_is_valid(root):
    docutils = pytest.importorskip("docutils.core")
    text = (root / "workflow/report/against_thesis.rst").read_text(encoding="utf-8")
    strict = {"halt_level": 2, "report_level": 1}
    body = docutils.publish_parts(text, writer="html", settings_overrides=strict)["body"]
    assert "How to read it" in body and "What not to conclude" in body
