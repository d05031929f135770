"""One transfer from a real server on this machine: resumed where it can be, never glued wrongly."""

import gzip
import json
import random
import shutil
import ssl
import subprocess
import time
from email.utils import formatdate

import pytest

from porevox.files.transfer import Failed, Order, fetch

CONTENT = random.Random(0).randbytes(3_000_000)


@pytest.fixture
def order(tmp_path):
    return Order(tmp_path / "a.tar.gz", None, None, None, 5.0)


def broken_off(site, order, after, how=None):
    """Fetch and lose the connection after so many bytes; `how` is for the second request."""
    site.files["/a"] = CONTENT
    site.scripts["/a"] = [f"cut:{after}", *([how] if how else [])]
    with pytest.raises(Failed, match=f"broke off after {after} of 3000000") as caught:
        fetch(site.url + "/a", order)
    assert caught.value.again
    assert order.part.read_bytes() == CONTENT[:after]


def test_a_file_arrives(site, order):
    site.files["/a"] = CONTENT
    assert fetch(site.url + "/a", order) is False
    assert order.part.read_bytes() == CONTENT
    assert not order.target.exists()


def test_a_broken_transfer_is_continued(site, order):
    broken_off(site, order, 1_234_567)
    assert fetch(site.url + "/a", order) is True
    assert order.part.read_bytes() == CONTENT
    assert site.ranges() == [0, 1_234_567]


def test_a_file_that_changed_meanwhile_is_fetched_anew(site, order):
    broken_off(site, order, 1_000_000)
    site.files["/a"] = CONTENT[::-1]
    assert fetch(site.url + "/a", order) is False
    assert order.part.read_bytes() == CONTENT[::-1]


def test_a_server_without_ranges(site, order):
    broken_off(site, order, 1_000_000, "no-range")
    assert fetch(site.url + "/a", order) is False
    assert order.part.read_bytes() == CONTENT


def test_a_server_that_sends_another_range(site, order):
    broken_off(site, order, 1_000_000, "wrong-range")
    with pytest.raises(Failed, match="another range") as caught:
        fetch(site.url + "/a", order)
    assert caught.value.again
    assert fetch(site.url + "/a", order) is False
    assert order.part.read_bytes() == CONTENT


@pytest.mark.parametrize("how", ["weak", "undated"])
def test_without_a_validator_nothing_is_continued(site, order, how):
    site.files["/a"] = CONTENT
    site.scripts["/a"] = [how]
    fetch(site.url + "/a", order)
    order.part.write_bytes(CONTENT[:1000])
    fetch(site.url + "/a", order)
    assert site.ranges() == [0, 0]


def test_a_checksum_is_validator_enough(site, order):
    """What is glued wrongly is found out afterwards."""
    site.files["/a"] = CONTENT
    order = Order(order.target, "0" * 64, None, None, 5.0)
    order.part.write_bytes(CONTENT[:1000])
    order.note.write_text(json.dumps({"url": site.url + "/a", "validator": None}))
    assert fetch(site.url + "/a", order) is True
    assert site.ranges() == [1000]
    assert order.part.read_bytes() == CONTENT


def test_the_part_of_another_address_is_not_continued(site, order):
    broken_off(site, order, 1000)
    site.files["/b"] = CONTENT
    fetch(site.url + "/b", order)
    assert site.ranges() == [0, 0]


def test_a_failing_mirror_does_not_spoil_a_part(site, order):
    broken_off(site, order, 1000)
    site.files["/b"] = CONTENT
    for how in (404, 500, "html", "empty:200", "empty:202"):
        site.scripts["/b"] = [how]
        with pytest.raises(Failed):
            fetch(site.url + "/b", order)
    assert fetch(site.url + "/a", order) is True
    assert order.part.read_bytes() == CONTENT


def test_a_whole_part_is_enough(site, order):
    broken_off(site, order, 1000)
    order.part.write_bytes(CONTENT)
    assert fetch(site.url + "/a", order) is True
    assert order.part.read_bytes() == CONTENT


def test_a_part_longer_than_the_file(site, order):
    broken_off(site, order, 1000)
    order.part.write_bytes(CONTENT + b"more")
    with pytest.raises(Failed, match="shorter") as caught:
        fetch(site.url + "/a", order)
    assert caught.value.again
    fetch(site.url + "/a", order)
    assert order.part.read_bytes() == CONTENT


@pytest.mark.parametrize("note", ["", "[]", "{}", "null", '{"url": 1, "validator": "x"}'])
def test_a_broken_note_is_ignored(site, order, note):
    broken_off(site, order, 1000)
    order.note.write_text(note)
    assert fetch(site.url + "/a", order) is False
    assert order.part.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("how", "words", "again"),
    [
        (404, "answered 404 Not Found", False),
        (403, "answered 403 Forbidden", False),
        (500, "answered 500", True),
        (503, "answered 503", True),
        (429, "answered 429", True),
        ("html", "web page", False),
        ("empty:200", "empty", False),
        ("empty:202", "answered 202 Accepted", False),
        ("empty:204", "answered 204", False),
    ],
)
def test_what_is_no_file(site, order, how, words, again):
    site.files["/a"] = CONTENT
    site.scripts["/a"] = [how]
    with pytest.raises(Failed, match=words) as caught:
        fetch(site.url + "/a", order)
    assert caught.value.again is again
    assert not order.part.exists()


def test_another_size_is_seen_before_the_file_is_fetched(site, order):
    site.files["/a"] = CONTENT
    order = Order(order.target, None, 5, None, 5.0)
    with pytest.raises(Failed, match="3000000 bytes instead of 5"):
        fetch(site.url + "/a", order)
    assert not order.part.exists()


def test_a_size_may_be_untold(site, order):
    site.files["/a"] = CONTENT
    site.scripts["/a"] = ["unsized"]
    fetch(site.url + "/a", order)
    assert order.part.read_bytes() == CONTENT


def test_archives_are_stored_as_they_are(site, order):
    """A server that calls a .tar.gz a gzipped tar must not make us store the tar."""
    content = gzip.compress(CONTENT[:5000])
    site.files["/a"] = content
    site.headers["Content-Encoding"] = "gzip"
    fetch(site.url + "/a", order)
    assert order.part.read_bytes() == content
    table = Order(order.target.with_name("t.csv"), None, None, None, 5.0)
    with pytest.raises(Failed, match="compressed"):
        fetch(site.url + "/a", table)


def test_progress_counts_from_what_is_here(site, order):
    broken_off(site, order, 1_000_000)
    seen = []
    fetch(site.url + "/a", Order(order.target, None, None, lambda *s: seen.append(s), 5.0))
    assert seen[0][0] > 1_000_000
    assert seen[-1] == (3_000_000, 3_000_000)


def test_nobody_answers(order):
    with pytest.raises(Failed, match="refused") as caught:
        fetch("http://127.0.0.1:9/a", order)
    assert caught.value.again


def test_a_silent_server_is_given_up(order):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a"
        with pytest.raises(Failed, match="timed out") as caught:
            fetch(url, Order(order.target, None, None, None, 0.2))
    assert caught.value.again


@pytest.mark.parametrize(("url", "words"), [("ftp://x/a", "ftp:// is not"), ("http://", "URL")])
def test_addresses_that_cannot_work(order, url, words):
    with pytest.raises(Failed, match=words) as caught:
        fetch(url, order)
    assert not caught.value.again


def test_local_files(tmp_path, order):
    source = tmp_path / "with space.tgz"
    source.write_bytes(CONTENT)
    for url in (str(source), source.as_uri()):
        assert fetch(url, order) is False
        assert order.part.read_bytes() == CONTENT
    with pytest.raises(Failed, match="No such file"):
        fetch("file:///nowhere/a", order)


def test_a_redirection_is_followed_and_a_loop_given_up(site, order):
    site.files["/a"] = site.files["/b"] = CONTENT
    site.scripts["/a"] = ["to:/b"]
    fetch(site.url + "/a", order)
    assert order.part.read_bytes() == CONTENT
    site.scripts["/a"] = ["to:/a"] * 100
    with pytest.raises(Failed, match="TooManyRedirects") as caught:
        fetch(site.url + "/a", order)
    assert not caught.value.again


@pytest.mark.parametrize(
    ("given", "low", "high"),
    [
        ("7", 7, 7),
        ("0.5", 0.5, 0.5),
        (90, 20, 90),
        (-90, 0, 0),
        ("100000", 300, 300),
        ("-1", 0, 0),
        ("nan", 0, 0),
        ("soon", 0, 0),
    ],
)
def test_a_server_that_is_busy_may_say_for_how_long(site, order, given, low, high):
    if isinstance(given, int):  # a date so many seconds from now
        given = formatdate(time.time() + given, usegmt=True)
    site.scripts["/a"] = [429]
    site.error_headers["Retry-After"] = given
    with pytest.raises(Failed, match="answered 429") as caught:
        fetch(site.url + "/a", order)
    assert caught.value.again and low <= caught.value.wait_s <= high


def test_the_proxy_of_the_environment_is_asked(site, order, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, site.url)
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    site.files["http://porevox.invalid/a"] = CONTENT
    fetch("http://porevox.invalid/a", order)
    assert order.part.read_bytes() == CONTENT


@pytest.fixture
def secured(site, tmp_path):
    """The server over TLS, with a certificate that nobody has signed; yields the certificate's file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    what = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command = [openssl, "req", "-x509", *curve, *what, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    site.url = site.url.replace("http://127.0.0.1", "https://localhost")
    return certificate


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_of_the_environment_count(site, secured, order, monkeypatch, name):
    for other in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv("no_proxy", "localhost")
    site.files["/a"] = CONTENT
    with pytest.raises(Failed, match="CERTIFICATE_VERIFY_FAILED|certificate verify failed") as caught:
        fetch(site.url + "/a", order)
    assert not caught.value.again
    monkeypatch.setenv(name, str(secured))
    fetch(site.url + "/a", order)
    assert order.part.read_bytes() == CONTENT
