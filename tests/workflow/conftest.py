"""Fixtures of the workflow tests: small projects, run for real."""

import shutil

import pytest

from workflow_project import Project, new_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory, root) -> Project:
    """A project whose first run is done; not to be changed."""
    project = new_project(tmp_path_factory.mktemp("workflow") / "project", root)
    project.first_output = project.run()
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project, dates included, to change and run again."""
    shutil.copytree(finished.root, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


@pytest.fixture
def fresh(tmp_path, root) -> Project:
    """A project that has never run."""
    return new_project(tmp_path / "project", root)
