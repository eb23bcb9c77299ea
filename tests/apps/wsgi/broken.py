"""Ways to answer that PEP 3333 forbids: each is a 500 or a cut connection, never a dead worker."""

import os
import sys

from routes import Routes, answer

application = Routes()

TEXT = [("Content-Type", "text/plain")]


@application.add("/pid")
def pid(environ, start_response):
    """Which worker answers: the same one after each failure."""
    return answer(start_response, str(os.getpid()).encode())


def raising(exception):
    """An application that raises before it has answered."""

    def application(environ, start_response):
        raise exception

    return application


def raising_late(exception):
    """An application that raises after its first chunk."""

    def application(environ, start_response):
        start_response("200 OK", TEXT)
        yield b"first chunk"
        raise exception

    return application


EXCEPTIONS = {
    "exception": RuntimeError("raised on purpose"),
    "system-exit": SystemExit(3),
    "keyboard-interrupt": KeyboardInterrupt(),
    "base-exception": BaseException("raised on purpose"),
    "generator-exit": GeneratorExit(),
}
for name, exception in EXCEPTIONS.items():
    application.add(f"/{name}")(raising(exception))
    application.add(f"/late-{name}")(raising_late(exception))


def answering(status, headers=(), body=(b"body",)):
    """An application that gives these to start_response and the server."""

    def application(environ, start_response):
        start_response(status, [*TEXT, *headers])
        return body

    return application


ANSWERS = {
    "status-number": (200,),
    "status-short": ("20 OK",),
    "status-word": ("OK",),
    "status-line-break": ("200 OK\r\nX-Evil: yes",),
    "value-line-break": ("200 OK", [("X-A", "a\r\nX-Evil: yes")]),
    "value-number": ("200 OK", [("X-A", 1)]),
    "value-bytes": ("200 OK", [("X-A", b"a")]),
    "value-beyond-latin-1": ("200 OK", [("X-A", "\u20ac")]),
    "name-space": ("200 OK", [("X A", "a")]),
    "name-line-break": ("200 OK", [("X-A\r\nX-Evil", "a")]),
    "name-empty": ("200 OK", [("", "a")]),
    "length-word": ("200 OK", [("Content-Length", "many")]),
    "header-triple": ("200 OK", [("X-A", "a", "b")]),
    "body-text": ("200 OK", (), ["text"]),
    "body-none": ("200 OK", (), None),
    "body-number": ("200 OK", (), 42),
}
for name, arguments in ANSWERS.items():
    application.add(f"/{name}")(answering(*arguments))


@application.add("/no-start-response")
def no_start_response(environ, start_response):
    """A body without a status."""
    return [b"body"]


@application.add("/twice")
def twice(environ, start_response):
    """start_response twice without exc_info."""
    start_response("200 OK", TEXT)
    start_response("200 OK", TEXT)
    return [b"body"]


@application.add("/reraised")
def reraised(environ, start_response):
    """start_response with exc_info after the headers have gone raises the exception again."""
    start_response("200 OK", TEXT)
    yield b"first chunk"
    try:
        raise ValueError("after the headers")
    except ValueError:
        start_response("500 Internal Server Error", TEXT, sys.exc_info())
    yield b"must not be sent"


@application.add("/too-short")
def too_short(environ, start_response):
    """Fewer bytes than declared."""
    start_response("200 OK", [*TEXT, ("Content-Length", "10")])
    return [b"four"]


@application.add("/too-long")
def too_long(environ, start_response):
    """More bytes than declared."""
    start_response("200 OK", [*TEXT, ("Content-Length", "4")])
    return [b"fourHTTP/1.1 200 OK\r\n"]


@application.add("/hop-by-hop")
def hop_by_hop(environ, start_response):
    """Headers that belong to the connection, which is the server's."""
    start_response(
        "200 OK",
        [*TEXT, ("Transfer-Encoding", "chunked"), ("Connection", "close"), ("Keep-Alive", "9")],
    )
    return [b"body"]


@application.add("/recursion")
def recursion(environ, start_response):
    """Deep recursion ends in a RecursionError."""
    return recursion(environ, start_response)
