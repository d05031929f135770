"""Time and energy: sums of what jobs measured, checked by hand."""

import json

import pytest

from porevox.pages import spent

HEAD = "s\th:m:s\tmax_rss\tcpu_time\n"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_measurement_is_wall_and_core_time(tmp_path):
    path = write(tmp_path / "a.tsv", HEAD + "7200\t2:00:00\t5\t18000\n")
    assert spent.read_measurement(path) == (2.0, 5.0)


@pytest.mark.parametrize("cpu", ["NA", "-", "0.00", ""])
def test_a_job_too_short_to_be_sampled_counts_as_one_core(tmp_path, cpu):
    path = write(tmp_path / "a.tsv", HEAD + f"36\t0:00:36\tNA\t{cpu}\n")
    assert spent.read_measurement(path) == (0.01, 0.01)


@pytest.mark.parametrize("text", ["", HEAD, "x\ty\n1\t2\n", HEAD + "ab\tc\td\te\n"])
def test_a_broken_measurement_is_none(tmp_path, text):
    assert spent.read_measurement(write(tmp_path / "a.tsv", text)) is None
    assert spent.read_measurement(tmp_path / "missing.tsv") is None


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bench = spent.Path("results/benchmarks")
    run = spent.Path("results/mine/split0/retnet/n4/seed0")
    shard = spent.Path("results/voxels/data/thesis/lj/abcd/shard0")
    write(bench / "structures/data.tsv", HEAD + "360\t\t\t180\n")
    write(bench / "voxels/data/thesis/lj/abcd/shard0.tsv", HEAD + "3600\t\t\t14400\n")
    write(bench / "train/mine/split0/retnet/n4/seed0.tsv", HEAD + "7200\t\t\t10800\n")
    write(bench / "evaluate/mine/split0/retnet.tsv", HEAD + "36\t\t\t36\n")
    write(bench / "evaluate/another/split0/retnet.tsv", HEAD + "99999\t\t\t99999\n")
    return bench, run, shard


def test_stages_are_added_up(project):
    bench, run, shard = project
    structures, voxels = spent.shared_stages(bench, "data", [shard])
    assert (structures.jobs, structures.wall_h, structures.core_h) == (1, 0.1, 0.05)
    assert (voxels.jobs, voxels.wall_h, voxels.core_h, voxels.gpu_h) == (1, 1.0, 4.0, 0.0)
    train, evaluate = spent.study_stages(bench, "mine", [run])
    assert (train.stage, train.wall_h, train.core_h) == ("train", 2.0, 3.0)
    assert (evaluate.jobs, evaluate.core_h) == (1, 0.01)


def test_published_voxels_have_a_stage_of_their_own(project):
    bench, _, _ = project
    write(bench / "published/data/abcd/shard1.tsv", HEAD + "1800\t\t\t720\n")
    (published,) = spent.shared_stages(
        bench, "data", [spent.Path("results/voxels/data/published/abcd/shard1")]
    )
    assert (published.stage, published.jobs, published.wall_h, published.core_h) == ("published", 1, 0.5, 0.2)


def test_gpu_hours_are_those_of_runs_on_a_gpu(project):
    bench, run, _ = project
    write(run / "run.json", json.dumps({"device": "cuda", "wall_time_s": 5400}))
    assert spent.study_stages(bench, "mine", [run])[0].gpu_h == 1.5
    write(run / "run.json", json.dumps({"device": "cpu", "wall_time_s": 5400}))
    assert spent.study_stages(bench, "mine", [run])[0].gpu_h == 0


def test_without_a_measurement_the_record_stands_in(project):
    bench, _, _ = project
    other = spent.Path("results/mine/split0/rf/n4/seed0")
    write(other / "run.json", json.dumps({"wall_time_s": 1800, "hardware": {"threads": 4}}))
    (train, _) = spent.study_stages(bench, "mine", [other])
    assert (train.wall_h, train.core_h, train.unmeasured) == (0.5, 2.0, 0)
    (train, _) = spent.study_stages(bench, "mine", [spent.Path("results/mine/split0/no/n4/seed0")])
    assert (train.jobs, train.unmeasured, train.wall_h) == (1, 1, 0)


def test_energy_is_power_times_time():
    # 100 core-hours at 12 W and 10 GPU-hours at 300 W: 1.2 + 3 kWh
    assert spent.energy_kWh(100, 10, core_W=12, gpu_W=300) == pytest.approx(4.2)
