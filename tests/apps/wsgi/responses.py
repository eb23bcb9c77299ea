"""Ways to answer that PEP 3333 allows."""

import os
import sys

from routes import Routes

application = Routes()

TEXT = [("Content-Type", "text/plain")]


@application.add("/list")
def one_element(environ, start_response):
    """A list of one element and no Content-Length."""
    start_response("200 OK", TEXT)
    return [b"one element"]


@application.add("/length")
def with_length(environ, start_response):
    """A declared Content-Length."""
    start_response("200 OK", [*TEXT, ("Content-Length", "6")])
    return [b"len", b"gth"]


@application.add("/chunks")
def chunks(environ, start_response):
    """Several chunks, an empty one among them, and no Content-Length."""
    start_response("200 OK", TEXT)
    return iter([b"one,", b"", b"two,", b"three"])


@application.add("/late")
def late(environ, start_response):
    """A generator calls start_response only when its first chunk is asked for."""
    start_response("200 OK", TEXT)
    yield b"late"


@application.add("/empty-first")
def empty_first(environ, start_response):
    """Headers may not go out before the first chunk that is not empty: they still change here."""
    start_response("200 OK", TEXT)
    yield b""
    yield b""
    try:
        raise ValueError("seen before the first byte")
    except ValueError:
        start_response("503 Service Unavailable", TEXT, sys.exc_info())
    yield b"replaced"


@application.add("/nothing")
def nothing(environ, start_response):
    """No chunk at all."""
    start_response("200 OK", TEXT)
    return []


@application.add("/write")
def write(environ, start_response):
    """The write() callable, then a returned iterable."""
    send = start_response("200 OK", TEXT)
    send(b"written, ")
    send(b"again, ")
    return [b"returned"]


@application.add("/replaced")
def replaced(environ, start_response):
    """start_response with exc_info before anything was sent replaces status and headers."""
    start_response("200 OK", [*TEXT, ("X-First", "yes"), ("Content-Length", "1000")])
    try:
        raise ValueError("before the headers")
    except ValueError:
        start_response("503 Service Unavailable", [*TEXT, ("X-Second", "yes")], sys.exc_info())
    return [b"sorry"]


@application.add("/204")
def no_content(environ, start_response):
    """A 204 with a body, which must not be sent."""
    start_response("204 No Content", [])
    return [b"must not be sent"]


@application.add("/304")
def not_modified(environ, start_response):
    """A 304 with a body, which must not be sent."""
    start_response("304 Not Modified", [("ETag", '"1"')])
    return [b"must not be sent"]


@application.add("/headers")
def headers(environ, start_response):
    """Case, order and repeats of headers are kept; Latin-1 goes out as its bytes."""
    start_response(
        "200 Fine",
        [
            ("Set-Cookie", "a=1"),
            ("x-MiXeD", "caf\xe9"),
            ("Set-Cookie", "b=2"),
            ("Content-Length", "2"),
        ],
    )
    return [b"ok"]


@application.add("/streamed")
def streamed(environ, start_response):
    """The second chunk waits until somebody opens the pipe that the query names."""
    start_response("200 OK", TEXT)
    yield b"first"
    with open(environ["QUERY_STRING"]) as pipe:
        pipe.read()
    yield b"second"


@application.add("/large")
def large(environ, start_response):
    """32 MiB in chunks of 64 KiB."""
    start_response("200 OK", [*TEXT, ("Content-Length", str(32 << 20))])
    return (b"x" * 65536 for _ in range(512))


@application.add("/file")
def file(environ, start_response):
    """wsgi.file_wrapper over a real file, from where the file stands: `PATH&offset`."""
    path, _, offset = environ["QUERY_STRING"].partition("&")
    source = open(path, "rb")  # noqa: SIM115 (the wrapper closes it)
    source.seek(int(offset or 0))
    length = os.fstat(source.fileno()).st_size - source.tell()
    start_response("200 OK", [*TEXT, ("Content-Length", str(length))])
    return environ["wsgi.file_wrapper"](source, 4096)


@application.add("/file-no-length")
def file_no_length(environ, start_response):
    """wsgi.file_wrapper over a real file whose length the application does not tell."""
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](open(environ["QUERY_STRING"], "rb"))


@application.add("/file-part")
def file_part(environ, start_response):
    """A real file that is longer than the declared Content-Length."""
    start_response("200 OK", [*TEXT, ("Content-Length", "5")])
    return environ["wsgi.file_wrapper"](open(environ["QUERY_STRING"], "rb"))


@application.add("/filelike")
def filelike(environ, start_response):
    """wsgi.file_wrapper over an object that has only read()."""
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](Countdown(), 3)


class Countdown:
    """A file-like object without fileno, close or iteration."""

    def __init__(self):
        self._left = [b"3", b"2", b"1", b""]

    def read(self, size):
        """The next piece; `size` is what the wrapper was made with."""
        piece = self._left.pop(0)
        return piece * size
