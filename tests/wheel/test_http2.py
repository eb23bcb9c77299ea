"""HTTP/2 as sites of Django and Flask meet it, over TLS and by prior knowledge."""

import pytest
from certificate import certificate
from http2 import Http2
from secured import secure

LARGE = bytes(range(256)) * (3 << 12)  # 3 MiB, many windows


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A certificate for this machine and its key."""
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of files that a site may name."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "large").write_bytes(LARGE)
    return folder


@pytest.fixture(scope="module", params=["django", "flask"])
def site(request, host, pair, files):
    """One site over TLS, the other one without: a server, and how to connect to it."""
    arguments, client = secure(pair)
    if request.param == "flask":
        arguments, client = ["--http2-cleartext", "prior-knowledge"], None
    arguments += ["--threads", "4", "--compress", "--sendfile-root", f"/named={files}"]
    with host.start(f"{request.param}_pages", *arguments) as server:
        yield server.ready(), client


@pytest.fixture
def wire(site):
    """A connection to the site."""
    server, client = site
    with Http2(server.address, client) as connection:
        yield connection


def test_a_site_sees_what_it_sees_of_http_1(site, wire):
    headers = [("cookie", "a=1"), ("x-own", "yes"), ("cookie", "b=2"), ("te", "trailers")]
    number = wire.begin("GET", "/environ?x=%2F", headers, authority="example.org:81")
    found = wire.answer(number).json
    server, client = site
    assert found["SERVER_PROTOCOL"] == "HTTP/2.0"
    assert found["wsgi.url_scheme"] == ("https" if client else "http")
    assert (found.get("HTTPS"), "SSL_CIPHER" in found) == (
        ("on", True) if client else (None, False)
    )
    assert found["HTTP_HOST"] == "example.org:81"
    assert (found["HTTP_COOKIE"], found["cookies"]) == ("a=1; b=2", {"a": "1", "b": "2"})
    assert (found["QUERY_STRING"], found["HTTP_X_OWN"]) == ("x=%2F", "yes")
    assert found["SERVER_PORT"] == str(server.address[1])
    assert found["REMOTE_PORT"] == str(wire.socket.getsockname()[1])
    assert found["wsgi.multithread"] is True
    assert not [name for name in found if ":" in name]


def test_requests_of_a_connection_run_side_by_side(wire):
    numbers = [wire.ask("GET", "/meet") for _ in range(4)]
    assert [wire.answer(number).text for number in numbers] == ["met"] * 4


def test_many_bodies_come_at_once(wire):
    numbers = [wire.begin("POST", "/digest", end=False) for _ in range(50)]
    for number in reversed(numbers):
        wire.send(number, b"\1" * 20_000 * (number % 7), end=False)
    for number in numbers:
        wire.send(number, bytes([number % 7]))
    for number in numbers:
        length = 20_000 * (number % 7) + 1
        assert wire.answer(number).json == {"length": length, "sum": length - 1 + number % 7}


def test_a_large_body_waits_for_its_windows(wire):
    headers = [("content-length", str(len(LARGE)))]
    answer = wire.request("POST", "/digest", headers, LARGE)
    assert answer.json == {"length": len(LARGE), "sum": sum(LARGE)}


def test_fields_behind_a_body_are_no_headers(wire):
    number = wire.begin("POST", "/digest", end=False)
    wire.send(number, b"\1\2", end=False)
    wire.trailers(number, [("x-own", "yes"), ("server-timing", "db")])
    assert wire.answer(number).json == {"length": 2, "sum": 3}


def test_fields_behind_a_body_that_would_change_it_are_refused(wire):
    number = wire.begin("POST", "/digest", end=False)
    wire.send(number, b"\1\2", end=False)
    wire.trailers(number, [("content-type", "text/html")])
    assert wire.answer(number).status == 400


def test_an_expectation_does_no_harm(wire):
    number = wire.begin("POST", "/digest", [("expect", "100-continue")], end=False)
    wire.send(number, b"\1")
    assert wire.answer(number).json == {"length": 1, "sum": 1}
    assert wire.request("POST", "/digest", [("expect", "something")], b"\1").status == 417


def test_answers_have_nothing_of_http_1(wire):
    answer, head = wire.request("GET", "/page"), wire.request("HEAD", "/page")
    assert (answer.status, answer.informational, answer.trailers) == (200, [], [])
    names = {name for name, _ in answer.headers}
    assert names & {"connection", "keep-alive", "transfer-encoding", "upgrade"} == set()
    assert (head.status, head.body) == (200, b"")
    assert head.header("content-length") == answer.header("content-length") == str(len(answer.body))


def test_an_answer_comes_as_it_is_made(wire, pipe):
    number = wire.ask("GET", f"/events?pipe={pipe}")
    wire.wait(number, lambda answer: answer.body == b"data: first\n\n")
    assert wire.request("GET", "/page").status == 200, "the others do not wait"
    pipe.write_text("")
    assert wire.answer(number).body == b"data: first\n\ndata: second\n\n"


@pytest.mark.parametrize("headers", [[], [("accept-encoding", "br")]], ids=["plain", "br"])
def test_an_answer_that_is_given_up_is_closed(site, wire, headers):
    server, _ = site
    mark = server.log.mark()
    number = wire.ask("GET", "/endless?name=reset", headers)
    wire.wait(number, lambda answer: answer.body)
    assert wire.answers[number].header("content-encoding") == ("br" if headers else None)
    wire.reset(number)
    server.log.wait("reset is closed", after=mark)
    assert wire.request("GET", "/page").status == 200


def test_an_answer_whose_client_is_gone_is_closed(site):
    server, client = site
    mark = server.log.mark()
    with Http2(server.address, client) as wire:
        number = wire.ask("GET", "/endless?name=gone")
        wire.wait(number, lambda answer: answer.body)
    server.log.wait("gone is closed", after=mark)


def test_an_answer_that_nobody_takes_does_not_hold_up_the_others(site):
    server, client = site
    with Http2(server.address, client, window=10_000) as wire:
        number = wire.ask("GET", "/endless?name=slow")
        wire.wait(number, lambda answer: len(answer.body) == 10_000)
        assert wire.request("GET", "/environ").status == 200
        assert len(wire.answers[number].body) == 10_000
        mark = server.log.mark()
        wire.reset(number)
        server.log.wait("slow is closed", after=mark)


def test_an_answer_that_breaks_off_is_reset(wire):
    number = wire.ask("GET", "/broken")
    answer = wire.wait(number, lambda answer: answer.ended or answer.reset is not None)
    assert (answer.status, answer.body, answer.ended) == (200, b"a part", False)
    assert answer.reset == 2, "INTERNAL_ERROR"
    assert wire.request("GET", "/page").status == 200


def test_files_arrive_as_they_are(wire, files):
    whole = wire.request("GET", f"/file?path={files / 'large'}")
    assert (whole.status, whole.header("content-length")) == (200, str(len(LARGE)))
    assert whole.body == LARGE
    named = wire.request("GET", "/named?path=/named/large")
    assert (named.status, named.body == LARGE) == (200, True)
    part = wire.request("GET", "/named?path=/named/large", [("range", "bytes=1000000-1000999")])
    assert (part.status, part.body) == (206, LARGE[1_000_000:1_001_000])
    assert part.header("content-range") == f"bytes 1000000-1000999/{len(LARGE)}"


WAYS = {
    "/list": (200, b"one element"),
    "/chunks": (200, b"one,two,three"),
    "/late": (200, b"late"),
    "/empty-first": (503, b"replaced"),
    "/nothing": (200, b""),
    "/write": (200, b"written, again, returned"),
    "/replaced": (503, b"sorry"),
    "/204": (204, b""),
    "/304": (304, b""),
    "/filelike": (200, b"333222111"),
}


def test_every_way_to_answer_is_one_here(host):
    running = host.start("responses", "--http2-cleartext", "prior-knowledge")
    with running as server, Http2(server.ready().address) as wire:
        numbers = {path: wire.ask("GET", path) for path in WAYS}
        answers = {path: wire.answer(number) for path, number in numbers.items()}
        found = wire.request("GET", "/headers")
    assert {path: (answer.status, answer.body) for path, answer in answers.items()} == WAYS
    assert answers["/replaced"].header("x-first") is None
    assert answers["/replaced"].header("x-second") == "yes"
    assert found.all("set-cookie") == ["a=1", "b=2"]
    assert ("x-mixed", "caf\xe9") in found.headers
