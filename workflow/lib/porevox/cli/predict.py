"""``porevox predict``: what a trained model says of a handful of CIFs."""

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from porevox.cli.gather import write_pack
from porevox.cli.outputs import check_free
from porevox.cli.predict_table import show
from porevox.cli.signals import undisturbed
from porevox.cli.voxelize import available_cores
from porevox.errors import PorevoxError
from porevox.handover.locate import is_model, locate
from porevox.handover.record import read_record

NAME = "predict"
ABOUT = "ask a trained model about CIFs"
DESCRIPTION = """\
Ask a trained model about CIFs: the predicted value, an interval, and whether the model has been
trained on anything like it.

Grid, probe, force field and all else come from the model. The table goes to the terminal, and to a
CSV with -o. The exit status is 1 if no structure could be predicted."""
EXAMPLES = """\
examples:
  porevox predict new.cif --model results/demo/split0/retnet/n400/bundle
  porevox predict cifs/ --model retnet.zip -o predictions.csv
  porevox predict a.cif --model https://example.org/retnet.zip --sha256 0123...

The workflow's target `models` makes such a folder of every model of a study."""
_LEVELS = (0.5, 0.68, 0.8, 0.9, 0.95)
#: Memory for one structure, MB; see `porevox voxelize`.
_MEMORY_MB = 2000.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    add = parser.add_argument
    add("sources", nargs="+", type=Path, metavar="CIF", help="CIFs, folders of CIFs, .zip or .tar.gz of CIFs")
    add(
        "--model", required=True, metavar="FOLDER", help="folder of a model, an archive of it, or its address"
    )
    add("--sha256", metavar="HEX", help="checksum of the model, where it is an address or an archive")
    add("-o", "--output", type=Path, metavar="OUT.csv", help="write the table here, too")
    add("--force", action="store_true", help="write over a file of this name")
    add("--table", type=Path, metavar="CSV", help="columns that the model looks at beside the voxels")
    add("--id-column", default="id", metavar="NAME", help="column that names the structure (default: id)")
    add(
        "--level",
        type=float,
        choices=_LEVELS,
        default=0.9,
        metavar="P",
        help="nominal coverage of the intervals: 0.5, 0.68, 0.8, 0.9 (default) or 0.95",
    )
    add("--jobs", type=int, default=available_cores(), metavar="N", help="processes (default: all cores)")


def run(options: argparse.Namespace) -> int:
    """Run the command.

    Parameters
    ----------
    options : argparse.Namespace
        With those of :func:`add_options`.

    Returns
    -------
    int
        Exit status: 0, or 1 when no structure could be predicted.

    Raises
    ------
    PorevoxError
        The options, the model, a source or the output cannot be used.
    """
    if options.jobs < 1:
        raise PorevoxError(f"--jobs is {options.jobs}; it must be at least 1.")
    if options.output is not None:
        check_free([options.output], options.force)
    with tempfile.TemporaryDirectory(prefix="porevox-") as folder:
        work = Path(folder)
        model = _find_model(options, work)
        record = read_record(model)
        _check_columns(record, options)
        ranked, rejected = _predict(options, model, record, work)
    if options.output is not None:
        from porevox.learning.runs import write_csv

        with undisturbed():
            write_csv(options.output, ranked)
    width = min(shutil.get_terminal_size((80, 24)).columns, 110)
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print(show(ranked, rejected, record, options.level, width, colour))
    return 0 if len(ranked) else 1


def _find_model(options: argparse.Namespace, work: Path) -> Path:
    if options.model.startswith(("http://", "https://")):
        from porevox.retrieve import download

        if options.sha256 is None:
            raise PorevoxError("the model is an address: give its checksum with --sha256.")
        target = work / "model"
        download([options.model], target, options.sha256)
        return locate(target, work / "models")
    path = Path(options.model).expanduser()
    folder = path / "bundle" if is_model(path / "bundle") else path
    return locate({"path": str(folder), "sha256": options.sha256}, work / "models")


def _check_columns(record: dict, options: argparse.Namespace) -> None:
    columns = ", ".join(record["columns"])
    if not record["channels"]:
        raise PorevoxError(
            f"the model {record['model']} looks at columns of a table only ({columns}), at nothing of a "
            "CIF: use "
            "a model that looks at voxels."
        )
    if columns and options.table is None:
        raise PorevoxError(
            f"the model {record['model']} looks at columns that no CIF holds ({columns}): give a table with "
            "them "
            "as --table."
        )


def _predict(options: argparse.Namespace, model: Path, record: dict, work: Path):
    """Ranked table of all structures, and (id, reason, detail) of those that cannot be used."""
    from porevox.structures import read_pack
    from porevox.voxels import voxelise_shard

    _, unpacked = write_pack(options.sources, work / "pack.zip")
    checksums = {id: hashlib.sha256(cif).hexdigest() for id, cif in read_pack(work / "pack.zip")}
    shards = {
        channel["name"]: work / "voxels" / f"channel{k}" for k, channel in enumerate(record["channels"])
    }
    for channel in record["channels"]:
        table = channel["forcefield_file"]
        voxelise_shard(
            work / "pack.zip",
            shards[channel["name"]],
            grid=record["grid"],
            channel=channel["settings"],
            reading=record["reading"],
            forcefield=None if table is None else model / table,
            memory_limit_MB=_MEMORY_MB,
            workers=options.jobs,
        )
    # after the voxels: their processes are forked from this one
    from porevox.handover.members import load_model, session
    from porevox.ranking import rank
    from porevox.screen import predict_structures, read_columns

    trained = load_model(model)
    cells = None if options.table is None else read_columns(trained, options.table, options.id_column)
    with session(options.jobs):
        found, lost = predict_structures(trained, shards, options.level, cells)
    rejected = [(one.id, one.reason, one.detail) for one in unpacked]
    rejected += list(lost.itertuples(index=False, name=None))
    return rank(found, record, trained.domain, checksums, options.level), rejected
