"""What is said when all is done."""

import json

from porevox import headlines, layout

HEADER = "model,subset,size,n_train,n_used,seed,n_test,metric,value,ci_low,ci_high\n"


def write_results(folder, dataset, rows):
    folder.mkdir(parents=True)
    dataset.mkdir(parents=True)
    (dataset / "summary.json").write_text('{"n_structures": 3, "n_usable": 1}')
    (folder / "metrics.csv").write_text(HEADER + rows)
    (folder / "crossing.json").write_text('{"statement": "Not reached."}')


def test_headline_says_what_came_out(config, tmp_path):
    assert headlines.of_study(config, "mine") == ""
    folder = tmp_path / layout.study_dir("mine", 0)
    rows = "rf,test,2,2,2,mean,9,R2,0.5,0.4,0.6\nrf,validation,2,2,2,mean,9,R2,0.9,0.9,0.9\n"
    write_results(folder, folder / "dataset", rows)
    text = headlines.of_study(config, "mine")
    assert "3 structures in, 1 used" in text and "rf 0.500 [0.400, 0.600]" in text and "Not reached." in text
    assert len(text.splitlines()) <= 5 and "ensemble" not in text


def test_headline_of_folds_and_seeds(config, tmp_path):
    config["studies"]["mine"]["split"]["folds"] = 4
    folder = tmp_path / "results/mine/pooled"
    sizes = "rf,test,2,2,2,{},9,R2,0.5,0.4,0.6\nrf,test,4,4,4,{},9,R2,0.7,0.6,0.8\n"
    rows = sizes.format("mean", "mean") + "rf,test,4,4,4,ensemble,9,R2,0.75,0.6,0.8\n"
    rows += "mean,test,4,4,4,mean,9,R2,0,0,0\nmean,test,4,4,4,ensemble,9,R2,0,0,0\n"
    write_results(folder, tmp_path / layout.study_dir("mine", 0) / "dataset", rows)
    text = headlines.of_study(config, "mine")
    assert "R2 on all structures in 4 folds at 4 training structures" in text
    assert "rf 0.700 [0.600, 0.800] (ensemble of its seeds 0.750), mean 0.000 [0.000, 0.000]\n" in text
    assert "results/mine/pooled/figures" in text


def test_henry_tables_have_a_headline(config, tmp_path):
    assert headlines.of_henry("co2") == ""
    folder = tmp_path / layout.henry_dir("co2")
    folder.mkdir(parents=True)
    counts = {"n_structures": 3, "n_computed": 2, "rejected": {"no_charges": 1}}
    (folder / "summary.json").write_text(json.dumps(counts))
    text = headlines.of_henry("co2")
    assert "2 of 3 structures; not used: 1 no_charges (results/henry/co2/rejected.csv)." in text
    assert "\n" not in text and text.endswith("results/henry/co2/henry.csv")
