"""What can never run is told by name, with the remedy."""

import math

import pytest

from porevox.cluster import Node, Partition
from porevox.cluster_requests import (
    Request,
    check_account,
    check_names,
    check_request,
    most,
    partition_of,
    request,
)
from porevox.errors import PorevoxError

CPU = Node("n1", 32, 128_000)
GPU = Node("n2", 16, 64_000, (("a100", 2), ("v100", 2)))
PARTITIONS = {
    "cpu": Partition("cpu", 1440, True, True, (CPU,)),
    "gpu": Partition("gpu", None, False, True, (GPU,)),
    "old": Partition("old", 60, False, False, (CPU,)),
    # nodes may be hidden from a user
    "cloud": Partition("cloud", 60, False, True),
}


@pytest.mark.parametrize(
    "wanted",
    [
        Request("voxels", None, threads=32, memory_MB=128_000, runtime_min=1440),
        Request("train_retnet", "gpu", gpus=4, runtime_min=10**6),
        Request("train_retnet", "gpu", gpus=2, gpu_type="a100"),
        Request("voxels", "cloud", threads=999),
    ],
)
def test_what_can_be_had(wanted):
    check_request(wanted, PARTITIONS)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (
            Request("voxels", "cpuu"),
            "`cpuu` for the rule `voxels` is not on this cluster .* did you mean `cpu`",
        ),
        (Request("voxels", "zzz"), "there are cloud, cpu, gpu, old"),
        (Request("voxels", "old"), "`old` for the rule `voxels` is switched off"),
        (Request("train_retnet", "cpu", gpus=1), "asks for a GPU, which no node .* use the partition gpu"),
        (Request("train_retnet", "gpu", gpus=5), "asks for 5 GPUs, .* `gpu` has: leave its `gpu` out"),
        (Request("train_retnet", "gpu", gpus=1, gpu_type="h100"), "a GPU of type h100"),
        (Request("train_retnet", "gpu", gpus=3, gpu_type="a100"), "3 GPUs of type a100"),
        (Request("voxels", "cpu", threads=33), "33 cores, but the partition `cpu` gives 32"),
        (Request("voxels", "cpu", memory_MB=200_000), "200000 MB of memory, .* gives 128000"),
        (Request("voxels", "cpu", runtime_min=1441), "1441 minutes, .* gives 1440"),
    ],
)
def test_what_can_never_run(wanted, sentence):
    with pytest.raises(PorevoxError, match=sentence):
        check_request(wanted, PARTITIONS)


def test_a_cluster_without_a_default_partition_wants_one():
    only = {"gpu": PARTITIONS["gpu"]}
    with pytest.raises(PorevoxError, match="no default partition: set `slurm_partition`.* gpu"):
        partition_of(Request("voxels", None), only)


@pytest.mark.parametrize(
    ("resources", "gpus", "kind"),
    [
        ({}, 0, ""),
        ({"gpu": 2}, 2, ""),
        ({"gres": "gpu:1"}, 1, ""),
        ({"gres": "gpu"}, 1, ""),
        ({"gres": "gpu:a100:3"}, 3, "a100"),
        ({"gres": "gpu:2080ti:1"}, 1, "2080ti"),
        ({"gres": "nvme:1,gpu:3090:2"}, 2, "3090"),
        ({"gres": "shard:2"}, 0, ""),
        ({"gpu_model": "a100"}, 1, "a100"),
        ({"gpu": 2, "gpu_model": "a100"}, 2, "a100"),
    ],
)
def test_requests_from_resources(resources, gpus, kind):
    given = {"slurm_partition": "gpu", "mem_mb": 100, "runtime": 30, **resources}
    assert request("r", 8, given) == Request("r", "gpu", None, gpus, kind, 8, 100, 30)


def test_what_is_not_known_yet_is_not_asked_for():
    assert request("r", 1, {"mem_mb": "<TBD>", "slurm_account": 123}) == Request("r", None, "123")


@pytest.mark.parametrize(
    ("resources", "sentence"),
    [
        ({"train_retnt": ["gpu"]}, "the rule `train_retnt`, which is not there: did you mean `train_retnet`"),
        ({"zzz": []}, "rules are train_retnet, voxels"),
        ({"": ["slurm_acount"]}, "`slurm_acount` of all rules, .* did you mean `slurm_account`"),
        ({"voxels": ["runtim"]}, "`runtim` of the rule `voxels`, .* did you mean `runtime`"),
        ({"": ["slurm-partition"]}, "did you mean `slurm_partition`"),
    ],
)
def test_typos_in_a_profile(resources, sentence):
    with pytest.raises(PorevoxError, match=sentence):
        check_names(resources, ["voxels", "train_retnet"])


def test_resources_of_ones_own_are_no_typos():
    check_names({"": ["slurm_account", "licences"], "voxels": ["mem_mb", "io_load"]}, ["voxels"])


def test_accounts():
    for account, accounts, enforced in (
        ("Chem", {"chem": None}, True),
        (None, {"chem": 200}, True),
        ("x", {}, False),
    ):
        check_account(account, accounts, enforced, jobs=200)
    with pytest.raises(PorevoxError, match="`slurm_account` .* is physics, .* yours are chem"):
        check_account("physics", {"chem": None}, False, jobs=1)
    with pytest.raises(PorevoxError, match="you have none"):
        check_account(None, {}, True, jobs=1)


@pytest.mark.parametrize("account", ["Chem", None])
def test_a_queue_that_would_be_full(account):
    with pytest.raises(PorevoxError, match="at most 20 jobs of the account chem .* set `jobs` .* to 20"):
        check_account(account, {"chem": 20}, True, jobs=21)
    # which of two is the default one is not known here
    check_account(None, {"chem": 20, "physics": None}, True, jobs=21)


def test_the_most_that_a_partition_gives():
    assert most("cpu", PARTITIONS) == (128_000, 1440)
    assert most(None, PARTITIONS) == (128_000, 1440)
    assert most("gpu", PARTITIONS) == (64_000, math.inf)
    assert most("nope", PARTITIONS) == (math.inf, math.inf)
