"""What clients get of compressed answers of Django and Flask."""

import zlib

import brotli
import pytest
import zstandard
from client import message

TAG = '"of the page"'


@pytest.fixture(scope="module", params=["django", "flask"])
def server(request, host):
    """Both sites, with events compressed too."""
    types = ("--compress-types", "default,text/event-stream")
    with host.start(f"{request.param}_pages", "--compress", *types) as running:
        yield running.ready()


@pytest.fixture(scope="module")
def page(server):
    """What all pages say, to a client that takes no coding."""
    plain = server.get("/page")
    assert (plain.header("Content-Encoding"), plain.header("ETag")) == (None, TAG)
    assert len(plain.body) > 10_000
    return plain.body


class Decoder:
    """Reads a coding as it comes."""

    def __init__(self, coding):
        match coding:
            case "gzip":
                self.read = zlib.decompressobj(wbits=31).decompress
            case "br":
                self.read = brotli.Decompressor().process
            case "zstd":
                self.read = zstandard.ZstdDecompressor().decompressobj().decompress
            case None:
                self.read = bytes


def ask(server, path, accepted=None, method="GET", headers=()):
    """The answer to a client that accepts this, with its decoded body."""
    if accepted is not None:
        headers = [*headers, ("Accept-Encoding", accepted)]
    answer = server.request(method, path, headers=headers)
    return answer, Decoder(answer.header("Content-Encoding")).read(answer.body)


PREFERENCES = [
    (None, None),
    ("identity", None),
    ("gzip;q=0", None),
    ("x-other", None),
    ("gzip", "gzip"),
    ("br", "br"),
    ("zstd", "zstd"),
    ("gzip, deflate, br, zstd", "zstd"),
    ("gzip, deflate, br", "br"),
    ("br;q=0.5, gzip;q=0.9", "gzip"),
    ("zstd;q=0, *;q=0.5", "br"),
]


def test_the_client_chooses(server, page):
    for accepted, coding in PREFERENCES:
        answer, body = ask(server, "/page", accepted)
        assert (answer.header("Content-Encoding"), body) == (coding, page), accepted
        assert vary(answer) == {"accept-encoding", "cookie"}, accepted
        assert answer.header("ETag") == (f"W/{TAG}" if coding else TAG), accepted
        assert coding is None or len(answer.body) < len(page) // 2


def test_the_weak_tag_is_one_that_sites_know(server):
    answer, _ = ask(server, "/page", "br")
    again = [("If-None-Match", answer.header("ETag"))]
    unchanged, _ = ask(server, "/page", "br", headers=again)
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert unchanged.header("Content-Encoding") is None


def test_head_says_what_get_says(server):
    answer, _ = ask(server, "/page", "gzip")
    head = server.request("HEAD", "/page", headers=[("Accept-Encoding", "gzip")])
    for name in ("Content-Encoding", "ETag", "Vary", "Content-Type"):
        assert head.header(name) == answer.header(name)
    assert head.header("Content-Length") in (None, answer.header("Content-Length"))


def test_a_secret_is_not_compressed_with_what_was_just_sent(server, page):
    answer, body = ask(server, "/login", "gzip", method="POST")
    assert answer.header("Set-Cookie").startswith("session=secret")
    assert (answer.header("Content-Encoding"), body) == (None, page)
    answer, body = ask(server, "/login", "gzip")
    assert (answer.header("Content-Encoding"), body) == ("gzip", page)


def test_a_site_decides_for_itself(server, page):
    answer, body = ask(server, "/fixed", "gzip, br, zstd")
    assert (answer.header("Content-Encoding"), body) == (None, page)
    assert answer.header("Content-Length") == str(len(page))
    # Once, and by the site: zstd would be liked more.
    answer, body = ask(server, "/own", "gzip, br, zstd")
    assert (answer.header("Content-Encoding"), body) == ("gzip", page)
    assert vary(answer) == {"accept-encoding"}


def test_files_leave_as_they_are(server, page, tmp_path):
    (tmp_path / "page.txt").write_bytes(page)
    answer, body = ask(server, f"/file?path={tmp_path / 'page.txt'}", "gzip, br, zstd")
    assert (answer.header("Content-Encoding"), body) == (None, page)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_each_event_is_seen_when_it_happens(server, pipe, coding):
    request = message("GET", f"/events?pipe={pipe}", headers=[("Accept-Encoding", coding)])
    with server.connect() as connection:
        head = connection.send(request).head()
        assert head.header("Content-Encoding") == coding
        decoder, seen = Decoder(coding), b""
        while seen != b"data: first\n\n":
            seen += decoder.read(connection.chunk())
        pipe.write_text("")
        while piece := connection.chunk():
            seen += decoder.read(piece)
    assert seen == b"data: first\n\ndata: second\n\n"


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_stream_whose_client_is_gone_is_closed(server, coding):
    mark = server.log.mark()
    headers = [("Accept-Encoding", coding)]
    with server.connect() as connection:
        connection.send(message("GET", f"/endless?name={coding}", headers=headers)).head()
        assert connection.chunk()
    server.log.wait(f"{coding} is closed", after=mark)


def vary(answer):
    """Upon which headers the answer depends."""
    return {name.strip().lower() for value in answer.all("Vary") for name in value.split(",")}
