"""A small project that runs on Slurm by the literal command, and what Slurm says of its jobs."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

from workflow_project import Project, new_project

#: For a user whose home has nothing in it, neither profiles nor settings.
COMMAND = [os.fspath(Path(sys.executable).with_name("snakemake")), "--profile", "slurm"]
#: Tests look at their jobs more often than one should on a cluster that others use.
OFTEN = ["--slurm-init-seconds-before-status-checks", "1"]
#: A small study: fewer trainings than those of the other workflow tests.
STUDY = {"sizes": [9], "models": ["retnet", "mean"]}


def query(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


class SlurmProject(Project):
    """A copy of the workflow whose own config.yaml holds a small study."""

    def __init__(self, root: Path, home: Path):
        super().__init__(root)
        self.home = home
        self.started: list[subprocess.Popen] = []

    @property
    def environment(self) -> dict[str, str]:
        """Of a fresh login: nothing of the user's, nothing of another project's."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SNAKEMAKE", "SLURM"))}
        kept.pop("PYTHONPATH", None)
        return kept | {"HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / ".config")}

    def command(self, *arguments: str) -> list[str]:
        return [*COMMAND, *OFTEN, *arguments, *self.targets]

    def run(self, *arguments: str, ok: bool = True, seconds: float = 400) -> str:
        run = self.start(*arguments)
        try:
            code = run.wait(seconds)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGINT)
            raise AssertionError(f"still running after {seconds} s:\n{self.output()}") from None
        assert (code == 0) == ok, self.output()
        return self.output()

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start a run without waiting for it."""
        out = self.root / f"run{len(self.started)}.out"
        with open(out, "w") as stream:
            run = subprocess.Popen(
                self.command(*arguments),
                cwd=self.root,
                env=self.environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(run)
        return run

    def output(self) -> str:
        """What the latest run has printed so far."""
        return (self.root / f"run{len(self.started) - 1}.out").read_text()

    def slurm_jobs(self) -> dict[str, dict[str, str]]:
        """All jobs of this folder that the controller remembers: number -> what it says of them."""
        jobs = {}
        for line in query("scontrol", "--oneliner", "show", "job").splitlines():
            said = dict(re.findall(r"(\S+?)=(\S*)", line))
            if said.get("WorkDir") == str(self.root):
                jobs[said["JobId"]] = said
        return jobs

    def states(self, rule: str) -> list[str]:
        """States of all jobs of a rule, in the order of their submission."""
        jobs = self.slurm_jobs()
        found = [number for number, said in jobs.items() if said["Comment"].startswith(f"rule_{rule}_")]
        return [jobs[number]["JobState"] for number in sorted(found, key=int)]

    def starts(self, log: str) -> int:
        """How often a script began its work, from the log that is never emptied."""
        path = (self.root / "results/logs" / log).with_suffix(".history.log")
        return path.read_text().count(" INFO start: ") if path.exists() else 0

    def wait_for(self, condition, seconds: float = 90):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            time.sleep(0.3)
        raise AssertionError(f"nothing happened within {seconds} s:\n{self.output()}")

    def numbers(self, state: str) -> list[str]:
        return [number for number, said in self.slurm_jobs().items() if said["JobState"] == state]

    def cancel_all(self) -> None:
        """End what a test has left."""
        for run in self.started:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()
        left = self.numbers("RUNNING") + self.numbers("PENDING")
        if left:
            subprocess.run(["scancel", *left], timeout=60)

    def patch_script(self, name: str, lines: str) -> None:
        """Let a script of the copy do something else first."""
        path = self.root / "workflow/scripts" / f"{name}.py"
        head, rest = path.read_text().split("\n\n", 1)
        path.write_text(f"{head}\n\n{lines}\n\n{rest}")

    def edit_profile(self, old: str, new: str) -> None:
        path = self.root / "profiles/slurm/config.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def new_slurm_project(folder: Path, source: Path) -> SlurmProject:
    """Copy the workflow with its link `slurm`, and write the small study into its config.yaml."""
    plain = new_project(folder / "project", source)
    (plain.root / "slurm").symlink_to((source / "slurm").readlink())
    mine = plain.config
    mine["studies"]["tiny"] |= STUDY
    config = yaml.safe_load((plain.root / "config.yaml").read_text())
    models = {name: config["models"].get(name, {}) | own for name, own in mine["models"].items()}
    config |= mine | {"models": config["models"] | models, "studies": config["studies"] | mine["studies"]}
    (plain.root / "config.yaml").write_text(yaml.safe_dump(config))
    home = folder / "home"
    home.mkdir()
    return SlurmProject(plain.root, home)
