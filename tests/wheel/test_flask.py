"""A Flask application."""

import hashlib

import pytest
from client import chunked
from multipart import multipart
from server import APPS


@pytest.fixture(scope="module")
def server(host):
    """The Flask application of tests/apps."""
    with host.start("flask_app:app", cwd=APPS) as running:
        yield running.ready()


def test_json(server):
    assert server.get("/json").json == {"message": "hello", "numbers": [1, 2, 3]}


def test_form(server):
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    response = server.request("POST", "/form", headers=headers, body=b"a=1&b=caf%C3%A9")
    assert response.json == {"a": "1", "b": "caf\xe9"}


def test_form_in_chunks(server):
    headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Transfer-Encoding", "chunked"),
    ]
    response = server.request("POST", "/form", headers=headers, body=chunked(b"a=", b"1"))
    assert response.json == {"a": "1"}


def test_stream(server):
    assert server.get("/stream").text == "line 0\nline 1\nline 2\n"


def test_upload(server):
    data = bytes(range(256)) * 20_000  # 5 MB
    headers, body = multipart({}, file=("name.bin", data))
    response = server.request("POST", "/upload", headers=headers, body=body)
    digest = hashlib.sha256(data).hexdigest()
    assert response.json == {"name": "name.bin", "size": len(data), "sha256": digest}


def test_error_and_unknown_path(server):
    assert server.get("/fail").status == 500
    server.log.wait("RuntimeError: this view fails on purpose")
    assert server.get("/nowhere").status == 404
