"""Pages as a real browser sees them."""

import html
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def seen(page: Path, fragment: str = "", script: str = "", width: int = 1000) -> str:
    """Return the document of a page once its scripts have run; skips without a browser.

    Parameters
    ----------
    page : Path
        An HTML file.
    fragment : str
        Put behind ``#`` in the address.
    script : str
        Run after those of the page, in a copy beside it: a reader's hand.
    width : int
        Of the window in pixels.
    """
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip(f"there is no {NAMES[0]} on this machine")
    if script:
        before, after = page.read_text(encoding="utf-8").rsplit("</body>", 1)
        page = page.with_name(f"handled-{page.name}")
        page.write_text(f"{before}<script>{script}</script></body>{after}", encoding="utf-8")
    # no sandbox: containers seldom allow one, and the page is ours
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000"]
    options += [f"--window-size={width},900", f"--user-data-dir={page.parent / 'browser'}"]
    address = page.resolve().as_uri() + (f"#{fragment}" if fragment else "")
    command = [browser, *options, "--dump-dom", address]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def inside(document: str, start: str, end: str) -> str:
    """Return the text between two pieces of a document, with entities resolved."""
    return html.unescape(document.split(start, 1)[1].split(end, 1)[0])
