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
    assert "results/mine/pooled/overview.html" in text


def test_headline_stays_short_with_many_models_and_reasons(config, tmp_path):
    folder = tmp_path / layout.study_dir("mine", 0)
    rows = "".join(f"m{k},test,2,2,2,mean,9,R2,0.{k},0.1,0.9\n" for k in range(1, 8))
    write_results(folder, folder / "dataset", rows + "odd,test,2,2,2,mean,9,R2,,,\n")
    drops = {"labels/no_label": 5, "voxels/no_atoms": 9, "voxels/timeout": 1, "structures/bad_name": 2}
    (folder / "dataset/summary.json").write_text(
        json.dumps({"n_structures": 30, "n_usable": 13, "drops": drops})
    )
    text = headlines.of_study(config, "mine")
    assert len(text.splitlines()) == 5
    assert "m7 0.700 [0.100, 0.900], m6" in text and "5 more in metrics.csv" in text and "m4" not in text
    assert "9 no_atoms, 5 no_label, 2 bad_name, 1 more reasons (drops.csv)." in text


def test_an_undefined_score_is_said_to_be_so(config, tmp_path):
    folder = tmp_path / layout.study_dir("mine", 0)
    write_results(folder, folder / "dataset", "rf,test,2,2,2,mean,1,R2,,,\n")
    assert "rf undefined" in headlines.of_study(config, "mine")


def test_henry_tables_have_a_headline(config, tmp_path):
    assert headlines.of_henry("co2") == ""
    folder = tmp_path / layout.henry_dir("co2")
    folder.mkdir(parents=True)
    counts = {"n_structures": 3, "n_computed": 2, "rejected": {"no_charges": 1}}
    (folder / "summary.json").write_text(json.dumps(counts))
    text = headlines.of_henry("co2")
    assert "2 of 3 structures; not used: 1 no_charges (results/henry/co2/rejected.csv)." in text
    assert "\n" not in text and text.endswith("results/henry/co2/henry.csv")


def test_a_screening_s_headline_names_the_best_in_the_domain(config):
    assert headlines.of_screen("new") == ""
    folder = layout.screen_dir("new")
    folder.mkdir(parents=True)
    model = {"target": {"unit": "mol/kg"}}
    summary = {
        "n_structures": 4,
        "n_predicted": 3,
        "rejected": {"no_atoms": 1},
        "remarks": ["Mind."],
        "model": model,
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    head = "rank,id,predicted_mol_per_kg,out_of_domain\n"
    (folder / "ranked.csv").write_text(f"{head}1,far,9.5,yes\n2,good,7.25,no\n3,worse,1,no\n")
    text = headlines.of_screen("new")
    assert "4 structures in, 3 predicted; not used: 1 no_atoms" in text and "Mind." in text
    assert "Best in the model's domain: good, 7.25 mol/kg" in text and "candidates.html" in text
    (folder / "ranked.csv").write_text(f"{head}1,far,9.5,yes\n")
    assert "Best" not in headlines.of_screen("new")
