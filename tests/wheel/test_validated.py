"""wsgiref's validator finds nothing wrong."""

import pytest
from client import chunked, message
from server import WSGI_APPS

APP = "validated"
CHUNKED = [("Transfer-Encoding", "chunked")]
FILE = (WSGI_APPS / "validated.py").read_bytes()


@pytest.fixture(
    scope="module",
    params=[(), ("--no-request-buffering",), ("--no-request-buffering", "--threads", "2")],
    ids=["buffered", "unbuffered", "unbuffered threads"],
)
def server(request, host):
    """Bodies as a whole and as they come."""
    with host.start(APP, *request.param) as running:
        yield running.ready()


@pytest.fixture(autouse=True)
def nothing_to_complain(server):
    """The validator raises within the request, or while its objects are collected."""
    yield
    assert "AssertionError" not in server.log.text


def test_get(server):
    assert server.get("/echo").text == "hello"


def test_head(server):
    response = server.request("HEAD", "/echo")
    assert (response.status, response.header("Content-Length")) == (200, "5")


def test_post(server):
    assert server.request("POST", "/echo", body=b"posted").text == "posted"


def test_post_chunked(server):
    response = server.request("POST", "/echo", headers=CHUNKED, body=chunked(b"pos", b"ted"))
    assert response.text == "posted"


def test_generator(server):
    assert server.get("/generator").text == "one,two"


def test_head_of_a_generator(server):
    assert server.request("HEAD", "/generator").status == 200


def test_an_answer_while_the_body_is_read(server):
    pieces = [b"some ", b"more ", b"text"] * 1000
    response = server.request("POST", "/upper", headers=CHUNKED, body=chunked(*pieces))
    assert response.body == b"".join(pieces).upper()


def test_a_body_that_is_not_read(server):
    with server.connect() as connection:
        for _ in range(2):
            connection.send(message("POST", "/write", body=b"unread" * 1000))
            assert connection.response().text == "written"


def test_write(server):
    assert server.get("/write").text == "written"


def test_file_wrapper(server):
    assert server.get("/file").body == FILE


def test_a_file_that_is_sent(server):
    response = server.get("/sent-file")
    # Only a file whose length is known has one.
    assert (response.body, response.framing) == (FILE, "length")


@pytest.mark.parametrize("target", ["/file", "/sent-file"])
def test_head_of_a_file(server, target):
    with server.connect() as connection:
        connection.send(message("HEAD", target) + message("GET", "/echo"))
        assert connection.response("HEAD").status == 200
        assert connection.response().text == "hello"


def test_lines_and_errors(server):
    mark = server.log.mark()
    response = server.request("POST", "/lines", body=b"a\nb\nc")
    assert response.text.startswith("a\n|b\n|c")
    server.log.wait("a line from the application", after=mark)
    server.log.wait("and another", after=mark)
