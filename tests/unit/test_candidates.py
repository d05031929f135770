"""The page of candidates: in the domain first, everything from outside harmless, no other file needed."""

import json
import re

import pytest

from porevox.candidates import candidates_page, formula
from porevox.files.packs import pack_name
from porevox.handover.members import load_model
from porevox.ranking import rank, summarise
from porevox.screen import predict_structures
from small_model import CIFS, voxels_of

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def screened(shared_model, tmp_path_factory, root):
    """A screening of four structures, one of them with a name that is no name."""
    folder = tmp_path_factory.mktemp("screened")
    model = load_model(shared_model)
    cifs = {name: text for name, text in CIFS.items() if name != "broken"}
    cifs[EVIL.replace("/", "_")] = cifs.pop("m0")
    shards = voxels_of(model, cifs, folder / "voxels", root)
    (folder / "voxels/pack.zip").rename(folder / pack_name(3))
    found, lost = predict_structures(model, shards, 0.9)
    found["distance"], found["beyond_labels"] = [0.5, 3.0, 0.4, 0.3], ""
    return folder, model, found, lost


def page(screened, tmp_path, top=2, **changed):
    folder, model, found, lost = screened
    ranked = rank(found.assign(**changed), model.record, model.domain, {}, 0.9)
    ranked.to_csv(tmp_path / "ranked.csv", index=False)
    (tmp_path / "summary.json").write_text(json.dumps(summarise(ranked, lost, model.record)))
    out = tmp_path / "page.html"
    given = (model.folder, tmp_path / "ranked.csv", tmp_path / "summary.json", folder, folder / "voxels", out)
    candidates_page(*given, top=top, name="new")
    return out.read_text(), ranked


def shown(text):
    return [int(rank) for rank in re.findall(r'<article id="s(\d+)"', text)]


def test_structures_in_the_domain_come_first(whole):
    text, ranked = whole
    inside = ranked[ranked["out_of_domain"] == "no"]
    assert shown(text) == list(inside["rank"]) and len(inside) == 3
    assert "highest out of domain" in text and text.count("<img") == 3
    value = f"{inside.iloc[0]['predicted_mol_per_kg']:.4g} mol/kg"
    assert value in text and "C O" in text and "Å³" in text


def test_where_all_are_outside_they_are_shown_with_a_warning(screened, tmp_path):
    text, ranked = page(screened, tmp_path, top=1, distance=5.0)
    assert shown(text) == [1] and len(ranked) == 4
    assert 'class="warning"' in text and "All 4 structures are out of the model" in text


@pytest.fixture(scope="module")
def whole(screened, tmp_path_factory):
    """The page of all structures in the domain, and the table."""
    return page(screened, tmp_path_factory.mktemp("page"), top=9)


def test_the_page_stands_alone_and_runs_nothing(whole):
    text, _ = whole
    assert "<script" not in text and "&lt;script&gt;" in text
    assert not re.findall(r'(?:src|href)="(?!data:image/png;base64,|#s)', text)
    assert not re.search(r"https?://", text)


def test_the_pictures_are_of_the_right_structure(whole):
    # a volume that only one of them has
    text, ranked = whole
    for row in ranked[ranked["out_of_domain"] == "no"].to_dict("records"):
        part = text.split(f'<article id="s{row["rank"]}"')[1].split("</article>")[0]
        assert f"{row['volume_A3']:.1f} Å³" in part
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)', text)
    assert len(set(pictures)) == len(pictures) > 1


@pytest.mark.parametrize(
    "elements, text",
    [
        (["O", "C", "H", "H", "Zn", "C"], "C2 H2 O Zn"),
        (["Si", "O", "O", "H"], "H O2 Si"),
        (["Zn"], "Zn"),
    ],
)
def test_formulas_are_in_hill_s_order(elements, text):
    assert formula(elements) == text
