"""Applications that break the rules: a 500 or a cut connection, a traceback, the same worker."""

import pytest
from client import message

APP = "broken"

RAISED = ["exception", "system-exit", "keyboard-interrupt", "base-exception", "generator-exit"]
TYPES = {
    "exception": "RuntimeError: raised on purpose",
    "system-exit": "SystemExit: 3",
    "keyboard-interrupt": "KeyboardInterrupt",
    "base-exception": "BaseException: raised on purpose",
    "generator-exit": "GeneratorExit",
}


@pytest.fixture(autouse=True)
def same_worker(server):
    """Each failure leaves the worker as it was."""
    before = server.get("/pid").text
    yield
    response = server.get("/pid")
    assert (response.status, response.text) == (200, before)


@pytest.mark.parametrize("name", RAISED)
def test_an_exception_before_the_answer_is_a_500(server, name):
    mark = server.log.mark()
    response = server.get(f"/{name}?secret=1")
    assert response.status == 500
    assert "on purpose" not in response.text  # the traceback is for the log only
    server.log.wait(rf"Error handling request GET?.*/{name}", after=mark)
    server.log.wait(r"Traceback \(most recent call last\):", after=mark)
    server.log.wait(TYPES[name], after=mark)


@pytest.mark.parametrize("name", RAISED)
def test_an_exception_after_the_first_chunk_cuts_the_connection(server, name):
    mark = server.log.mark()
    response = server.get(f"/late-{name}")
    assert response.status == 200
    assert not response.complete
    assert response.body == b"first chunk"
    server.log.wait(TYPES[name], after=mark)


@pytest.mark.parametrize(
    "name",
    [
        "status-number",
        "status-short",
        "status-word",
        "status-line-break",
        "value-line-break",
        "value-number",
        "value-bytes",
        "value-beyond-latin-1",
        "name-space",
        "name-line-break",
        "name-empty",
        "length-word",
        "header-triple",
        "body-text",
        "body-none",
        "body-number",
        "no-start-response",
        "twice",
    ],
)
def test_a_wrong_answer_is_a_500(server, name):
    mark = server.log.mark()
    response = server.get(f"/{name}")
    assert response.status == 500
    assert response.header("X-Evil") is None
    server.log.wait(rf"/{name}", after=mark)


def test_exc_info_after_the_headers_raises_again(server):
    mark = server.log.mark()
    response = server.get("/reraised")
    assert (response.status, response.body, response.complete) == (200, b"first chunk", False)
    server.log.wait("ValueError: after the headers", after=mark)


def test_fewer_bytes_than_declared_cut_the_connection(server):
    mark = server.log.mark()
    with server.connect() as connection:
        connection.send(message("GET", "/too-short"))
        response = connection.response()
        assert (response.body, response.complete) == (b"four", False)
        assert connection.at_end()
    server.log.wait("/too-short", after=mark)


def test_more_bytes_than_declared_are_not_sent(server):
    with server.connect() as connection:
        connection.send(message("GET", "/too-long") + message("GET", "/pid"))
        assert connection.response().body == b"four"
        # Then the next answer or the end, but nothing of what was too much: its status line
        # would be followed by no headers.
        if not connection.at_end():
            assert connection.response().text == server.get("/pid").text


def test_hop_by_hop_headers_are_the_servers(server):
    with server.connect() as connection:
        connection.send(message("GET", "/hop-by-hop"))
        response = connection.response()
        assert response.body == b"body"
        assert response.complete
        assert response.header("Keep-Alive") is None
        assert response.header("Connection") in (None, "keep-alive")


def test_recursion(server):
    assert server.get("/recursion").status == 500


def test_a_500_leaves_the_connection_usable_or_closed(server):
    with server.connect() as connection:
        connection.send(message("GET", "/exception"))
        first = connection.response()
        assert first.complete
        if first.header("Connection") == "close":
            assert connection.at_end()
        else:
            connection.send(message("GET", "/pid"))
            assert connection.response().status == 200
