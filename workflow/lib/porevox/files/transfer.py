"""One file from one address, resumed where an earlier transfer broke off."""

import itertools
import json
import math
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
import urllib3

from porevox import __version__
from porevox.files.filekind import looks_like_html
from porevox.files.space import check_room

_CHUNK = 1 << 20
#: Longest pause that a server may ask for, s.
_LONGEST_WAIT_S = 300.0
_HOPELESS = (
    requests.exceptions.SSLError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.TooManyRedirects,
)


class Failed(Exception):
    """One address failed.

    Parameters
    ----------
    why : str
        For the user, as part of a sentence.
    again : bool
        Whether another try may help.
    wait_s : float
        How long the server asked to wait before it, s.
    """

    def __init__(self, why: str, again: bool = False, wait_s: float = 0.0):
        super().__init__(why)
        self.again, self.wait_s = again, wait_s


@dataclass(frozen=True)
class Order:
    """What is to be fetched, and how it is recognised.

    Parameters
    ----------
    target : pathlib.Path
        Final name.
    sha256 : str or None
        Expected checksum.
    size : int or None
        Expected size, bytes.
    progress : callable or None
        Called with (bytes here, bytes in all).
    timeout_s : float
        Longest silence of a server, s.
    """

    target: Path
    sha256: str | None
    size: int | None
    progress: Callable[[int, int], None] | None
    timeout_s: float

    @property
    def part(self) -> Path:
        """What has arrived so far."""
        return self.target.with_name(self.target.name + ".part")

    @property
    def note(self) -> Path:
        """Where the part comes from: its address and what tells one version from another."""
        return self.target.with_name(self.target.name + ".part.json")


def fetch(url: str, order: Order) -> bool:
    """Fetch a file into ``order.part``, from where an earlier transfer broke off.

    Parameters
    ----------
    url : str
        ``http(s)://``, ``file://`` or a local path.
    order : Order
        What is wanted.

    Returns
    -------
    bool
        Whether a part that was there before has been continued.

    Raises
    ------
    Failed
        The address does not give the file, or only a part of it.
    """
    scheme = urlsplit(url).scheme.lower()
    if scheme in ("", "file"):
        return _copy(Path(url2pathname(urlsplit(url).path) if scheme else url), order)
    if scheme not in ("http", "https"):
        raise Failed(f"{scheme}:// is not supported; give http, https or file")
    try:
        return _fetch_http(url, order)
    except _HOPELESS as error:
        raise Failed(_brief(error)) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise Failed(_brief(error), again=True) from error


def _brief(error: Exception) -> str:
    """The last cause says what happened, the outer ones only where."""
    while error.args and isinstance(error.args[-1], Exception):
        error = error.args[-1]
    reason = getattr(error, "reason", None) or error
    return f"{type(reason).__name__}: {re.sub(r'<[^>]*>:? ?', '', str(reason))}"[:200]


def _copy(source: Path, order: Order) -> bool:
    order.note.unlink(missing_ok=True)
    try:
        handle = open(source, "rb")
    except OSError as error:
        raise Failed(error.strerror or str(error)) from error
    with handle, open(order.part, "wb") as part:
        shutil.copyfileobj(handle, part, _CHUNK)
    return False


def _fetch_http(url: str, order: Order) -> bool:
    start, headers = _resume_point(url, order)
    headers |= {"Accept-Encoding": "identity", "User-Agent": f"porevox/{__version__}"}
    options: dict[str, Any] = {"stream": True, "timeout": order.timeout_s, "verify": _certificates()}
    with requests.get(url, headers=headers, **options) as answer:
        if answer.status_code == 416:  # there is nothing after our part: it is whole, or wrong
            if _total(answer, 0) == start:
                return True
            order.note.unlink(missing_ok=True)
            raise Failed("the file is shorter than what has arrived of it", again=True)
        _check_status(answer)
        start = start if answer.status_code == 206 else 0
        _check_range(answer, order, start)
        total = _total(answer, start)
        if order.size and total not in (None, order.size):
            raise Failed(f"it has {total} bytes instead of {order.size}")
        # undecoded: some servers call a .tar.gz a gzipped tar, and the file is what we want
        chunks = answer.raw.stream(_CHUNK, decode_content=False)
        first = next(chunks, b"")
        if start == 0:
            _check_start(first, total)
            check_room(order.part.parent, total or 0, f"the download of {order.target.name}")
            _begin(url, order, answer)
        _receive(itertools.chain([first], chunks), order, start, total)
    return start > 0


def _certificates() -> str | bool:
    """Certificates of the environment; requests looks for its own two variables, and not for OpenSSL's."""
    own = any(os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
    return True if own else os.environ.get("SSL_CERT_FILE") or True


def _check_range(answer: requests.Response, order: Order, start: int) -> None:
    given = answer.headers.get("Content-Range", "")
    if answer.status_code == 206 and not given.startswith(f"bytes {start}-"):
        order.note.unlink(missing_ok=True)
        raise Failed("the server sent another range than it was asked for", again=True)
    encoding = answer.headers.get("Content-Encoding", "identity")
    if encoding != "identity" and not order.target.name.endswith(("gz", "bz2", "xz")):
        raise Failed(f"the server insists on sending it compressed ({encoding})")


def _check_start(first: bytes, total: int | None) -> None:
    if not first:
        raise Failed("the answer was empty", again=bool(total))
    if looks_like_html(first):
        raise Failed("the server sent a web page instead of the file")


def _resume_point(url: str, order: Order) -> tuple[int, dict]:
    """Return how many bytes are here and need not come again, and the headers that say so."""
    try:
        note = json.loads(order.note.read_text(encoding="utf-8"))
        start = order.part.stat().st_size
        same = note["url"] == url and start > 0
        validator = note["validator"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0, {}
    if not same or not (validator or order.sha256):
        return 0, {}
    return start, {"Range": f"bytes={start}-"} | ({"If-Range": validator} if validator else {})


def _begin(url: str, order: Order, answer: requests.Response) -> None:
    etag = answer.headers.get("ETag", "")
    validator = etag if etag.startswith('"') else answer.headers.get("Last-Modified")
    order.part.write_bytes(b"")
    order.note.write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")


def _check_status(answer: requests.Response) -> None:
    code = answer.status_code
    if code not in (200, 206):
        wait = answer.headers.get("Retry-After", "")
        raise Failed(
            f"the server answered {code} {answer.reason}".rstrip(),
            again=code >= 500 or code in (408, 425, 429),
            wait_s=_wait_s(wait),
        )


def _wait_s(retry_after: str) -> float:
    """Seconds that a server asks to wait, given as such or as a date; never longer than is sensible."""
    try:
        wait_s = float(retry_after)
    except ValueError:
        try:
            wait_s = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except ValueError:
            return 0.0
    return min(max(wait_s, 0.0), _LONGEST_WAIT_S) if math.isfinite(wait_s) else 0.0


def _total(answer: requests.Response, start: int) -> int | None:
    """Size of the whole file in bytes, as far as the server tells."""
    match = re.search(r"/(\d+)$", answer.headers.get("Content-Range", ""))
    if match:
        return int(match[1])
    length = answer.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def _receive(chunks: Iterable[bytes], order: Order, start: int, total: int | None) -> None:
    trouble = None
    with open(order.part, "r+b") as part:
        part.seek(start)
        try:
            for chunk in chunks:
                part.write(chunk)
                if order.progress:
                    order.progress(part.tell(), total or part.tell())
        except urllib3.exceptions.HTTPError as error:
            trouble = error
        here = part.tell()
    if trouble or (total is not None and here < total):  # urllib3 before 2 does not complain
        raise Failed(f"the transfer broke off after {here} of {total or '?'} bytes", again=True) from trouble
