"""Files that were fetched by hand: for machines without internet, where `sources_dir` names their folder."""

import os
from pathlib import Path

from porevox import layout
from porevox.errors import PorevoxError


def check_fetched(config: dict, dataset: str) -> None:
    """Check that all files of a dataset are there, if they have been fetched by hand.

    Parameters
    ----------
    config : dict
        A completed configuration.
    dataset : str
        Name of the dataset.

    Raises
    ------
    PorevoxError
        Names every file that is missing, and where it can be had.
    """
    if config["sources_dir"] is None:
        return
    folder = Path(config["sources_dir"]).expanduser()
    files = [file for file in layout.dataset_files(config["datasets"][dataset]) if "urls" in file]
    missing = [
        f"{layout.download_name(file)} (from {file['urls'][0]})"
        for file in files
        if not layout.source_path(file).exists() and not (folder / layout.download_name(file)).is_file()
    ]
    if missing:
        raise PorevoxError(
            f"`sources_dir` is set, so nothing is downloaded, and {folder} lacks what `datasets.{dataset}` "
            f"needs: {', '.join(missing)}; put it there, or leave `sources_dir` out."
        )


def lies_at(config: dict, file: dict) -> Path:
    """Return where the content of a dataset's file is, or will be.

    Parameters
    ----------
    config : dict
        A completed configuration.
    file : dict
        ``path`` or ``urls``, as in the dataset's entry.

    Returns
    -------
    Path
        Of one that was fetched by hand, and is only linked to its place: where it was put.
    """
    path = layout.source_path(file)
    if "urls" not in file or config["sources_dir"] is None or path.exists():
        return path
    return Path(config["sources_dir"]).expanduser() / layout.download_name(file)


def link(given: Path, target: Path) -> None:
    """Make a file that was fetched by hand stand where downloads do, without copying it.

    Parameters
    ----------
    given : pathlib.Path
        The file.
    target : pathlib.Path
        Becomes a symbolic link to it; what was there is replaced.

    Raises
    ------
    OSError
        The link cannot be made.
    """
    if target.absolute() == given.absolute():  # a link to itself would be all that is left
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.link")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(given.absolute())
    os.replace(temporary, target)
