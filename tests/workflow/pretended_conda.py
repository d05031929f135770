"""A stand-in for conda that downloads nothing; of heavy packages its environments see those they list."""

import json
import sys
from pathlib import Path

#: Also the program itself: what Snakemake asks conda for.
PROGRAM = """#!{python}
import json, os, sys, yaml
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print("conda 25.1.0")
elif arguments[0] == "info":
    print(json.dumps({{"conda_prefix": {prefix!r}, "platform": "linux-64"}}))
elif arguments[0] == "config":
    print(json.dumps({{"get": {{"channel_priority": "strict"}}}}))
elif "create" in arguments:
    words = [word for argument in arguments for word in argument.split("=", 1)]
    file, place = (words[words.index(option) + 1] for option in ("--file", "--prefix"))
    sys.path.insert(0, {here!r})
    from pretended_conda import make_environment
    make_environment(place, yaml.safe_load(open(file))["dependencies"])
elif arguments[0] != "clean":
    sys.exit(f"not pretended: {{arguments}}")
"""
ACTIVATE = 'export PATH="$1/bin:$PATH" CONDA_PREFIX="$1" PYTHONPATH="$1/site"\n'
#: Heavy packages, by what one imports of them. Others come along with these and tell nothing.
WATCHED = {
    "torch": ("pytorch-cpu", "pytorch-gpu"),
    "sklearn": ("scikit-learn",),
    "gemmi": ("gemmi",),
    "pymatgen": ("pymatgen",),
    "numba": ("numba",),
    "matplotlib": ("matplotlib", "pymatgen"),
    "safetensors": ("safetensors",),
    "requests": ("requests", "pymatgen"),
}
BLOCKER = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} in this environment", name=name)
sys.meta_path.insert(0, Absent())
"""


def make_environment(folder: str, dependencies: list[str]) -> None:
    """Make an environment in which watched packages that are not listed cannot be imported."""
    names = {line.split(">")[0].split("<")[0] for line in dependencies}
    absent = sorted(package for package, listed in WATCHED.items() if not names & set(listed))
    place = Path(folder)
    (place / "bin").mkdir(parents=True)
    (place / "site").mkdir()
    (place / "site/sitecustomize.py").write_text(BLOCKER.format(absent=absent))
    (place / "bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (place / "bin/python").chmod(0o755)
    (place / "absent.json").write_text(json.dumps(absent))


def install(prefix: Path) -> Path:
    """Put the program and its `activate` into a folder; return the folder to put on the PATH."""
    (prefix / "bin").mkdir(parents=True)
    program = prefix / "bin/conda"
    program.write_text(
        PROGRAM.format(python=sys.executable, prefix=str(prefix), here=str(Path(__file__).parent))
    )
    program.chmod(0o755)
    (prefix / "bin/activate").write_text(ACTIVATE)
    return prefix / "bin"
