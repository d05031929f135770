"""The overview of a study: the numbers of its tables, on one page that needs nothing else."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from porevox.overview import overview

METRICS = """model,subset,size,n_train,n_used,seed,n_test,metric,value,ci_low,ci_high
retnet,test,400,400,400,mean,208,R2,0.6164,0.4945,0.6934
retnet,test,400,400,400,mean,208,MAE,7.753,6.57,9.12
retnet,test,400,400,400,0,208,R2,0.6164,0.4945,0.6934
mean,test,400,400,400,mean,208,R2,-0.0026,-0.0266,-0.00001
mean,test,400,400,400,mean,208,Spearman,,,
"""
COMPARISON = """challenger,reference,n_train,metric,value,ci_low,ci_high
retnet,mean,400,R2,0.619,0.5,0.7
"""
DROPS = """id,stage,reason,detail,affects
<b>one</b>,labels,no_label,,all
two,voxels,no_atoms,,voxel_models
"""
DATASET = {
    "grid": {"kind": "mic_supercell", "n": 25},
    "transform": {"kind": "boltzmann", "temperature_K": 298.0},
    "split": {"kind": "random", "seed": 0},
    "descriptors": [],
    "digest": "df9b29",
}
CHANNEL = {"name": "lj", "settings": {"probe_sigma_A": 2.5}, "forcefield": "uff", "key": "02ac124b"}
RUN = {
    "model": "retnet",
    "type": "retnet",
    "wall_time_s": 3600.0,
    "device": "cuda",
    "versions": {"torch": "2.13"},
    "hardware": {"cpu": "AMD EPYC", "cores": 2, "threads": 2, "gpu": "H200"},
    "options": {"epochs": 50},
}
FACTS = {
    "label": "CH4 uptake <at> 5.8 bar",
    "unit": "cm3(STP)/cm3",
    "confidence": 0.95,
    "dataset": "demo",
    "entry": {"title": "Frameworks", "citation": "Someone 2026", "licence": "MIT"},
    "files": [],
    "code": {"dataset": "66c2"},
    "energy": {"core_W": 10.0, "gpu_W": 400.0},
}


class Words(HTMLParser):
    """Text of a page, without its look and scripts."""

    def __init__(self, text):
        super().__init__()
        self.words, self.silent = [], False
        self.feed(text)

    def handle_starttag(self, tag, _):
        self.silent = tag in ("style", "script")

    def handle_endtag(self, _):
        self.silent = False

    def handle_data(self, data):
        self.words += [] if self.silent else [data]

    @property
    def text(self):
        return " ".join("".join(self.words).split())


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Write a study's results; return the arguments of its overview."""
    monkeypatch.chdir(tmp_path)
    folder = Path("results/mine/split0")
    (folder / "dataset").mkdir(parents=True)
    run = folder / "retnet/n400/seed0"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps(RUN))
    shards = {"0": "results/voxels/demo/thesis/lj/02ac124b/shard0/energies.npy"}
    dataset = DATASET | {"channels": [CHANNEL | {"shards": shards}]}
    summary = {"n_structures": 1041, "n_usable": 1040, "subsets": {"train": 728, "test": 208}}
    (folder / "dataset/dataset.json").write_text(json.dumps(dataset))
    (folder / "dataset/summary.json").write_text(json.dumps(summary))
    (folder / "dataset/drops.csv").write_text(DROPS)
    (folder / "metrics.csv").write_text(METRICS)
    (folder / "comparison.csv").write_text(COMPARISON)
    (folder / "crossing.json").write_text('{"statement": "There is no crossing"}')
    (folder / "curve.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "parity.png").write_bytes(b"\x89PNG")
    measured = Path("results/benchmarks/voxels/demo/thesis/lj/02ac124b/shard0.tsv")
    measured.parent.mkdir(parents=True)
    measured.write_text("s\tcpu_time\n1800\t3600\n")
    names = {"metrics": "metrics.csv", "comparison": "comparison.csv", "crossing": "crossing.json"}
    names |= {"curve": "curve.svg", "parity": "parity.png"}
    results = {key: folder / name for key, name in names.items()}
    pages = {"out_page": folder / "overview.html", "out_front": folder / "front.html"}
    return {"study": "mine", "results": results, "datasets": [folder / "dataset"], "runs": [run], **pages}


def written(study, **facts):
    overview(**study, facts=FACTS | facts)
    return study["out_page"].read_text(encoding="utf-8"), study["out_front"].read_text(encoding="utf-8")


def test_the_page_opens_on_the_verdict_and_holds_every_part(study):
    page, _ = written(study)
    text = Words(page).text
    verdict = text.index("Highest R²: RetNet, 0.616 (95 % CI 0.494 to 0.693) on 208 structures")
    parts = ["Learning curve", "All models at full size", "Parity plots", "Structures used, and not used"]
    parts += ["Where it comes from", "Time and energy"]
    headings = [text.index(part, verdict) for part in parts]
    assert headings == sorted(headings)
    assert "RetNet is better than Mean" in text and "There is no crossing." in text


def test_scores_are_those_of_the_table(study):
    page, _ = written(study)
    row = re.search(r'<tr><th scope="row">RetNet</th>(.*?)</tr>', page).group(1)
    assert Words(row).text.replace(" ", "") == "0.616[0.494,0.693]7.75[6.57,9.12]––4002081"
    assert "MAE / cm³(STP)/cm³" in page


def test_small_errors_are_not_rounded_away(study):
    small = METRICS.replace("7.753,6.57,9.12", "0.00432,0.0039,0.0051")
    Path(study["results"]["metrics"]).write_text(small)
    row = re.search(r'<tr><th scope="row">RetNet</th>(.*?)</tr>', written(study)[0]).group(1)
    assert "0.00432[0.00390,0.00510]" in Words(row).text.replace(" ", "")


def test_the_ledger_is_told_and_counted(study):
    text = Words(written(study)[0]).text
    assert "1,041 structures in, 1,040 used; 1 because the structure is missing from the label table." in text
    assert "Used by some of the models only: 1 because the file lists no atoms." in text
    assert "728 train, 208 test structures." in text


def test_time_is_added_up_and_energy_is_called_an_estimate(study):
    text = Words(written(study)[0]).text
    table = text.replace(" ", "")
    # voxels: 1 core-hour; training: 1 h on 2 threads and one GPU, from its record; structures: no measurement
    assert "voxels10.510" in table and "train1121" in table and "all31.531" in table
    assert "left no measurement: 1." in text
    # 3 core-hours at 10 W and 1 GPU-hour at 400 W
    assert "Estimated energy: 0.43 kWh" in text and "estimate and not a measurement" in text
    assert "10 W for a busy core and 400 W for a GPU" in text


def test_small_energies_have_a_small_unit(study):
    text = Words(written(study, energy={"core_W": 1.0, "gpu_W": 2.0})[0]).text
    assert "Estimated energy: 5 Wh" in text


def test_data_software_and_probe_are_named(study):
    text = Words(written(study)[0]).text
    for said in ("Someone 2026", "MIT", "force field uff; probe_sigma_A = 2.5", "torch 2.13", "H200", "66c2"):
        assert said in text


def test_nothing_is_loaded_and_text_stays_text(study):
    page, front = written(study)
    assert "<at>" not in page and "&lt;at&gt;" in page and "<b>one</b>" not in page
    for text in (page, front):
        assert re.findall(r'(?:src|href)="(?!data:|#)', text) == []
    assert "<h1>" in page and "<html" not in front and "Highest R²" in front and "RetNet</th>" in front


def test_the_same_results_give_the_same_page(study):
    assert written(study) == written(study)
