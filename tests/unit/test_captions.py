"""Captions of the report: they render, and do so for any configuration."""

import re
from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest

docutils = pytest.importorskip("docutils.core")

STUDY = {"dataset": "demo", "target": "CH4_uptake", "models": ["retnet", "rf"], "sizes": [100, "50%"]}
STUDY |= {"bootstrap": {"confidence": 0.9, "resamples": 500}}
STUDY |= {"compare": {"challenger": "retnet", "reference": "rf"}}
NAMES = ["workflow", "learning_curve", "parity", "metrics", "comparison", "drops", "calibration", "epochs"]
NAMES += ["augmentations", "forward_pass", "fingerprints", "fingerprint_map", "histories"]
NAMES += ["importance", "overview", "parity_page"]


#: As the engine sets it up.
ENGINE = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)


def render(root, name, config, scope="split0", **given):
    text = (root / "workflow" / "report" / f"{name}.rst").read_text(encoding="utf-8")
    wildcards = SimpleNamespace(study="demo", split="0", scope=scope)
    job = SimpleNamespace(config=config, wildcards=wildcards)
    rst = ENGINE.from_string(text).render(snakemake=job, **given)
    options = {"halt_level": 2, "report_level": 1}
    return docutils.publish_parts(rst, writer="html", settings_overrides=options)["body"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("config", [{}, {"run": ["demo"], "studies": {"demo": STUDY}}])
def test_caption_is_valid_for_any_config(root, name, config):
    assert len(render(root, name, config)) > 300


@pytest.mark.parametrize("name", NAMES[1:])
def test_caption_names_study_and_warns(root, name):
    body = render(root, name, {"studies": {"demo": STUDY}})
    assert "<em>demo</em>" in body
    assert "How to read it" in body and "What not to conclude" in body


def test_every_caption_says_how_to_read_and_what_not_to_conclude(root):
    for path in (root / "workflow/report").glob("*.rst"):
        text = path.read_text(encoding="utf-8")
        assert path.stem == "workflow" or ("How to read it." in text and "What not to conclude." in text), (
            path
        )


def test_captions_follow_the_configuration(root):
    config = {"run": ["demo", "other"], "studies": {"demo": STUDY, "other": STUDY}}
    assert "90 %" in render(root, "metrics", config) and "500 resamples" in render(root, "metrics", config)
    front = render(root, "workflow", config)
    assert front.count("Study demo</h") == front.count("Study other</h") == 1


def test_the_front_page_shows_every_study_s_verdict_and_opens_its_overview(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    records = []
    for name in ("demo", "other"):
        folder = Path("results", name, "split0")
        folder.mkdir(parents=True)
        (folder / "overview_front.html").write_text(f"<p class='verdict'>Verdict on {name}</p>")
        records.append(SimpleNamespace(path=folder / "overview.html"))
    records.append(SimpleNamespace(path=Path("results/demo/split0/metrics.csv")))
    config = {"run": ["demo", "other", "new"], "studies": dict.fromkeys(("demo", "other", "new"), STUDY)}
    front = render(root, "workflow", config, categories={"demo": {"Other": records}})
    for name in ("demo", "other"):
        assert front.count(f"<p class='verdict'>Verdict on {name}</p>") == 1
        assert front.count(f"results['results/{name}/split0/overview.html'].data_uri") == 1
    assert "Study new</h" in front and "Where to look first</h" in front
    levels = set(re.findall(r"<h(\d)>(?:Study|Where|How)", front))
    assert len(levels) == 1, "studies and explanations are sections of one level"


@pytest.mark.parametrize("name", ["learning_curve", "parity", "metrics", "calibration"])
def test_captions_say_when_folds_are_pooled(root, name):
    config = {"studies": {"demo": STUDY}}
    single, pooled = (render(root, name, config, scope) for scope in ("split0", "pooled"))
    assert "folds" not in single and "folds" in pooled


def test_every_pair_is_named(root):
    pairs = [{"challenger": "retnet", "reference": "rf"}, {"challenger": "best", "reference": "ridge"}]
    body = render(root, "comparison", {"studies": {"demo": STUDY | {"compare": pairs}}})
    assert "retnet against rf; best against ridge, study" in body


def test_the_importance_caption_says_which_fold_is_shown(root):
    folds = {"studies": {"demo": STUDY | {"split": {"folds": 5}}}}
    assert "Of the 5 folds the first one is shown." in render(root, "importance", folds)
    assert "folds" not in render(root, "importance", {"studies": {"demo": STUDY}})
