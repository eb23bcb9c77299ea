"""Answers that PEP 3333 allows: start_response, write(), framing, file_wrapper."""

import re

import pytest
from client import message

APP = "responses"


@pytest.fixture
def data(tmp_path):
    """A file to send, larger than one block of any wrapper."""
    path = tmp_path / "data"
    path.write_bytes(bytes(range(256)) * 1000)
    return path


def test_one_element_list_gets_a_length(server):
    response = server.get("/list")
    assert (response.status, response.reason, response.text) == (200, "OK", "one element")
    assert response.framing == "length"


def test_declared_length(server):
    response = server.get("/length")
    assert (response.framing, response.text) == ("length", "length")


def test_chunks_without_length(server):
    response = server.get("/chunks")
    assert (response.framing, response.complete) == ("chunked", True)
    assert response.text == "one,two,three"


def test_chunks_for_http_1_0_end_with_the_connection(server):
    response = server.get("/chunks", version="1.0")
    assert (response.framing, response.text) == ("close", "one,two,three")


def test_a_generator_calls_start_response_late(server):
    assert server.get("/late").text == "late"


def test_headers_change_until_the_first_byte(server):
    response = server.get("/empty-first")
    assert (response.status, response.text) == (503, "replaced")


def test_no_chunk_at_all(server):
    response = server.get("/nothing")
    assert (response.status, response.body) == (200, b"")


def test_write(server):
    assert server.get("/write").text == "written, again, returned"


def test_exc_info_replaces_headers_that_were_not_sent(server):
    response = server.get("/replaced")
    assert (response.status, response.text) == (503, "sorry")
    assert response.header("X-First") is None
    assert response.header("X-Second") == "yes"
    assert response.header("Content-Length") in (None, "5")


def test_headers_keep_repeats_and_bytes(server):
    response = server.get("/headers")
    assert (response.status, response.reason) == (200, "Fine")
    # The HTTP library writes names in title case and puts equal ones together: both mean the same.
    assert [value for name, value in response.headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert response.header("x-MiXeD") == "caf\xe9"


def test_date(server):
    date = server.get("/list").header("Date")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date)


def test_head_has_the_headers_and_no_body(server):
    with server.connect() as connection:
        connection.send(message("HEAD", "/length"))
        response = connection.response("HEAD")
        assert response.header("Content-Length") == "6"
        connection.send(message("GET", "/length"))
        assert connection.response().text == "length"


def test_head_without_a_length(server):
    with server.connect() as connection:
        connection.send(message("HEAD", "/chunks"))
        response = connection.response("HEAD")
        assert response.status == 200
        assert response.header("Content-Length") is None
        connection.send(message("GET", "/length"))
        assert connection.response().text == "length"


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body(server, status):
    with server.connect() as connection:
        connection.send(message("GET", f"/{status}"))
        response = connection.response()
        assert response.status == status
        assert response.header("Transfer-Encoding") is None
        # RFC 9110 8.6: never with 204; a 304 may only tell the length of the 200.
        assert status == 304 or response.header("Content-Length") is None
        connection.send(message("GET", "/length"))
        assert connection.response().text == "length"


def test_chunks_are_sent_as_they_come(server, pipe):
    with server.connect() as connection:
        connection.send(message("GET", f"/streamed?{pipe}"))
        connection.head()
        assert connection.chunk() == b"first"  # while the application waits for the pipe
        pipe.open("w").close()
        assert connection.chunk() == b"second"
        assert connection.chunk() == b""


def test_a_large_body(server):
    response = server.get("/large")
    assert response.complete
    assert response.body == b"x" * (32 << 20)


def test_a_reader_that_stops_does_not_block_the_worker(host):
    with host.start("responses", "--threads", "2") as server, server.ready().connect() as stopped:
        stopped.send(message("GET", "/large"))
        assert stopped.head().status == 200
        # 32 MiB are waiting for that client; another one is served meanwhile.
        assert server.get("/length").text == "length"


def test_file_wrapper(server, data):
    response = server.get(f"/file?{data}")
    assert (response.framing, response.body) == ("length", data.read_bytes())


def test_file_wrapper_from_the_position_of_the_file(server, data):
    assert server.get(f"/file?{data}&100000").body == data.read_bytes()[100_000:]


def test_file_wrapper_without_a_length(server, data):
    response = server.get(f"/file-no-length?{data}")
    assert response.complete
    assert response.body == data.read_bytes()


def test_file_wrapper_sends_no_more_than_the_length(server, data):
    response = server.get(f"/file-part?{data}")
    assert (response.framing, response.body) == ("length", data.read_bytes()[:5])


def test_file_wrapper_over_an_empty_file(server, tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    assert server.get(f"/file?{empty}").body == b""


def test_file_wrapper_for_head(server, data):
    response = server.request("HEAD", f"/file?{data}")
    assert response.header("Content-Length") == str(data.stat().st_size)


def test_file_wrapper_over_an_object_with_read_only(server):
    assert server.get("/filelike").text == "333222111"
