"""Which model is meant: by path, archive or study."""

import shutil
from pathlib import Path

import pytest

from porevox.errors import PorevoxError
from porevox.handover.record import record_digest
from porevox.model_choice import choose, find_model


@pytest.mark.parametrize("path", ["mine", "mine.zip", {"path": "mine"}, {"path": "mine.zip"}])
def test_a_model_that_is_there_is_known_by_its_record(config, shared_model, path):
    shutil.copytree(shared_model, "mine")
    shutil.make_archive("mine", "zip", "mine")
    found = find_model(config, path, "here")
    assert found["expected"] == record_digest("mine") and found["ref"] is None
    assert found["record"]["model"] == "mine" and Path(found["folder"], "README.md").is_file()


def test_the_folder_of_a_size_means_the_model_in_it(config, shared_model):
    shutil.copytree(shared_model, "some/n24/bundle")
    assert find_model(config, "some/n24", "here")["folder"] == "some/n24/bundle"


def test_a_study_s_model_need_not_be_there(config):
    by_path = find_model(config, "results/mine/split0/rf/n2", "here")
    by_name = find_model(config, {"study": "mine", "model": "rf", "size": 2}, "here")
    assert by_path == by_name and by_name["record"] is None
    assert by_name["folder"] == "results/mine/split0/rf/n2/bundle"
    assert by_name["ref"] == {"study": "mine", "model": "rf", "size": 2, "split": 0}


def test_a_checksum_is_not_ignored(config, shared_model):
    with pytest.raises(PorevoxError, match="a folder, which has no sha256"):
        find_model(config, {"path": str(shared_model), "sha256": 64 * "0"}, "here")


@pytest.mark.parametrize(
    "path, message",
    [
        ("results/mine/split0/rf", "name one, such as results/mine/split0/retnet/n2"),
        ("results/mine/split0/rf/n3", "`here.size` names `3`"),
        ("results/mine/split0/rf/nine", "name one, such as"),
        ("results/other/split0/rf/n2", "is no folder of a model"),
    ],
)
def test_what_is_no_model_is_said(config, path, message):
    with pytest.raises(PorevoxError) as error:
        find_model(config, path, "here")
    assert message in str(error.value)


def test_the_nearest_name_is_offered():
    assert choose(2, [1, 2], "here") == 2
    with pytest.raises(PorevoxError, match="did you mean `forest`"):
        choose("forst", ["forest", "mean"], "here")
