"""The command line as a whole: help, version, and errors of every kind in one sentence."""

import importlib
import re
import tomllib

import pytest

import porevox
from porevox import cli
from porevox.cli import main, show, voxelize
from porevox.cli.show import EXAMPLES


def test_the_installed_command_is_this_one(root):
    scripts = tomllib.loads((root / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, name = scripts["porevox"].partition(":")
    assert getattr(importlib.import_module(module), name) is main


def test_every_folder_of_the_library_is_installed(root):
    listed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    library = root / "workflow" / "lib"
    found = [path.parent.relative_to(library) for path in library.rglob("__init__.py")]
    assert sorted(listed) == sorted(".".join(folder.parts) for folder in found)


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0 and capsys.readouterr().out == f"porevox {porevox.__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["voxelize", "--help"], ["show", "--help"]])
def test_help_is_there(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr().out
    assert stop.value.code == 0 and "usage: porevox" in said
    assert arguments == ["--help"] or "examples:" in said


@pytest.mark.parametrize("example", re.findall("porevox (.*)", voxelize.EXAMPLES + EXAMPLES))
def test_the_examples_of_the_help_are_understood(monkeypatch, example):
    called = []
    for module in (voxelize, show):
        monkeypatch.setattr(module, "run", lambda options: called.append(options) or 0)
    assert main(example.split()) == 0 and len(called) == 1


@pytest.mark.parametrize("arguments", [[], ["paint"], ["voxelize"], ["voxelize", "x", "-o", "y", "--n", "z"]])
def test_a_wrong_command_line_is_one_sentence(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    complaint = capsys.readouterr().err
    assert stop.value.code == 2 and complaint.count("\n") == 1
    assert complaint.startswith("porevox: ") and "--help" in complaint


@pytest.mark.parametrize(
    "error, message",
    [
        (OSError(28, "No space left on device", "/there"), "/there: No space left on device"),
        (ZeroDivisionError("division by zero"), "a fault of the program, ZeroDivisionError: division"),
    ],
)
def test_what_nobody_foresaw_is_one_sentence_too_unless_asked(monkeypatch, capsys, error, message):
    def fail(_):
        raise error

    monkeypatch.setattr(voxelize, "run", fail)
    assert main(["voxelize", "x", "-o", "y.npy"]) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("porevox: ") and message in complaint and complaint.count("\n") == 1
    assert main(["voxelize", "x", "-o", "y.npy", "--verbose"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_signals_and_logging_are_put_back(monkeypatch):
    import logging
    import signal

    before = signal.getsignal(signal.SIGINT), list(logging.getLogger().handlers)
    monkeypatch.setattr(voxelize, "run", lambda _: 0)
    assert cli.main(["voxelize", "x", "-o", "y.npy"]) == 0
    assert (signal.getsignal(signal.SIGINT), list(logging.getLogger().handlers)) == before


def test_the_module_runs_as_a_command(root):
    import subprocess
    import sys

    environment = {"PYTHONPATH": str(root / "workflow" / "lib"), "PATH": ""}
    arguments = [sys.executable, "-m", "porevox", "--version"]
    said = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True).stdout
    assert said == f"porevox {porevox.__version__}\n"
