"""Captions of the report: they render, and do so for any configuration."""

from types import SimpleNamespace

import jinja2
import pytest

docutils = pytest.importorskip("docutils.core")

STUDY = {"dataset": "demo", "target": "CH4_uptake", "models": ["retnet", "rf"], "sizes": [100, "50%"]}
STUDY |= {"bootstrap": {"confidence": 0.9, "resamples": 500}}
STUDY |= {"compare": {"challenger": "retnet", "reference": "rf"}}
NAMES = ["workflow", "learning_curve", "parity", "metrics", "comparison", "drops", "calibration", "epochs"]
NAMES += ["augmentations", "forward_pass", "fingerprints", "fingerprint_map", "histories"]
NAMES += ["importance"]


def render(root, name, config, scope="split0"):
    text = (root / "workflow" / "report" / f"{name}.rst").read_text(encoding="utf-8")
    wildcards = SimpleNamespace(study="demo", split="0", scope=scope)
    job = SimpleNamespace(config=config, wildcards=wildcards)
    rst = jinja2.Template(text, undefined=jinja2.StrictUndefined).render(snakemake=job)
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


def test_captions_follow_the_configuration(root):
    config = {"run": ["demo", "other"], "studies": {"demo": STUDY, "other": STUDY}}
    assert "90 %" in render(root, "metrics", config) and "500 resamples" in render(root, "metrics", config)
    front = render(root, "workflow", config)
    assert front.count("<li><strong>demo</strong>") == front.count("<li><strong>other</strong>") == 1


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
