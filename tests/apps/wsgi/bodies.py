"""Ways to read `wsgi.input`; each answers with what it read as JSON (bytes as Latin-1)."""

import hashlib
import json
from urllib.parse import parse_qs

from routes import Routes, answer

application = Routes()


@application.add("/read")
def read(environ, start_response):
    """All at once."""
    return _show(start_response, environ["wsgi.input"].read())


@application.add("/read-size")
def read_size(environ, start_response):
    """In pieces of `size` bytes until the end."""
    body, size = environ["wsgi.input"], _number(environ, "size")
    return _show(start_response, list(iter(lambda: body.read(size), b"")))


@application.add("/readline")
def readline(environ, start_response):
    """Line by line until the end; with `size`, no more than that at a time."""
    body, size = environ["wsgi.input"], _number(environ, "size")
    step = body.readline if size is None else lambda: body.readline(size)
    return _show(start_response, list(iter(step, b"")))


@application.add("/readlines")
def readlines(environ, start_response):
    """`readlines`, with `size` as its hint, and what is left after it."""
    body, size = environ["wsgi.input"], _number(environ, "size")
    lines = body.readlines() if size is None else body.readlines(size)
    return _show(start_response, {"lines": lines, "rest": body.read()})


@application.add("/iterate")
def iterate(environ, start_response):
    """Iteration gives lines."""
    return _show(start_response, list(environ["wsgi.input"]))


@application.add("/mixed")
def mixed(environ, start_response):
    """All ways after one another, and then past the end, where each gives an empty result."""
    body = environ["wsgi.input"]
    return _show(
        start_response,
        [
            body.read(0),
            body.read(2),
            body.readline(),
            body.readline(3),
            body.read(-1),
            body.read(),
            body.read(10),
            body.readline(),
            body.readlines(),
            list(body),
        ],
    )


@application.add("/digest")
def digest(environ, start_response):
    """Length and digest of a body that is too large to echo."""
    body, total, sha256 = environ["wsgi.input"], 0, hashlib.sha256()
    while piece := body.read(1 << 16):
        total += len(piece)
        sha256.update(piece)
    result = {
        "length": total,
        "sha256": sha256.hexdigest(),
        "content_length": environ.get("CONTENT_LENGTH"),
    }
    return answer(start_response, json.dumps(result).encode(), "application/json")


@application.add("/ignored")
def ignored(environ, start_response):
    """Answer without a look at the body."""
    return answer(start_response, b"ignored")


def _number(environ, name):
    values = parse_qs(environ["QUERY_STRING"]).get(name)
    return int(values[0]) if values else None


def _show(start_response, value):
    text = json.dumps(value, default=lambda data: data.decode("latin-1"))
    return answer(start_response, text.encode(), "application/json")
