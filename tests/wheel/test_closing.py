"""close() of the returned iterable is called once on every path (PEP 3333)."""

import pytest
from client import message

APP = "closing"


@pytest.fixture(autouse=True)
def nothing_closed(server):
    """What an earlier case closed is no concern of this one."""
    server.get("/closed")


@pytest.mark.parametrize(
    "name",
    [
        "complete",
        "empty",
        "no-content",
        "raises-late",
        "exits-late",
        "bad-chunk",
        "bad-status",
        "close-raises",
    ],
)
def test_closed_once(server, name):
    with server.connect() as connection:
        connection.send(message("GET", f"/{name}"))
        connection.response()
    assert server.get("/closed").json == [name]


def test_closed_after_head(server):
    server.request("HEAD", "/complete")
    assert server.get("/closed").json == ["complete"]


def test_closed_when_the_client_has_gone(server):
    with server.connect() as connection:
        connection.send(message("GET", "/endless"))
        assert connection.head().status == 200
        connection.chunk()
    assert server.get("/closed").json == ["endless"]


def test_file_wrapper_closes_its_file(server):
    assert server.get("/file").text == "data"
    assert server.get("/closed").json == ["file"]


def test_a_failing_close_is_logged_and_spoils_nothing(server):
    mark = server.log.mark()
    response = server.get("/close-raises")
    assert (response.status, response.text) == (200, "chunk")
    server.log.wait("RuntimeError: close fails on purpose", after=mark)
