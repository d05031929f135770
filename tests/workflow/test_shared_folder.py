"""Several processes at once on one shared folder: caches, downloads and checkpoints stay whole."""

import hashlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from porevox.files.digest import DigestCache

N_PROCESSES = 6
#: Looks up files of a shared cache over and over, and checks every answer; some files change meanwhile.
HASHING = """
import hashlib, json, sys, time
from pathlib import Path
from porevox.files.digest import DigestCache
folder, number = Path(sys.argv[1]), int(sys.argv[2])
for turn in range(25):
    cache = DigestCache(folder / "cache")
    for path in sorted((folder / "files").iterdir()):
        assert cache.sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest(), path
    cache.save()
    cache.remember(f"answer{turn % 3}", [turn % 3] * 1000)
    for other in range(3):
        answer = DigestCache(folder / "cache").recall(f"answer{other}")
        assert answer in (None, [other] * 1000), answer
"""
#: Fetches a file that declares no checksum, so that nothing but the transfer itself vouches for it.
FETCHING = """
import sys
from pathlib import Path
from porevox.retrieve import retrieve
print(retrieve([sys.argv[1]], Path(sys.argv[2]), lock=Path(sys.argv[3])))
"""
#: Replaces and reads a checkpoint; what is read must be what somebody wrote as a whole.
KEEPING = """
import sys, torch
from pathlib import Path
from porevox.learning.checkpoint import load_checkpoint, save_checkpoint
torch.set_num_threads(1)
path, number = Path(sys.argv[1]), int(sys.argv[2])
for turn in range(60):
    save_checkpoint(path, {"training": "same"}, {"by": number, "w": torch.full((40_000,), float(number))})
    found = load_checkpoint(path, {"training": "same"})
    assert found is not None and (found["w"] == found["by"]).all(), turn
"""


def started(root, code: str, *arguments, **variables) -> subprocess.Popen:
    """Start a process of its own with this library."""
    env = {**os.environ, "PYTHONPATH": str(root / "workflow" / "lib"), **variables}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outputs(processes) -> list[str]:
    """What they printed; none may have failed."""
    ended = [(process.communicate(timeout=120), process.returncode) for process in processes]
    assert [code for _, code in ended] == [0] * len(ended), [texts[1] for texts, _ in ended]
    return [texts[0].strip() for texts, _ in ended]


def test_digests(root, tmp_path):
    (tmp_path / "files").mkdir()
    for number in range(20):
        file = tmp_path / "files" / f"{number}.cif"
        file.write_text(f"data_{number}")
        os.utime(file, (1e9 + number, 1e9 + number))
    outputs([started(root, HASHING, tmp_path, number) for number in range(3)])
    # files are known to whoever comes next, and no half-written one is left
    assert len(DigestCache(tmp_path / "cache")._known) == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "cache.d", "files"]
    assert sorted(path.name for path in (tmp_path / "cache.d").iterdir()) == [
        f"answer{k}.json" for k in range(3)
    ]


class Slow(http.server.BaseHTTPRequestHandler):
    """Sends the file in small pieces, so that transfers overlap; counts how often it was asked for."""

    content = b"".join(hashlib.sha256(str(k).encode()).digest() for k in range(1 << 17))
    asked = 0

    def do_GET(self):
        Slow.asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        piece = len(self.content) // 40
        try:
            for start in range(0, len(self.content), piece):
                self.wfile.write(self.content[start : start + piece])
                time.sleep(0.02)
        except ConnectionError:
            pass

    def log_message(self, *arguments):
        pass


@pytest.fixture
def address(monkeypatch):
    """Address of a file on a slow server of this machine."""
    monkeypatch.setattr(Slow, "asked", 0)
    monkeypatch.setenv("no_proxy", "*")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/file.bin"
    server.shutdown()
    server.server_close()
    thread.join()


def test_downloads(root, tmp_path, address):
    """One fetches the file, the others wait and take it as it is."""
    target, lock = tmp_path / "sources" / "file.bin", tmp_path / "sources" / "checksums.json"
    found = outputs([started(root, FETCHING, address, target, lock) for _ in range(N_PROCESSES)])
    digest = hashlib.sha256(Slow.content).hexdigest()
    assert found == [digest] * N_PROCESSES
    assert target.read_bytes() == Slow.content and json.loads(lock.read_text()) == {address: digest}
    assert Slow.asked < N_PROCESSES
    names = {path.name for path in target.parent.iterdir() if not path.name.startswith(".")}
    assert names == {"file.bin", "checksums.json"}


def test_a_download_goes_on_when_the_one_who_fetched_it_was_killed(root, tmp_path, address):
    target, lock = tmp_path / "file.bin", tmp_path / "checksums.json"
    first = started(root, FETCHING, address, target, lock)
    while not target.with_name("file.bin.part").exists():
        assert first.poll() is None, first.communicate()
        time.sleep(0.01)
    second = started(root, FETCHING, address, target, lock)
    time.sleep(0.2)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert outputs([second]) == [hashlib.sha256(Slow.content).hexdigest()]
    assert target.read_bytes() == Slow.content


@pytest.mark.slow
def test_checkpoints(root, tmp_path):
    path = tmp_path / "checkpoints" / "c.pt"
    outputs([started(root, KEEPING, path, number) for number in range(N_PROCESSES)])
    assert [file.name for file in path.parent.iterdir()] == ["c.pt"]


@pytest.mark.slow
def test_two_studies_at_once_in_one_folder_share_what_they_have_in_common(finished, fresh):
    """Snakemake locks a folder; who unlocks it (--nolock) still gets whole results."""
    base = fresh.config
    studies = {"one": base["studies"]["tiny"], "other": base["studies"]["tiny"] | {"sizes": [5]}}
    fresh.config = base | {"run": ["one", "other"], "studies": studies}
    fresh.run("results/one/split0/dataset/table.csv", "results/other/split0/dataset/table.csv")
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    # both compile, hash and keep checkpoints at the same time
    own = {"NUMBA_CACHE_DIR": str(fresh.root / "jit")}
    runs = [
        subprocess.Popen(
            [*fresh.command("--nolock"), f"results/{study}/split0/metrics.csv"],
            cwd=fresh.root,
            env=env | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for study in studies
    ]
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    tables = [
        (project.root / f"results/{name}/split0/metrics.csv").read_text()
        for project, name in ((finished, "tiny"), (fresh, "one"))
    ]
    assert tables[0] == tables[1]
