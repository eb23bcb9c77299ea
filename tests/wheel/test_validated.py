"""wsgiref's validator finds nothing wrong."""

import pytest
from client import chunked
from server import WSGI_APPS

APP = "validated"
CHUNKED = [("Transfer-Encoding", "chunked")]


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


def test_write(server):
    assert server.get("/write").text == "written"


def test_file_wrapper(server):
    assert server.get("/file").body == (WSGI_APPS / "validated.py").read_bytes()


def test_lines_and_errors(server):
    mark = server.log.mark()
    response = server.request("POST", "/lines", body=b"a\nb\nc")
    assert response.text.startswith("a\n|b\n|c")
    server.log.wait("a line from the application", after=mark)
    server.log.wait("and another", after=mark)
