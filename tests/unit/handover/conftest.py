"""Fixture: a copy of a small model's folder."""

import shutil

import pytest


@pytest.fixture
def folder(shared_model, tmp_path):
    """A model's folder that may be broken."""
    shutil.copytree(shared_model, tmp_path / "mine")
    return tmp_path / "mine"
