"""What a person needs when jobs have failed: the end of each one's log, and where it lies."""

import re
from collections.abc import Iterable
from pathlib import Path

#: A failed job's logs, as they stand in the log of the whole run.
_LOGS = re.compile(r"^\s+log: (.+) \(check log file\(s\) for error details\)$", re.M)
#: Lines of each log, and logs, that are shown; more would push the first ones off the screen.
LINES, SHOWN = 10, 3
_GO_ON = "Mend the cause and run the same command again: what is finished is kept."
_KILLED = "(the log ends without an error: the job was killed, perhaps for its memory or time)"
_NO_LOG = "(there is no log: the job died before it began)"


def ends_of_logs(run_logs: Iterable[str | Path]) -> str:
    """Show the last lines of the log of every job that failed.

    Parameters
    ----------
    run_logs : iterable of path
        Logs of the whole run, which name the failed jobs' logs.

    Returns
    -------
    str
        At most :data:`LINES` lines of at most :data:`SHOWN` logs, the paths of the others, and what to
        do next. Jobs that succeeded in a later try are left out.
    """
    failed = [path for path in _failed(run_logs) if not _succeeded_later(path)]
    parts = [f"\n{path}:\n{_end(path)}" for path in failed[:SHOWN]]
    if failed[SHOWN:]:
        parts.append("\nFailed, too:\n" + "\n".join(f"  {path}" for path in failed[SHOWN:]))
    head = f"{len(failed)} failed:" if len(failed) > 1 else "Failed:" if failed else "The run stopped."
    return f"\n{head}" + "\n".join(parts) + f"\n\n{_GO_ON}"


def _failed(run_logs: Iterable[str | Path]) -> list[Path]:
    """Logs of failed jobs, each once and in order."""
    found: dict[Path, None] = {}
    for path in run_logs:
        for logs in _LOGS.findall(_text(Path(path))):
            found.update((Path(log), None) for log in logs.split(", "))
    return list(found)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _succeeded_later(path: Path) -> bool:
    lines = _text(path).splitlines()
    return bool(lines) and " INFO done: " in lines[-1]


def _end(path: Path) -> str:
    lines = _text(path).rstrip().splitlines()
    if not lines:
        return f"  {_NO_LOG}"
    told = [f"  | {line}" for line in lines[-LINES:]]
    if not any(" ERROR " in line or "Error" in line for line in lines):
        told.append(f"  {_KILLED}")
    return "\n".join(told)
