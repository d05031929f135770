"""Fixtures of the workflow tests: small projects, run for real."""

import http.server
import shutil
import threading
from functools import partial

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


@pytest.fixture
def server(tmp_path):
    """A real HTTP server of one folder; yields the folder and its address."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        log_message = staticmethod(lambda *_: None)

    handler = partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
