"""What the same pages of Django's site and of Flask's are made of."""

import json
import secrets
import sys
import threading

PAGE = json.dumps([{"id": number, "name": f"user {number**2}"} for number in range(300)])
TAG = '"of the page"'

_all = threading.Barrier(4)


def meet():
    """Wait until four requests are here."""
    _all.wait(30)


def events(pipe):
    """The second event waits until somebody opens the pipe."""
    yield b"data: first\n\n"
    with open(pipe) as opened:
        opened.read()
    yield b"data: second\n\n"


def endless(name):
    """More than anybody takes; the log says when it is closed."""
    try:
        while True:
            yield secrets.token_hex(3000).encode()
    finally:
        print(f"{name} is closed", file=sys.stderr, flush=True)


def broken():
    """Fails when a part of it has been sent."""
    yield b"a part"
    raise RuntimeError("in the midst of it, on purpose")


def shown(environ):
    """The plain values of an environ."""
    return {name: value for name, value in environ.items() if isinstance(value, (str, bool))}


def digest(stream):
    """Length and sum of what comes."""
    length = total = 0
    while piece := stream.read(1 << 16):
        length += len(piece)
        total += sum(piece)
    return {"length": length, "sum": total}
