"""Fixtures: a web server that fails in the ways real ones do, and a small completed configuration."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from porevox import keys, plan


class Site:
    """Files of a server, how each misbehaves, and what was asked of it.

    `files` maps paths to contents, `headers` go with each of them. `scripts` maps paths to lists of
    behaviours, one used up by each request: a status code, ``"cut:<n>"`` (break off after n bytes),
    ``"stuck:<n>"`` (the same, from the start), ``"no-range"``, ``"html"``, ``"empty:<code>"``,
    ``"wrong-range"``, ``"weak"``, ``"undated"`` (no ETag), ``"unsized"`` (no Content-Length),
    ``"to:<path>"`` (a redirection). A proxy is asked for whole addresses instead of paths.
    """

    def __init__(self):
        self.files, self.scripts, self.headers, self.requests, self.url = {}, {}, {}, [], ""
        #: Headers of answers that are errors.
        self.error_headers = {}

    def behaviour(self, path):
        left = self.scripts.get(path, [])
        return str(left.pop(0)) if left else "well"

    def ranges(self):
        """Start of what was asked for, by request."""
        asked = (headers.get("Range", "bytes=0-") for _, headers in self.requests)
        return [int(text.removeprefix("bytes=").rstrip("-")) for text in asked]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        site = self.server.site
        site.requests.append((self.path, dict(self.headers)))
        how = site.behaviour(self.path)
        if how.isdigit() or self.path not in site.files:
            self.reply(int(how) if how.isdigit() else 404, b"<html>no</html>", site.error_headers)
        elif how.startswith("to:"):
            self.reply(302, b"", {"Location": how[3:]})
        elif how == "html":
            self.reply(200, b"\n<!DOCTYPE html><title>Log in</title>")
        elif how.startswith("empty:"):
            self.reply(int(how[6:]), b"")
        else:
            self.serve(site.files[self.path], how)

    def serve(self, content, how):
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        etag = {"weak": f"W/{etag}", "undated": None}.get(how, etag)
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        if how.startswith(("no-range", "stuck:")) or self.headers.get("If-Range", etag) != etag:
            start = 0
        if start >= len(content) > 0:
            return self.reply(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        headers = self.server.site.headers | ({"ETag": etag} if etag else {})
        if start:
            said = start - (how == "wrong-range")
            headers["Content-Range"] = f"bytes {said}-{len(content) - 1}/{len(content)}"
        stop = int(how.partition(":")[2]) if ":" in how else None
        self.reply(206 if start else 200, content[start:], headers, stop, how)

    def reply(self, code, body, headers=(), stop=None, how=""):
        self.send_response(code)
        if how != "unsized":
            self.send_header("Content-Length", str(len(body)))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:stop])
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        """Say nothing when a client hangs up."""


@pytest.fixture
def site():
    """A running server; see :class:`Site`."""
    server = Server(("127.0.0.1", 0), Handler)
    server.site = Site()
    server.site.server = server
    server.site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def config(tmp_path, monkeypatch, root):
    """A completed configuration of one study, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    keys._SOURCES.clear()
    (tmp_path / "cifs").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / f"cifs/{name}.cif").write_text("data_x\n_cell_length_a 9\n" + name)
    (tmp_path / "labels.csv").write_text("id,y,rho,family\na,1,2,f\n")
    user = yaml.safe_load((root / "config.yaml").read_text())
    user["datasets"] = {
        "mine": {
            "structures": {"path": "cifs"},
            "n_structures": 3,
            "shard_size": 2,
            "tables": [{"file": {"path": "labels.csv"}}],
            "targets": {"y": {"unit": "mol/kg"}},
            "descriptors": ["rho"],
        }
    }
    study = {"dataset": "mine", "target": "y", "sizes": [2]}
    user["studies"]["mine"] = user["studies"]["demo"] | study
    user["run"] = ["mine"]
    return plan.load(user)


@pytest.fixture(scope="session")
def shared_model(tmp_path_factory, root):
    """Folder of a small trained model, a ridge regression of one seed; not to be changed."""
    from small_model import write_model

    return write_model(tmp_path_factory.mktemp("model"), root_of_project=root)
