"""The command ``porevox``: voxels without a study around them, pictures of them, and predictions."""

import argparse
import logging
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from porevox import __version__
from porevox.cli import predict, show, signals, voxelize
from porevox.errors import PorevoxError

_ABOUT = "Voxels of energies and potentials in porous crystals, from CIFs, and what models say of them."
_COMMANDS = (voxelize, show, predict)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        Exit status: 0 when it went well, 1 when it did not, 2 for a wrong command line, and
        128 plus the signal's number when it was stopped by one.
    """
    options = _parser().parse_args(arguments)
    with _logging(options.verbose), signals.stopped_by_signals():
        try:
            return options.run(options)
        except KeyboardInterrupt:
            return _stopped()
        except Exception as error:
            # What a stop tears apart on its way out is no fault of its own.
            return _stopped() if signals.asked_to_stop() else _explained(error, options.verbose)


def _stopped() -> int:
    print("\nporevox: stopped; no file was written.", file=sys.stderr)
    return signals.exit_status()


def _explained(error: Exception, verbose: bool) -> int:
    if isinstance(error, PorevoxError):
        return _failed(str(error), verbose)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return _failed(f"{place}{error.strerror or error}", verbose)
    message = f"a fault of the program, {type(error).__name__}: {error}; --verbose says where."
    return _failed(message, verbose)


def _failed(message: str, verbose: bool) -> int:
    if verbose:
        traceback.print_exc()
    print(f"porevox: {' '.join(message.split())}", file=sys.stderr)
    return 1


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, like all others."""

    def error(self, message: str):
        self.exit(2, f"porevox: {message}; see `{self.prog} --help`.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="porevox", description=_ABOUT, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"porevox {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in _COMMANDS:
        command = commands.add_parser(
            module.NAME,
            help=module.ABOUT,
            description=module.DESCRIPTION,
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_options(command)
        command.add_argument("--verbose", action="store_true", help="log what happens, with tracebacks")
        command.set_defaults(run=module.run)
    return parser


@contextmanager
def _logging(verbose: bool) -> Iterator[None]:
    """Say nothing of what stands in the tables anyway, unless asked to."""
    handler = logging.StreamHandler() if verbose else logging.NullHandler()
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO if verbose else logging.ERROR)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.setLevel(level)
        root.removeHandler(handler)
