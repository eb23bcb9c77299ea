"""What nginx used to do in front, from both hosts: HTTPS, HTTP/2, compression, headers.

Each part has tests of its own elsewhere; here is that it works where the server is hosted."""

import json
import re
import subprocess
import zlib

import pytest
from certificate import certificate

LOCAL = ("curl", "--silent", "--show-error", "--noproxy", "*")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A certificate for this machine and its key."""
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def site(host, pair):
    """The application of `environ_dump` over HTTPS, with all that can be added to its answers."""
    cert, key = pair
    arguments = [
        *("--certfile", str(cert), "--keyfile", str(key), "--http-protocols", "h2,h1"),
        *("--https-redirect", "127.0.0.1:0", "--hsts", "60", "--compress"),
        *("--compress-min-size", "0", "--header", "X-Frame-Options: DENY"),
    ]
    with host.start("environ_dump", *arguments, workers=2) as server:
        yield server.ready()


def curl(pair, *arguments):
    """The head and the body of an answer."""
    command = [*LOCAL, "--include", "--cacert", str(pair[0]), *arguments]
    done = subprocess.run(command, check=True, capture_output=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    return head.decode().lower(), body


def urls(site):
    """Where it listens: for HTTPS, and for those who have to be sent there."""
    found = re.findall(r"https?://127\.0\.0\.1:\d+", site.log.text)
    secure = next(url for url in found if url.startswith("https:"))
    return secure, next(url for url in found if url.startswith("http:"))


@pytest.mark.parametrize(
    ("option", "protocol"), [("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2.0")]
)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_application_learns_how_it_is_asked(site, pair, version, option, protocol):
    limits = (f"--tlsv{version}", "--tls-max", version)
    head, body = curl(pair, option, *limits, urls(site)[0] + "/a?b=c")
    environ = json.loads(body)["environ"]
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["SERVER_PROTOCOL"] == protocol
    assert environ["SSL_PROTOCOL"] == f"TLSv{version}"
    assert environ["PATH_INFO"] == "/a"
    assert "strict-transport-security: max-age=60" in head
    assert "x-frame-options: deny" in head


def test_older_versions_of_tls_are_not_spoken(site, pair):
    command = [*LOCAL, "--cacert", str(pair[0]), "--tlsv1.1", "--tls-max", "1.1", urls(site)[0]]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 35


def test_plain_requests_are_sent_to_https(site, pair):
    secure, plain = urls(site)
    head, _ = curl(pair, plain + "/a?b=c")
    assert head.startswith("http/1.1 301 ")
    assert f"location: {secure}/a?b=c" in head


@pytest.mark.parametrize("option", ["--http1.1", "--http2"])
def test_answers_are_compressed(site, pair, option):
    head, body = curl(pair, option, "--header", "Accept-Encoding: gzip", urls(site)[0])
    assert "content-encoding: gzip" in head
    assert "vary: accept-encoding" in head
    assert json.loads(zlib.decompress(body, wbits=31))["is_dict"] is True
