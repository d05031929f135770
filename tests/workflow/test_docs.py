"""The documentation holds: links lead somewhere, blocks are valid, commands exist, examples work."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from porevox import cli, plan
from porevox.errors import REASONS
from porevox.schema import load_schema
from workflow_project import PARTS, new_project

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "tests/README.md"])
#: Stands for what a reader types in its place.
PLACEHOLDER = re.compile(r"<[a-z ]+>|\.\.\.")


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


def commands(page):
    """Single commands of the page's shell blocks, as lists of words."""
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.split("&&"):
                words = shlex.split(part, comments=True)
                if words and not PLACEHOLDER.search(part):
                    yield words


def headings(page):
    """Anchors of a page, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    found = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path) if path else page
        assert place.exists(), f"{page.name}: {target}"
        if anchor and place.suffix == ".md":
            assert anchor in headings(place), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_configurations_on_a_page_are_valid(page):
    """All blocks of a page together are one config file, laid over the shipped one."""
    known = set(load_schema()["properties"])
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for block in blocks(page, "yaml"):
        part = yaml.safe_load(block)
        if set(part) <= known and "..." not in block:
            laid_over(config, part)
    # no data are needed to check what a configuration says of itself
    plan.load(config)


def laid_over(below, above):
    """What Snakemake does with a config file: blocks are merged, all else is replaced."""
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            laid_over(below[key], value)
        else:
            below[key] = value


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist_with_these_options(page):
    from snakemake.cli import get_argument_parser

    for words in commands(page):
        if words[0] == "snakemake":
            known = {option for action in get_argument_parser()._actions for option in action.option_strings}
            # those of executor plugins are added when they are loaded
            given = {word.partition("=")[0] for word in words if word.startswith("-")}
            assert not {w for w in given if w not in known and not w.startswith("--slurm")}, words
        elif words[0] == "porevox":
            cli._parser().parse_args(words[1:])
        elif words[0] == "python" and words[1] != "-m":
            assert (ROOT / words[1]).is_file(), words


def test_every_reason_code_is_explained():
    page = (ROOT / "docs/troubleshooting.md").read_text()
    for code, meaning in REASONS.items():
        assert f"| `{code}` | {meaning} |" in page


def test_every_page_can_be_found_from_the_readme():
    readme = (ROOT / "README.md").read_text()
    for page in ROOT.glob("docs/*.md"):
        assert f"docs/{page.name}" in readme, page.name


def picture(folder):
    """The stages of the demo study, each with an arrow from what it waits for, as GitHub draws it."""
    command = [sys.executable, "-m", "snakemake", "-s", ROOT / "Snakefile", "--directory", folder]
    command += ["--rulegraph", "mermaid-js"]
    out = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", out))
    arrows = {(names[a], names[b]) for a, b in re.findall(r"(id\d+) --> (id\d+)", out) if names[b] != "all"}
    # an arrow that follows from others only hides them
    lines = [f"    {a} --> {b}" for a, b in sorted(arrows) if not detour(a, b, arrows)]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"])


def detour(start, end, arrows):
    """Whether another way than the arrow itself leads from start to end."""
    seen, front = set(), {b for a, b in arrows if a == start and b != end}
    while front - seen:
        seen |= front
        front = {b for a, b in arrows if a in front}
    return end in seen


def test_the_picture_of_the_workflow_is_that_of_its_rules(tmp_path):
    expected = picture(tmp_path)
    assert expected in (ROOT / "README.md").read_text(), expected


def shell(command, folder):
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, shell=True, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.slow
def test_the_tutorial_can_be_followed(tmp_path):
    """Every command of the page as it stands, in a copy of the project; `all` cores are two here."""
    for part in (*PARTS, "resources/demo", "resources/datasets.yaml"):
        place = tmp_path / part
        place.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, place)
    page = ROOT / "docs/tutorial.md"
    (tmp_path / "my.yaml").write_text(blocks(page, "yaml")[0])
    for block in blocks(page, "bash"):
        shell(block.replace("--cores all", "--cores 2"), tmp_path)
    drops = pd.read_csv(tmp_path / "results/own/split0/dataset/drops.csv")
    assert set(drops.loc[drops["id"] == "broken", "reason"]) == {"no_label", "unreadable_cif"}
    for study in ("own", "mine"):
        assert (tmp_path / "results" / study / "split0/figures/learning_curve.png").is_file()
    assert (tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_a_model_is_added_as_the_page_says(tmp_path):
    """The worked example: one module, one line, one block; no voxel is computed again."""
    project = new_project(tmp_path / "project", ROOT)
    project.targets = ("results/tiny/split0/metrics.csv",)
    config = project.config
    config["studies"]["tiny"]["models"] = ["mean"]
    config["studies"]["tiny"]["compare"] = {"challenger": "mean", "reference": "rf"}
    project.config = config
    project.run()
    page = ROOT / "docs/extending.md"
    module, entry = blocks(page, "python")
    library = project.root / "workflow/lib/porevox"
    (library / "baseline/nearest.py").write_text(module)
    models = library / "baseline/models.py"
    line = "from porevox.baseline.nearest import OPTIONS as NEAREST_OPTIONS\n"
    line += "from porevox.baseline.nearest import Nearest, fit_nearest\n"
    text = models.read_text().replace("KINDS = {\n", f"{line}KINDS = {{\n{entry}", 1)
    models.write_text(text)
    schema = project.root / "workflow/schemas/config.schema.yaml"
    text = schema.read_text().replace("linear, physics, mean]", "linear, physics, mean, nearest]", 1)
    (block,) = re.findall(r"^```\n(  model_nearest:\n.*?)^```", page.read_text(), re.M | re.S)
    schema.write_text(text + block)
    config["models"]["nearest"] = {"type": "nearest"}
    config["studies"]["tiny"]["models"] = ["mean", "nearest"]
    project.config = config
    rules = project.rules()
    assert "train_baseline" in rules and not rules & {"voxels", "structures"}
    metrics = pd.read_csv(project.root / "results/tiny/split0/metrics.csv")
    assert set(metrics["model"]) == {"mean", "nearest"}
