"""HTTP/1.1 on the wire: keep-alive, pipelining, 100-continue, HTTP/1.0, bad requests."""

import pytest
from client import message

APP = "bodies"


def test_keep_alive(server):
    with server.connect() as connection:
        for number in range(20):
            connection.send(message("POST", "/read", body=b"%d" % number))
            response = connection.response()
            assert response.json == str(number)
            assert response.header("Connection") in (None, "keep-alive")


def test_connection_close(server):
    with server.connect() as connection:
        connection.send(message("GET", "/read", headers=[("Connection", "close")]))
        response = connection.response()
        assert response.header("Connection") == "close"
        assert connection.at_end()


@pytest.mark.parametrize("value", ["Close", "TE, close", "close, TE"])
def test_connection_close_in_any_spelling(server, value):
    with server.connect() as connection:
        connection.send(message("GET", "/read", headers=[("Connection", value)]))
        assert connection.response().status == 200
        assert connection.at_end()


def test_http_1_0_closes(server):
    with server.connect() as connection:
        connection.send(message("GET", "/read", version="1.0"))
        assert connection.response().status == 200
        assert connection.at_end()


def test_http_1_0_keep_alive(server):
    with server.connect() as connection:
        for _ in range(2):
            connection.send(
                message("GET", "/read", version="1.0", headers=[("Connection", "keep-alive")])
            )
            response = connection.response()
            assert response.header("Connection") == "keep-alive"
            assert response.framing == "length"


def test_http_1_0_without_host(server):
    with server.connect() as connection:
        connection.send(b"GET /read HTTP/1.0\r\n\r\n")
        assert connection.response().status == 200


def test_pipelining(server):
    with server.connect() as connection:
        connection.send(
            b"".join(message("POST", "/read", body=b"%d" % number) for number in range(50))
        )
        for number in range(50):
            assert connection.response().json == str(number)


def test_a_request_in_single_bytes(server):
    with server.connect() as connection:
        for byte in message("POST", "/read", body=b"body"):
            connection.send(bytes([byte]))
        assert connection.response().json == "body"


def test_expect_continue(server):
    with server.connect() as connection:
        headers = [("Expect", "100-continue"), ("Content-Length", "4")]
        connection.send(message("POST", "/read", headers=headers))
        assert connection.response().status == 100
        connection.send(b"body")
        response = connection.response()
        assert (response.status, response.json) == (200, "body")


def test_expect_continue_with_the_body_at_once(server):
    with server.connect() as connection:
        headers = [("Expect", "100-continue"), ("Content-Length", "4")]
        connection.send(message("POST", "/read", headers=headers) + b"body")
        response = connection.response()
        if response.status == 100:
            response = connection.response()
        assert response.json == "body"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nName : value\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["line", "no-colon", "space", "length-word", "two-lengths", "negative", "chunk-size"],
)
def test_a_bad_request_is_a_400_and_the_end_of_its_connection(server, request_bytes):
    with server.connect() as connection:
        connection.send(request_bytes)
        assert connection.response().status == 400
        assert connection.at_end()
    assert server.get("/ignored").status == 200


def test_many_connections_at_once(server):
    connections = [server.connect() for _ in range(200)]
    try:
        for connection in connections:
            connection.send(message("POST", "/read", body=b"body"))
        for connection in connections:
            assert connection.response().json == "body"
    finally:
        for connection in connections:
            connection.close()


def test_an_idle_connection_is_closed_after_keep_alive(host):
    with host.start(APP, "--keep-alive", "1") as server, server.ready().connect() as connection:
        connection.send(message("GET", "/read"))
        assert connection.response().status == 200
        assert connection.at_end()  # the server's doing: nothing was sent


def test_no_keep_alive(host):
    with host.start(APP, "--keep-alive", "0") as server, server.ready().connect() as connection:
        connection.send(message("GET", "/read"))
        assert connection.response().header("Connection") == "close"
        assert connection.at_end()
