"""Real runs of the workflow on a small dataset, in a copy of the project."""

import os
import random
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import yaml

PARTS = (
    *("Snakefile", "config.yaml", "workflow", "profiles", "envs"),
    *("resources/forcefields", "resources/probes.csv", "resources/guests.csv", "resources/ionisation.csv"),
    *("resources/rates.yaml", "resources/thesis.yaml"),
)
N = 24
CONFIG = {
    "run": ["tiny"],
    "datasets": {
        "tiny": {
            "structures": {"path": "data/cifs.zip"},
            "n_structures": N,
            "shard_size": 8,
            "tables": [{"file": {"path": "data/labels.csv"}}],
            "targets": {"uptake": {"unit": "mmol/g"}},
            "descriptors": ["density", "void_fraction"],
        }
    },
    "models": {"retnet": {"epochs": 2, "batch_size": 4}, "rf": {"n_estimators": 10}},
    "studies": {
        "tiny": {
            "dataset": "tiny",
            "target": "uptake",
            "grid": "thesis",
            "sizes": [6, 9],
            "split": {"test": 8, "validation": 3},
            "models": ["retnet", "rf", "mean"],
            "bootstrap": {"resamples": 200},
        }
    },
}


def make_cif(name: str, seed: int, charged: bool = False) -> str:
    """Return a P1 CIF of a few atoms well apart from each other in a cell of about 10 A.

    With charges they are a small multiple of 1/16 e on every atom, all in all none.
    """
    rng = random.Random(seed)
    edge = 9 + 3 * rng.random()
    sites = [(i, j, k) for i in range(3) for j in range(3) for k in range(3)]
    lines = []
    chosen = rng.sample(sites, rng.randint(4, 10))
    charges = [(1 + number % 3) / 16 * (-1) ** number for number in range(len(chosen) - 1)]
    charges.append(-sum(charges))
    for number, site in enumerate(chosen):
        element = rng.choice(["C", "O", "Zn", "N"])
        position = " ".join(f"{(x + 0.3 * rng.random()) / 3:.5f}" for x in site)
        charge = f" {charges[number]:.4f}" if charged else ""
        lines.append(f"{element}{number} {element} {position}{charge}")
    head = f"data_{name}\n" + "".join(f"_cell_length_{axis} {edge:.4f}\n" for axis in "abc")
    head += "".join(f"_cell_angle_{angle} 90\n" for angle in ("alpha", "beta", "gamma"))
    head += "_symmetry_space_group_name_H-M 'P 1'\nloop_\n"
    columns = ["label", "type_symbol", "fract_x", "fract_y", "fract_z", *(["charge"] if charged else [])]
    return head + "".join(f"_atom_site_{column}\n" for column in columns) + "\n".join(lines) + "\n"


def write_archive(path: Path, cifs: dict[str, str]) -> None:
    """Write CIFs into a zip archive."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in cifs.items():
            archive.writestr(f"cifs/{name}.cif", text)


class Project:
    """A copy of the workflow with data and a config of its own."""

    def __init__(self, root: Path):
        self.root = root
        #: What to make; everything, unless a test wants less.
        self.targets: tuple[str, ...] = ()

    @property
    def config(self) -> dict:
        return yaml.safe_load((self.root / "my.yaml").read_text())

    @config.setter
    def config(self, value: dict) -> None:
        (self.root / "my.yaml").write_text(yaml.safe_dump(value))

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a run."""
        start = [sys.executable, "-m", "snakemake", "--configfile", "my.yaml", "--cores", "2"]
        return [*start, *arguments, *self.targets]

    def run(self, *arguments: str, ok: bool = True) -> str:
        """Run the workflow; return all it printed."""
        # the library of the copy, not the installed one, is what must be used
        env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if ok:
            assert done.returncode == 0, done.stdout
        else:
            assert done.returncode != 0, done.stdout
        return done.stdout

    def jobs(self, *arguments: str) -> list[str]:
        """Run, and return "rule wildcards" of every job that ran but `all`, sorted."""
        out = self.run(*arguments)
        blocks = re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):\n((?: .*\n)*)", out, re.M)
        found = []
        for rule, body in blocks:
            wildcards = re.search(r"wildcards: (.*)", body)
            found.append(f"{rule} {wildcards.group(1) if wildcards else ''}".strip())
        return sorted(job for job in found if job != "all")

    def rules(self, *arguments: str) -> set[str]:
        """Run, and return the names of the rules that ran."""
        return {job.split()[0] for job in self.jobs(*arguments)}


def new_project(root: Path, source: Path) -> Project:
    """Copy the workflow and make a small dataset beside it."""
    root.mkdir(parents=True)
    # compiled functions come along: they know their source by its date, which a copy keeps
    ignore = shutil.ignore_patterns("*.pyc")
    for part in PARTS:
        (root / part).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (source / part).is_dir() else shutil.copy2
        copy(source / part, root / part, **({"ignore": ignore} if (source / part).is_dir() else {}))
    # the datasets that come with the project are not needed here
    (root / "resources/datasets.yaml").write_text("{}\n")
    config = root / "config.yaml"
    shipped = yaml.safe_load(config.read_text())
    del shipped["studies"]["demo"]
    config.write_text(yaml.safe_dump(shipped))
    (root / "data").mkdir()
    project = Project(root)
    project.config = CONFIG
    names = [f"mof{k:02d}" for k in range(N)]
    write_archive(root / "data/cifs.zip", {name: make_cif(name, k) for k, name in enumerate(names)})
    rng = random.Random(0)
    rows = [f"{name},{rng.random():.4f},{rng.random():.3f},{rng.random():.3f}" for name in names]
    (root / "data/labels.csv").write_text("id,uptake,density,void_fraction\n" + "\n".join(rows) + "\n")
    return project
