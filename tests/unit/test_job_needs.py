"""From a configuration and a job's wildcards to what the job asks for."""

import json
import re
from types import SimpleNamespace

import pytest

from porevox import job_needs, layout, needs


def wildcards(**given):
    fixed = {"dataset": "mine", "study": "mine", "grid": "thesis", "channel": "lj", "split": "0", "size": "2"}
    return SimpleNamespace(**(fixed | {"model": "retnet", "seed": "0"} | given))


STUDY_STAGES = [*("structures", "voxels", "dataset", "train_retnet", "evaluate", "compare"), "importance"]


@pytest.mark.parametrize("stage", [*STUDY_STAGES, "fingerprints"])
def test_a_small_study_asks_for_little(config, stage):
    need = job_needs.of(stage, config, wildcards())
    assert need.runtime_min == needs.LEAST_MIN and 1000 < need.memory_MB < 8000


def test_every_stage_that_asks_is_a_rule_and_the_other_way_round(root):
    rules = "".join(path.read_text() for path in (root / "workflow/rules").glob("*.smk"))
    asked = set(re.findall(r'(?:memory|minutes)\("(\w+)"\)', rules))
    assert asked == set(job_needs.STAGES)
    assert all(re.search(rf"^(?:rule|checkpoint) {stage}:", rules, re.M) for stage in asked)


def test_the_number_of_structures_is_declared_or_counted(config):
    assert job_needs.n_structures(config, "mine") == 3
    config["datasets"]["mine"]["n_structures"] = 65_000
    assert job_needs.n_structures(config, "mine") == 65_000


def test_a_sample_counts_for_itself_but_is_drawn_from_all(config):
    config["datasets"]["mine"] |= {"n_structures": 324_426, "sample": 3200, "shard_size": None}
    assert job_needs.n_structures(config, "mine") == 3200
    assert job_needs.of("dataset", config, wildcards()) == needs.dataset(3200)
    assert job_needs.of("structures", config, wildcards()) == needs.structures(324_426)


def test_the_number_of_structures_of_a_download_comes_from_its_manifest(config):
    config["datasets"]["mine"]["n_structures"] = None
    config["datasets"]["mine"]["structures"] = {"urls": ["https://example.org/a.zip"], "sha256": None}
    assert job_needs.n_structures(config, "mine") == job_needs.UNKNOWN_STRUCTURES
    folder = layout.structures_dir("mine")
    folder.mkdir(parents=True)
    shards = {"0": {"n": 200, "digest": "a"}, "1": {"n": 150, "digest": "b"}}
    (folder / "shards.json").write_text(json.dumps({"n_shards": 2, "shards": shards}))
    assert job_needs.n_structures(config, "mine") == 350


def test_trainings_follow_size_epochs_and_device(config):
    config["datasets"]["mine"]["n_structures"] = 65_000
    small, large = (job_needs.of("train_retnet", config, wildcards(size=size)) for size in ("100", "50pct"))
    assert large.runtime_min > 4 * small.runtime_min and large.memory_MB > small.memory_MB
    on_gpu = job_needs.of("train_retnet", config, wildcards(size="50pct"), gpu=True)
    assert on_gpu.runtime_min < large.runtime_min and on_gpu.memory_MB > large.memory_MB
    config["models"]["retnet"]["epochs"] *= 4
    longer = job_needs.of("train_retnet", config, wildcards(size="50pct"))
    assert longer.runtime_min > 3 * large.runtime_min


def test_baselines_that_see_voxels_ask_for_all_of_them(config):
    config["datasets"]["mine"]["n_structures"] = 500_000
    mean, lasso = (job_needs.of("train_baseline", config, wildcards(model=m)) for m in ("mean", "lasso"))
    assert lasso.runtime_min > mean.runtime_min and lasso.memory_MB > mean.memory_MB


def screened(config, record=None, ref=None):
    """A configuration with a screening of the dataset's structures, as it is after planning."""
    config["screens"]["new"] = {"record": record, "ref": ref}
    config["datasets"]["screen-new"] = dict(config["datasets"]["mine"])
    config["grids"]["screen-new"] = config["grids"]["thesis"]
    return config


RECORD = {"type": "retnet", "seeds": [0], "n_train": 400}
SCREEN_STAGES = ("screen_shard", "ranking", "screen_map", "candidates")


@pytest.mark.parametrize("stage", SCREEN_STAGES)
def test_a_small_screening_asks_for_little(config, stage):
    for model in ({"record": RECORD}, {"ref": {"study": "mine", "model": "retnet", "size": 2}}):
        need = job_needs.of(stage, screened(config, **model), wildcards(screen="new"))
        assert need.runtime_min == needs.LEAST_MIN and 1000 < need.memory_MB < 8000


def test_a_shard_of_a_screening_follows_its_size_and_the_model(config):
    config["datasets"]["mine"] |= {"n_structures": 500_000, "shard_size": 2000}

    def need(stage="screen_shard", shard_size=2000, **model):
        screened(config, RECORD | model)["datasets"]["screen-new"]["shard_size"] = shard_size
        return job_needs.of(stage, config, wildcards(screen="new"))

    one = need(shard_size=500_000)
    assert one.runtime_min > need().runtime_min
    assert need(shard_size=500_000, seeds=[0, 1, 2, 3, 4]).runtime_min > 3 * one.runtime_min
    assert need(shard_size=500_000, n_train=100_000).memory_MB > one.memory_MB
    forest = need(type="random_forest", n_train=32_000, seeds=[0, 1])
    # 0.3 MB of nodes for each training structure, and all seeds are in memory
    assert forest.memory_MB > need(n_train=32_000).memory_MB + 2 * 0.3 * 32_000
    # the table holds all shards
    assert need("ranking").memory_MB > need().memory_MB


def test_a_models_folder_follows_its_training_and_test_structures(config):
    config["datasets"]["mine"]["n_structures"] = 1_000_000
    config["studies"]["mine"]["split"]["test"] = 1000
    small, large = (job_needs.of("bundle", config, wildcards(size=size)) for size in ("100", "90pct"))
    assert small.runtime_min == needs.LEAST_MIN < large.runtime_min and large.memory_MB > small.memory_MB
    config["studies"]["mine"]["split"]["test"] = 500_000
    assert job_needs.of("bundle", config, wildcards(size="100")).runtime_min > small.runtime_min


def test_the_page_of_the_thesis_follows_its_largest_test_set(config):
    config["thesis"] = {"mofs": "mine", "cofs": "mine"}
    small = job_needs.of("against_thesis", config, wildcards())
    assert small.runtime_min == needs.LEAST_MIN
    config["datasets"]["mine"]["n_structures"] = 2_000_000
    assert job_needs.of("against_thesis", config, wildcards()).runtime_min > small.runtime_min


def test_scores_follow_the_test_set(config):
    config["datasets"]["mine"]["n_structures"] = 200_000
    config["studies"]["mine"]["split"]["test"] = 1000
    few = job_needs.of("evaluate", config, wildcards())
    config["studies"]["mine"]["split"]["test"] = 0.8
    many = job_needs.of("evaluate", config, wildcards())
    assert many.runtime_min > few.runtime_min
    config["studies"]["mine"]["split"] |= {"kind": "parts", "test": None}
    config["datasets"]["mine"]["n_structures"] = 2_000_000
    rest = {}
    for largest in (2, 1_500_000):
        config["studies"]["mine"]["sizes"] = [largest]
        rest[largest] = job_needs.of("evaluate", config, wildcards()).runtime_min
    assert rest[1_500_000] < rest[2] / 3, "what is trained on is not scored"
