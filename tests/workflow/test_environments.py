"""Environments of the jobs (--sdm conda): what pyproject.toml says, and all that the scripts import."""

import ast
import functools
import json
import os
import re
import sys
import tomllib

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from porevox.files.codedigest import _files_of, _imported_names
from pretended_conda import install

#: Packages that conda-forge calls otherwise than PyPI.
PYPI_NAMES = {"pytorch-cpu": "torch", "pytorch-gpu": "torch", "pytorch": "torch"}
#: Packages by what one imports of them, where that differs.
PACKAGES = {"sklearn": "scikit-learn", "yaml": "pyyaml"}
#: Packages that another one brings.
BROUGHT = {"llvmlite": "numba", "urllib3": "requests"}
#: For people, not for jobs.
NOT_OF_JOBS = ("dev",)
CONDA_NAME = re.compile(r"([\w.-]+?)((?:[<>=!~].*)?)$")


def split_pin(line: str) -> tuple[str, SpecifierSet]:
    """Name and version bounds of ``name>=1,<2`` or ``name[extra]>=1``."""
    name, bounds = CONDA_NAME.fullmatch(re.sub(r"\[.*?\]", "", line)).groups()
    return name, SpecifierSet(bounds)


def listed(path) -> dict[str, SpecifierSet]:
    """Dependencies of an environment, by their names on PyPI."""
    pins = dict(map(split_pin, yaml.safe_load(path.read_text())["dependencies"]))
    return {PYPI_NAMES.get(name, name): bounds for name, bounds in pins.items()}


def environments(root) -> dict:
    """Files of the jobs' environments by their names."""
    return {path.stem: path for path in (root / "envs").glob("*.yaml") if path.stem not in NOT_OF_JOBS}


@pytest.fixture(scope="module")
def project(root) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


def test_pins_are_those_of_the_package(root, project):
    pins = dict(map(split_pin, project["dependencies"])) | {
        "python": SpecifierSet(project["requires-python"])
    }
    for name, path in environments(root).items():
        found = listed(path)
        assert found and "python" in found, name
        assert {package: pins.get(package) for package in found} == found, name


def test_one_environment_holds_everything_but_the_engine(root, project):
    everything = {name for name, _ in map(split_pin, project["dependencies"]) if "snakemake" not in name}
    for name in ("cpu", "gpu"):
        assert set(listed(root / f"envs/{name}.yaml")) == everything | {"python"}


def test_they_are_environments_that_conda_reads(root):
    for name, path in environments(root).items():
        content = yaml.safe_load(path.read_text())
        assert set(content) == {"channels", "dependencies"}, name
        assert content["channels"] == ["conda-forge"], name
        names = [split_pin(line)[0] for line in content["dependencies"]]
        assert len(set(names)) == len(names), name


def rules(root) -> dict[str, str]:
    """Texts of all rules that run a script, by their names."""
    found = {}
    for path in (root / "workflow/rules").glob("*.smk"):
        found |= re.findall(r"^(?:rule|checkpoint) (\w+):\n((?:(?: .*)?\n)+)", path.read_text(), re.M)
    return {name: text for name, text in found.items() if "script:" in text}


@functools.cache
def imports(file, package) -> list[str]:
    """Dotted names that a file imports, also inside functions."""
    home = file.relative_to(package.parent).parts[:-1] if file.is_relative_to(package) else ()
    nodes = ast.walk(ast.parse(file.read_text()))
    found = [_imported_names(node, home) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return [name for names in found for name in names]


def third_party(script, package) -> set[str]:
    """Packages that a script and all library code behind it import."""
    queue, seen, found = [script], set(), set()
    while queue:
        file = queue.pop()
        if file in seen:
            continue
        seen.add(file)
        for module in imports(file, package):
            first = module.split(".")[0]
            queue += _files_of(module, package)
            if first != package.name and first not in sys.stdlib_module_names:
                found.add(PACKAGES.get(first, BROUGHT.get(first, first)))
    return found


def test_every_rule_finds_what_its_script_imports(root):
    texts = rules(root)
    assert len(texts) > 15
    used = set()
    for name, text in texts.items():
        names = re.findall(r"envs/(\w+)\.yaml", text)
        assert names, f"rule {name} names no environment"
        needed = third_party(root / f"workflow/scripts/{name}.py", root / "workflow/lib/porevox")
        for env in names:
            missing = needed - set(listed(root / f"envs/{env}.yaml")) - {"tensorboard"}
            assert not missing, f"rule {name} needs {sorted(missing)}, which envs/{env}.yaml lacks"
        used |= set(names)
    assert used == set(environments(root))


def test_the_reader_of_imports_sees_them(root):
    """Of a rule whose imports are known: what is looked for above is there to be found."""
    found = third_party(root / "workflow/scripts/train_retnet.py", root / "workflow/lib/porevox")
    assert {"torch", "numpy", "pandas", "safetensors", "tqdm"} <= found
    assert "matplotlib" not in found


@pytest.mark.slow
def test_a_study_runs_in_its_environments(fresh, finished, tmp_path, monkeypatch):
    """With a stand-in for conda: each job in the environment of its rule, without what that one lacks."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("PATH", f"{install(tmp_path / 'conda')}:{os.environ['PATH']}")
    out = fresh.run("--sdm", "conda")
    made = {re.search(r"envs/(\w+)\.yaml", line).group(1) for line in out.splitlines() if " created " in line}
    assert made == {"data", "scores", "cpu"}
    lacking = [json.loads(path.read_text()) for path in fresh.root.glob(".snakemake/conda/*/absent.json")]
    assert sorted("torch" in absent for absent in lacking) == [False, True, True]
    for file in ("metrics.csv", "comparison.csv"):
        one, other = (project.root / "results/tiny/split0" / file for project in (finished, fresh))
        assert one.read_text() == other.read_text()
