"""The outlook of a run in a few lines for the terminal.

Imports nothing heavy: it is asked while a run is planned.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from porevox.outlook import RATES, Outlook, free_bytes, outlook, read_rates, size_text


def text(config: dict, studies: Sequence[str]) -> str:
    """Write the outlook of some studies for the terminal.

    Parameters
    ----------
    config : dict
        A completed configuration.
    studies : sequence of str
        Their names.

    Returns
    -------
    str
        A few lines.
    """
    found, rates = outlook(config, studies), read_rates()
    free = free_bytes()
    lines = [f"Plan for {', '.join(found.studies)}; what is there already is not counted."]
    lines.append(f"  downloads  {_downloads_text(found)}")
    missing = f", and what is of unknown size: {', '.join(found.unsized)}" if found.unsized else ""
    lines.append(
        f"  disk       {size_text(found.disk_bytes)} at the peak{missing}; {size_text(free)} are free"
    )
    if found.disk_bytes > free:
        lines.append("             NOT ENOUGH: a run would stop before its first download")
    jobs = ", ".join(f"{number:,} {what}" for what, number in found.jobs.items())
    lines.append(f"  jobs       about {sum(found.jobs.values()):,}" + (f" ({jobs})" if jobs else ""))
    lines.append(f"  time       {_time_text(found)}")
    if found.gpu_hours:
        lines.append(f"             {_gpu_text(found, rates)}")
    if found.unrated:
        lines.append(f"             not counted, as not measured: {', '.join(dict.fromkeys(found.unrated))}")
    return "\n".join([*lines, f"  rates      {RATES}, each with machine, day and command"])


def _downloads_text(found: Outlook) -> str:
    if not found.downloads:
        return "none"
    known = [size for size in found.downloads.values() if size]
    parts = [f"{size_text(sum(known))} in {len(known)} files of known size"] if known else []
    guesses = {Path(path).name: size_text(size) for path, size in found.guesses.items()}
    if guesses:
        said = ", ".join(f"{name} {size}" for name, size in guesses.items())
        parts.append(f"about, going by the number of structures: {said}")
    names = [Path(path).name for path, size in found.downloads.items() if size is None]
    names = [name for name in names if name not in guesses]
    if names:
        parts.append(f"size not known: {', '.join(names)}")
    return f"{len(found.downloads)} files; " + "; ".join(parts)


def _time_text(found: Outlook) -> str:
    parts = ", ".join(f"{what} {_hours(hours)}" for what, hours in found.core_hours.items())
    return f"{_hours(sum(found.core_hours.values()))} core-hours" + (f" ({parts})" if parts else "")


def _gpu_text(found: Outlook, rates: dict) -> str:
    if found.gpu_measured:
        return f"with a GPU, RetNet takes {_hours(found.gpu_hours)} GPU-hours instead"
    return (
        f"with a GPU, RetNet takes at most about {_hours(found.gpu_hours)} GPU-hours instead (not measured; "
        f"from {rates['retnet_gpu_ms']['source']})"
    )


def show(texts: Iterable[str]) -> None:
    """Print outlooks, and log them.

    Parameters
    ----------
    texts : iterable of str
        See :func:`text`.
    """
    print("\n" + "\n\n".join(texts) + "\n", flush=True)


def _hours(hours: float) -> str:
    if hours < 0.005:
        return "under 0.01"
    return f"{hours:.0f}" if hours >= 10 else f"{hours:.1f}" if hours >= 0.1 else f"{hours:.2f}"
