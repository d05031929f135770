"""Assemble hypothetical frameworks with PORMAKE: attempt k depends on (seed, k) alone."""

import argparse
import csv
import json
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pormake
from ase import Atoms
from ase.data import covalent_radii
from common import SEED, cif_text, write_atomic, write_json
from draw import Library, draw_blocks, draw_net
from screen import Rejected, check_cell, check_geometry

TOPOLOGY_CAP = 8  # accepted structures per net
PATIENCE = (2, 3)  # a net is given up after 2 failures, plus 3 for every structure it gave
FAILURES = {
    "node_misfit",
    "edge_strain",
    "assembly_failed",
    "cell_angle",
    "cell_volume",
    "density",
    "bond_length",
    "overlap",
    "valence",
    "disconnected",
}
ASSEMBLY_LIMIT_S = 60
STREAM_LENGTH = 100_000  # attempts reserved for one stream
FIELDS = ["attempt", "fate", "id", "topology", "nodes", "edges", "n_atoms", "volume_A3", "formula"]


class OutOfTime(BaseException):
    """An attempt took too long; not an Exception, because PORMAKE swallows those."""


def assemble(library, topology, nodes, edges):
    """Run PORMAKE's builder; its refusals, bare Exceptions, become `Rejected`."""
    node_blocks = {kind: library.blocks[n] for kind, n in nodes.items()}
    edge_blocks = {kind: library.blocks[n] if n else None for kind, n in edges.items()}
    try:
        return pormake.Builder().build_by_type(topology, node_blocks, edge_blocks)
    except Exception as error:
        raise Rejected("assembly_failed", topology.name) from error


def structure_id(attempt, topology, nodes, edges):
    """Short, self-explaining id such as pvx_00012_pcu_N12_E34 (E0: nodes joined directly)."""
    names = (
        "-".join(dict.fromkeys(nodes.values())),
        "-".join(dict.fromkeys(e or "E0" for e in edges.values())),
    )
    raw = f"pvx_{attempt:05d}_{topology.name}_{names[0]}_{names[1]}"
    return re.sub(r"[^A-Za-z0-9_-]", "x", raw)


class Nets:
    """What each net gave so far: caps the prolific, gives up on those that never assemble."""

    def __init__(self, rows=()):
        self.accepted, self.failed, self.made = Counter(), Counter(), set()
        for row in rows:
            self.count(row)

    def count(self, row):
        """Take a row of the attempts table into account."""
        name = row.get("topology", "")
        self.accepted[name] += row["fate"] == "accepted"
        self.failed[name] += row["fate"] in FAILURES
        if row["fate"] == "accepted":
            self.made.add((name, row["nodes"], row["edges"]))

    def refusal(self, name, nodes="", edges=""):
        """Reason code for not using net `name`, or these blocks on it, or an empty string."""
        if (name, nodes, edges) in self.made:
            return "duplicate"
        if self.accepted[name] >= TOPOLOGY_CAP:
            return "topology_cap"
        if self.failed[name] >= PATIENCE[0] + PATIENCE[1] * self.accepted[name]:
            return "net_given_up"
        return ""


def make_structure(library, attempt, seed=SEED, refusal=lambda *drawn: ""):
    """Draw, screen and assemble attempt number `attempt`.

    Parameters
    ----------
    library : Library
    attempt : int
        Together with `seed` this fixes the structure.
    seed : int
    refusal : callable
        Maps a net's name, or that and the names of its blocks, to the reason for not using
        them (any more), or to an empty string.

    Returns
    -------
    record : dict
        Provenance, with the keys of `FIELDS`.
    text : str
        The CIF.

    Raises
    ------
    Rejected
        With the reason code that goes into the attempts table.
    """
    rng = np.random.default_rng([seed, attempt])
    topology = draw_net(library, rng, refusal)
    nodes, edges = draw_blocks(library, topology, rng)
    names = " ".join(nodes.values()), " ".join(e or "none" for e in edges.values())
    if reason := refusal(topology.name, *names):
        raise Rejected(reason, topology.name)
    framework = assemble(library, topology, nodes, edges)
    cellpar = np.round(framework.atoms.cell.cellpar(), 6)
    symbols = list(framework.atoms.symbols)
    check_cell(cellpar, symbols, topology.name)
    # everything from here on sees the coordinates as the file will hold them
    fractional = np.round(framework.atoms.get_scaled_positions(), 6) % 1.0
    atoms = Atoms(symbols, cell=cellpar, scaled_positions=fractional, pbc=True)
    check_geometry(atoms, framework.bonds, covalent_radii, topology.name)
    record = {
        "attempt": attempt,
        "fate": "accepted",
        "id": structure_id(attempt, topology, nodes, edges),
        "topology": topology.name,
        "nodes": names[0],
        "edges": names[1],
        "n_atoms": len(symbols),
        "volume_A3": f"{atoms.get_volume():.3f}",
        "formula": atoms.get_chemical_formula("hill"),
    }
    return record, cif_text(record["id"], cellpar, symbols, fractional)


def describe(cif):
    """Run descriptors.py on a CIF in a process of its own (Zeo++ may abort the interpreter)."""
    script = Path(__file__).with_name("descriptors.py")
    command = [sys.executable, str(script), str(cif)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASSEMBLY_LIMIT_S)
    except subprocess.TimeoutExpired as error:
        raise Rejected("zeo_timeout") from error
    lines = [x for x in done.stdout.splitlines() if x.startswith("RESULT ")]
    if not lines:
        raise Rejected("zeo_failed")
    return json.loads(lines[-1].removeprefix("RESULT "))


def try_attempt(library, attempt, seed, refusal, work):
    """Make a structure and, when its pores let methane pass, store it with its descriptors.

    Returns
    -------
    dict
        A row of the attempts table.
    """
    signal.alarm(ASSEMBLY_LIMIT_S)
    try:
        record, text = make_structure(library, attempt, seed, refusal)
        signal.alarm(0)
        candidate = work / f"candidate-{attempt}.cif"
        write_atomic(candidate, text)
        descriptors = describe(candidate)
        candidate.unlink()
        if "void_fraction" not in descriptors:
            raise Rejected("pore_too_narrow", record["topology"])
    except Rejected as error:
        return {"attempt": attempt, "fate": error.reason, "topology": error.topology}
    except OutOfTime:
        return {"attempt": attempt, "fate": "assembly_timeout"}
    finally:
        signal.alarm(0)
    # the CIF goes last: whoever finds it may rely on the rest
    write_json(work / "provenance" / f"{record['id']}.json", record)
    write_json(work / "descriptors" / f"{record['id']}.json", descriptors)
    write_atomic(work / "cifs" / f"{record['id']}.cif", text)
    return record


def read_attempts(path):
    """Finished attempts; a line cut short by a kill is dropped and will be redone."""
    if not path.exists():
        write_atomic(path, ",".join(FIELDS) + "\n")
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        write_atomic(path, whole)
    return list(csv.DictReader(whole.splitlines()))


def run(work, target, seed=SEED, stream=0):
    """Attempt after attempt until `target` structures are accepted or `work/stop` exists.

    A stream also ends with its last attempt: by then nearly all nets are used up or given up.

    Parameters
    ----------
    work : Path
        Folder of the build's intermediate files.
    target : int
        Structures to accept in this stream.
    seed : int
    stream : int
        Streams run side by side on attempts of their own, from `stream * STREAM_LENGTH` on, and
        know nothing of each other: the caps per net hold within a stream.
    """
    make_folders(work)
    path = work / f"attempts-{stream}.csv"
    done = read_attempts(path)
    nets = Nets(done)
    attempt = int(done[-1]["attempt"]) + 1 if done else stream * STREAM_LENGTH
    end = (stream + 1) * STREAM_LENGTH
    library = Library()
    with path.open("a", newline="") as handle:
        table = csv.DictWriter(handle, FIELDS, lineterminator="\n")
        while nets.accepted.total() < target and attempt < end and not (work / "stop").exists():
            row = try_attempt(library, attempt, seed, nets.refusal, work)
            nets.count(row)
            table.writerow(row)
            handle.flush()
            attempt += 1


def rebuild(work, provenance, seed=SEED, stream=0, streams=1):
    """Assemble again the structures of a provenance table, every `streams`-th from `stream` on.

    Parameters
    ----------
    work : Path
        Folder of the build's intermediate files; structures found there are kept.
    provenance : Path
        Table with columns id and attempt.
    seed : int
    stream, streams : int
        This process's share of the work.
    """
    make_folders(work)
    with provenance.open(newline="") as handle:
        rows = list(csv.DictReader(handle))[stream::streams]
    library = Library()
    for row in rows:
        if not (work / "cifs" / f"{row['id']}.cif").exists():
            fate = try_attempt(library, int(row["attempt"]), seed, lambda *drawn: "", work)["fate"]
            if fate != "accepted":
                raise RuntimeError(f"{row['id']}: {fate}")


def make_folders(work):
    """Folders that hold one file per structure."""
    for folder in ("cifs", "descriptors", "provenance"):
        (work / folder).mkdir(parents=True, exist_ok=True)


def out_of_time(signum, frame):
    """Alarm handler."""
    raise OutOfTime


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--target", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--stream", type=int, default=0)
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--provenance", type=Path, help="rebuild the structures of this table")
    args = parser.parse_args()
    signal.signal(signal.SIGALRM, out_of_time)
    if args.provenance:
        rebuild(args.work, args.provenance, args.seed, args.stream, args.streams)
    else:
        run(args.work, -(-args.target // args.streams), args.seed, args.stream)
