"""Containers: what can be said of their recipes without an engine that builds them."""

import re
import shutil
import subprocess

import pytest


@pytest.fixture(scope="module")
def dockerfile(root) -> list[tuple[str, str]]:
    """Instructions and their arguments."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", (root / "Dockerfile").read_text(), flags=re.M))
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def apptainer(root) -> dict[str, str]:
    """Sections and their texts."""
    parts = re.split(r"^%(\w+)\n", (root / "apptainer.def").read_text(), flags=re.M)
    return {"header": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def copied(dockerfile) -> set[str]:
    """Files and folders of the project that are in the image."""
    words = [argument.split() for instruction, argument in dockerfile if instruction == "COPY"]
    return {name for names in words for name in names[:-1]}


def test_dockerfile_copies_what_there_is_and_all_that_a_run_needs(root, dockerfile):
    names = copied(dockerfile)
    assert all((root / name).exists() for name in names)
    assert {"Snakefile", "config.yaml", "workflow", "profiles", "envs", "resources"} <= names
    # pyproject.toml reads this one, and setuptools needs it to build
    assert {"pyproject.toml", "README.md"} <= names


def test_both_images_hold_the_same(dockerfile, apptainer):
    pairs = [line.split() for line in apptainer["files"].splitlines() if line.strip()]
    assert {source for source, _ in pairs} == copied(dockerfile)
    assert all(target == f"/porevox/{source}" for source, target in pairs)
    base = next(argument for instruction, argument in dockerfile if instruction == "ARG")
    assert f"From: {base.removeprefix('BASE=')}" in apptainer["header"]


def test_the_user_is_not_root_and_no_cache_is_left(dockerfile, apptainer):
    users = [argument for instruction, argument in dockerfile if instruction == "USER"]
    assert users and users[-1] not in ("root", "0")
    runs = [argument for instruction, argument in dockerfile if instruction == "RUN"]
    for command in re.findall(r"pip install.*", "\n".join([*runs, apptainer["post"]])):
        assert "--no-cache-dir" in command
    # nothing that is run as root comes after
    order = [instruction for instruction, _ in dockerfile]
    assert "RUN" not in order[order.index("USER") :]


def test_writable_places_are_named_for_whoever_runs_it(dockerfile, apptainer):
    places = {"NUMBA_CACHE_DIR", "MPLCONFIGDIR", "XDG_CACHE_HOME"}
    env = next(argument for instruction, argument in dockerfile if instruction == "ENV")
    # a user without an entry in the image has no name there, which Python's getpass asks for
    assert {pair.split("=")[0] for pair in env.split()} == places | {"USER", "HOME"}
    assert set(re.findall(r"export (\w+)=", apptainer["environment"])) == places
    # the host's /tmp, in which others may have put code for numba to load
    assert not re.search(r"^\s*export .*/tmp", apptainer["environment"], re.M)


def test_results_of_a_worked_in_folder_stay_out_of_the_image(root):
    ignored = (root / ".dockerignore").read_text().split()
    assert {".git", ".snakemake", "results", ".venv", "**/__pycache__"} <= set(ignored)


def test_shell_parts_parse(root, dockerfile, apptainer):
    if shutil.which("sh") is None:
        pytest.skip("there is no sh here")
    parts = [argument for instruction, argument in dockerfile if instruction == "RUN"]
    parts += [apptainer[name] for name in ("post", "environment", "runscript")]
    for part in parts:
        done = subprocess.run(["sh", "-n"], input=part, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
