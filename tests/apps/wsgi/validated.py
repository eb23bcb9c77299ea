"""Applications under wsgiref's validator, which raises when the server breaks PEP 3333."""

import os
from wsgiref.validate import validator

from routes import Routes

routes = Routes()
validated = validator(routes)


def application(environ, start_response):
    """The validator puts an iterator of its own round each answer: a file is unpacked again."""
    answer = validated(environ, start_response)
    if environ["PATH_INFO"] != "/sent-file":
        return answer
    answer.closed = True
    return answer.original_iterator


@routes.add("/echo")
def echo(environ, start_response):
    """GET and HEAD greet; POST echoes."""
    body = b"".join(_pieces(environ)) or b"hello"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [b""] if environ["REQUEST_METHOD"] == "HEAD" else [body]


@routes.add("/generator")
def generator(environ, start_response):
    """Chunks from a generator."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (text for text in (b"one,", b"two"))


@routes.add("/upper")
def upper(environ, start_response):
    """Answers while it reads."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (piece.upper() for piece in _pieces(environ))


@routes.add("/write")
def write(environ, start_response):
    """The write() callable."""
    send = start_response("200 OK", [("Content-Type", "text/plain")])
    send(b"written")
    return []


@routes.add("/sent-file")
@routes.add("/file")
def file(environ, start_response):
    """This file through the file_wrapper."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return environ["wsgi.file_wrapper"](open(__file__, "rb"))


@routes.add("/lines")
def lines(environ, start_response):
    """The other ways to read, and the error stream."""
    body, errors = environ["wsgi.input"], environ["wsgi.errors"]
    errors.write("a line from the application\n")
    errors.writelines(["and ", "another\n"])
    errors.flush()
    read = [body.readline(), *body.readlines(), *body]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"|".join(read), str(os.getpid()).encode()]


def _pieces(environ):
    return iter(lambda: environ["wsgi.input"].read(3), b"")
