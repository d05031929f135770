"""The report, the overview and what is said of failures, as a person meets them."""

import json
import os
import pty
import re
import select
import subprocess
import zipfile

import pytest

from browser import seen

FOLDER = "results/tiny/split0"
MEAN = f"{FOLDER}/mean/n6/seed0/run.json"


@pytest.mark.slow
def test_the_report_opens_on_the_verdict(finished):
    finished.run("--report", "report.html")
    document = seen(finished.root / "report.html")
    front = document.split('class="grow flex', 1)[1]
    assert re.search(r"Study tiny.*Highest R²: .*95 % CI", front, re.S)
    assert front.index("Highest R²") < front.index("Where to look first")
    assert "Open the overview of tiny" in front and "System Message" not in document
    click = "setTimeout(() => document.querySelector('p strong a').click(), 1000);"
    opened = seen(finished.root / "report.html", script=click)
    assert re.search(r'<iframe src="data:text/html[^"]{1000}', opened), "the link opens the overview"


@pytest.mark.slow
def test_the_report_is_a_folder_too(finished):
    finished.run("--report", "report.zip")
    with zipfile.ZipFile(finished.root / "report.zip") as archive:
        names = archive.namelist()
        assert "report/report.html" in names
        assert {"overview.html", "parity.html"} <= {name.rsplit("/", 1)[-1] for name in names}


def test_every_computing_job_has_measured_itself(finished):
    measured = finished.root / "results/benchmarks"
    stages = {path.relative_to(measured).parts[0] for path in measured.rglob("*.tsv")}
    assert {"structures", "voxels", "dataset", "train", "evaluate", "compare"} <= stages
    overview = (finished.root / FOLDER / "overview.html").read_text(encoding="utf-8")
    assert "left no measurement" not in overview and "24 structures in, 24 used" in overview
    model = json.loads((finished.root / FOLDER / "retnet/n9/seed0/run.json").read_text())
    assert f"torch {model['versions']['torch']}" in overview


def test_a_failed_job_shows_the_end_of_its_log(project):
    (project.root / FOLDER / "dataset/table.csv").write_text("id,subset\n")
    project.targets = (MEAN,)
    out = project.run("--rerun-triggers=mtime", ok=False)
    end = out.split("\nFailed:\n", 1)[1]
    log = "results/logs/train/tiny/split0/mean/n6/seed0.log"
    assert f"{log}:\n" in end and "  | KeyError: 'position'" in end
    assert "run the same command again" in end


def terminal_output(command, folder, columns=60, **environment):
    """Run a command on a terminal of its own; return what it drew."""
    ours, theirs = pty.openpty()
    subprocess.run(["stty", "rows", "40", "cols", str(columns)], stdin=theirs, check=True)
    run = subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **environment}
    )
    os.close(theirs)
    drawn = b""
    while select.select([ours], [], [], 300)[0]:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # nobody writes any more
            break
        drawn += chunk
    os.close(ours)
    assert run.wait(60) == 0, drawn.decode()
    return drawn.decode()


@pytest.mark.slow
def test_a_terminal_has_bars_and_a_summary_and_no_colours_if_asked(project):
    project.targets = ("results/tiny/split0/retnet/n6/seed0/run.json",)
    drawn = terminal_output(project.command("--forcerun", "train_retnet"), project.root, NO_COLOR="1")
    assert re.search(r"retnet n=6 seed=0: .*\|.*\|", drawn), drawn
    assert "\x1b[3" not in drawn.split("Building DAG", 1)[1]
    summary = drawn.split("Study tiny:", 1)[1].split("overview.html")[0]
    assert summary.count("\n") == 4
