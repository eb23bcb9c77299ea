"""`wsgi.input`: every way to read, for bodies with a length and chunked ones."""

import hashlib

import pytest
from client import chunked, message
from processes import open_fds

APP = "bodies"
BODY = b"one\ntwo\r\nthree\n\nlast"
LINES = ["one\n", "two\r\n", "three\n", "\n", "last"]


@pytest.fixture(params=["length", "chunked"])
def post(request, server):
    """Sends a body in one of the two framings; gives the JSON of the answer."""

    def send(target, body=BODY):
        if request.param == "length":
            return server.request("POST", target, body=body).json
        pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
        headers = [("Transfer-Encoding", "chunked")]
        return server.request("POST", target, headers=headers, body=chunked(*pieces)).json

    return send


def test_read(post):
    assert post("/read") == BODY.decode()


def test_read_size(post):
    assert post("/read-size?size=6") == ["one\ntw", "o\r\nthr", "ee\n\nla", "st"]


def test_readline(post):
    assert post("/readline") == LINES


def test_readline_size(post):
    assert post("/readline?size=4") == ["one\n", "two\r", "\n", "thre", "e\n", "\n", "last"]


def test_readlines(post):
    assert post("/readlines") == {"lines": LINES, "rest": ""}


def test_readlines_hint(post):
    assert post("/readlines?size=5") == {"lines": LINES[:2], "rest": "three\n\nlast"}


def test_iteration(post):
    assert post("/iterate") == LINES


def test_mixed_reads_and_past_the_end(post):
    assert post("/mixed") == [
        "",
        "on",
        "e\n",
        "two",
        "\r\nthree\n\nlast",
        "",
        "",
        "",
        [],
        [],
    ]


def test_no_body(server):
    assert server.get("/mixed").json == ["", "", "", "", "", "", "", "", [], []]


def test_empty_bodies(post):
    assert post("/read", b"") == ""


def test_binary_body(post):
    body = bytes(range(256)) * 40
    assert post("/read", body).encode("latin-1") == body


def test_chunk_extensions_and_trailers_are_no_body(server):
    body = b"3;name=value\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n"
    response = server.request(
        "POST", "/read", headers=[("Transfer-Encoding", "chunked")], body=body
    )
    assert response.json == "abc"


@pytest.mark.parametrize("kind", ["length", "chunked"])
def test_a_body_larger_than_memory_allows(server, kind):
    # 64 MiB wait in memory at most: this one goes through the temporary file.
    block, blocks = bytes(range(256)) * 4096, 70
    digest = hashlib.sha256()
    with server.connect() as connection:
        framing = (
            ("Transfer-Encoding", "chunked")
            if kind == "chunked"
            else ("Content-Length", str(len(block) * blocks))
        )
        connection.send(message("POST", "/digest", headers=[framing]))
        for _ in range(blocks):
            digest.update(block)
            if kind == "chunked":
                connection.send(b"%x\r\n" % len(block)).send(block).send(b"\r\n")
            else:
                connection.send(block)
        if kind == "chunked":
            connection.send(b"0\r\n\r\n")
        found = connection.response().json
    assert found["length"] == len(block) * blocks
    assert found["sha256"] == digest.hexdigest()
    assert found["content_length"] == str(len(block) * blocks)


def test_the_temporary_file_of_a_body_is_gone_after_the_request(server):
    body = bytes(70 << 20)
    assert server.request("POST", "/digest", body=body).json["length"] == len(body)
    assert server.get("/ignored").status == 200  # the worker is done with the one before
    (pid,) = server.worker_pids()
    assert not [name for name in open_fds(pid) if "(deleted)" in name and "/memfd:" not in name]


def test_an_ignored_body_does_not_disturb_the_next_request(server):
    with server.connect() as connection:
        connection.send(message("POST", "/ignored", body=b"x" * 100_000))
        assert connection.response().text == "ignored"
        connection.send(message("POST", "/read", body=b"second"))
        assert connection.response().json == "second"


def test_the_application_waits_for_the_whole_body(server):
    with server.connect() as slow:
        slow.send(message("POST", "/read", headers=[("Content-Length", "6")]) + b"sl")
        # The only thread of the only worker is free meanwhile.
        assert server.get("/ignored").text == "ignored"
        slow.send(b"ow..")
        assert slow.response().json == "slow.."


def test_a_body_cut_short_never_reaches_the_application(server):
    mark = server.log.mark()
    with server.connect() as connection:
        connection.send(message("POST", "/read", headers=[("Content-Length", "6")]) + b"cut")
    assert server.get("/ignored").text == "ignored"
    assert "Traceback" not in "".join(server.log.text.splitlines(keepends=True)[mark:])
