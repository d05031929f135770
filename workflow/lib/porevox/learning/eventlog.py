"""Event files for TensorBoard, for those who want to watch a training; results know nothing of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from porevox.errors import PorevoxError

#: Columns of history.csv that are shown, with their names in TensorBoard.
_SHOWN = {
    "train_loss": "loss/train",
    "validation_mse": "loss/validation",
    "validation_R2": "R2/validation",
    "learning_rate": "learning rate",
}


@contextmanager
def event_log(folder: Path | None) -> Iterator[Callable[[dict], None]]:
    """Write the rows of a history as TensorBoard's event files.

    Parameters
    ----------
    folder : path-like or None
        Made when missing; event files of an earlier try are replaced. None: nothing is written.

    Yields
    ------
    callable
        Takes one row of the history.

    Raises
    ------
    PorevoxError
        When the package tensorboard is not installed.
    """
    if folder is None:
        yield lambda row: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise PorevoxError(
            "The option tensorboard needs the package tensorboard, which is not installed: run "
            "`pip install tensorboard`, or set the option to false."
        ) from error
    for old in Path(folder).glob("events.out.tfevents.*"):
        old.unlink()
    with SummaryWriter(str(folder)) as writer:
        yield lambda row: _write(writer, row)


def _write(writer, row: dict) -> None:
    for column, name in _SHOWN.items():
        if row[column] is not None:
            writer.add_scalar(name, row[column], row["epoch"])
    writer.flush()
