"""What the applications of the tests have at hand; lies beside each of them."""

import os


def answer(start_response, text, *headers):
    """A whole answer of plain text."""
    body = str(text).encode()
    start_response("200 OK", [("Content-Length", str(len(body))), *headers])
    return [body]


def say(environ, text):
    """A line in the error log, for which the test waits."""
    environ["wsgi.errors"].write(f"{text}\n")


def tell(name):
    """Tell the test something through the gate of that name."""
    gate = os.open(name, os.O_WRONLY)
    try:
        os.write(gate, b"x")
    finally:
        os.close(gate)


def wait(name):
    """Wait until the test opens the gate of that name: each opening lets one through."""
    gate = os.open(name, os.O_RDONLY)
    try:
        os.read(gate, 1)
    finally:
        os.close(gate)
