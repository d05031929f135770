"""What every script does around its one library call: log, show progress, fail in one sentence."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from porevox.errors import PorevoxError

LOG = logging.getLogger("porevox")


@contextmanager
def job(log_file: str | Path, what: str, unit: str = "") -> Iterator[Callable[[int, int], None]]:
    """Run a script's call: log to a file, and turn a user's error into one sentence.

    Parameters
    ----------
    log_file : path-like
        Receives what the library logs. ``<name>.history.log`` beside it receives the same and is
        never emptied: the log of a failed try is deleted before the next one, and what had been
        finished before a kill must still be told after it.
    what : str
        Short name of the work, for the progress bar and the log.
    unit : str
        "B" where progress is in bytes.

    Yields
    ------
    callable
        ``progress(done, total)``: a bar where someone is watching, a log line at every tenth elsewhere.
    """
    log_file = Path(log_file)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        handlers=[
            logging.FileHandler(log_file, "w", encoding="utf-8"),
            logging.FileHandler(log_file.with_suffix(".history.log"), "a", encoding="utf-8"),
        ],
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
        force=True,
    )
    logging.captureWarnings(True)
    start = time.perf_counter()
    LOG.info("start: %s", what)
    try:
        yield _progress(what, unit)
    except PorevoxError as error:
        LOG.error("%s", error)
        print(f"\nporevox: {error}\nLog: {log_file}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        # a full disk, an unwritable folder: the machine's fault, said in one sentence too
        LOG.exception("%s", what)
        place = f" ({error.filename})" if error.filename else ""
        print(
            f"\nporevox: {what} stopped: {error.strerror or error}{place}; free or unlock the disk and "
            f"run the same command again.\nLog: {log_file}",
            file=sys.stderr,
        )
        sys.exit(1)
    except Exception:
        LOG.exception("%s", what)
        raise
    LOG.info("done: %s in %.1f s", what, time.perf_counter() - start)


def _progress(what: str, unit: str = "") -> Callable[[int, int], None]:
    if sys.stderr.isatty():
        return _bar(what, unit)
    said = -1

    def log_tenths(done: int, total: int) -> None:
        nonlocal said
        tenth = 10 * done // max(total, 1)
        if tenth > said:
            said = tenth
            amounts = (f"{n / 1e6:.1f} MB" if unit == "B" else n for n in (done, total))
            LOG.info("%s: %s of %s", what, *amounts)

    return log_tenths


def _bar(what: str, unit: str) -> Callable[[int, int], None]:
    from tqdm import tqdm

    bar = tqdm(desc=what, leave=False, mininterval=0.5, unit=unit or "it", unit_scale=unit == "B")

    def show(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done >= total:
            bar.close()

    return show
