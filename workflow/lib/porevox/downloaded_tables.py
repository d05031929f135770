"""A first look at tables that have just come: what is amiss is told before hours of other work are done."""

import logging
import sys
from pathlib import Path

from porevox import keys
from porevox.errors import PorevoxError
from porevox.model_inputs import columns_needed
from porevox.tables import check_columns

LOG = logging.getLogger("porevox")


def column_troubles(config: dict, path: Path) -> list[str]:
    """Look for columns that studies need and downloaded tables lack.

    Parameters
    ----------
    config : dict
        A completed configuration.
    path : Path
        A file that has been downloaded.

    Returns
    -------
    list of str
        One sentence for each study to run (or of the thesis' page) whose tables have come, this one among
        them.
    """
    found: dict[str, None] = {}
    for name in _studies(config):
        study = config["studies"][name]
        tables = keys.table_paths(config, study["dataset"])
        if Path(path) not in [there for there, _ in tables] or not all(p.exists() for p, _ in tables):
            continue
        rules = config["datasets"][study["dataset"]]["faulty_where"]
        try:
            check_columns(tables, list(columns_needed(config, study)), f"studies.{name}")
            bounded = [(rule["column"], "faulty_where") for rule in rules]
            check_columns(tables, bounded, f"datasets.{study['dataset']}")
        except PorevoxError as error:
            found[str(error)] = None
    return list(found)


def _studies(config: dict) -> list[str]:
    """Studies to run and those of the thesis; the latter may name what this configuration has not."""
    planned = dict.fromkeys([*config["run"], *config["thesis"].values()])
    studies = {name: config["studies"][name] for name in planned if name in config["studies"]}
    return [
        name
        for name, study in studies.items()
        if study["dataset"] in config["datasets"] and set(study["models"]) <= set(config["models"])
    ]


def warn_of_columns(config: dict, path: Path) -> None:
    """Say what :func:`column_troubles` finds, in the log and on the terminal.

    The download itself is in order, and is kept: other studies may use it as it is.

    Parameters
    ----------
    config : dict
        A completed configuration.
    path : Path
        A file that has been downloaded, relative to the working directory.
    """
    for sentence in column_troubles(config, path):
        LOG.warning("%s", sentence)
        print(f"\nporevox: {sentence}", file=sys.stderr)
