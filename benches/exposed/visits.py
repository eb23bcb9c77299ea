"""What well-behaved clients do, and those that are refused. Each function is one visit.

A visit returns nothing when all went as it must, and raises `WrongError` or `OSError` otherwise.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from random import Random

from refusals import REFUSALS, SMUGGLED
from wire import Wire, WrongError, expect, request

BLOCK = bytes(range(256)) * 256
"""64 KiB, as in `apps/mixed.py`."""
FILE = BLOCK * 32
LARGE = BLOCK * 64
HELLO = b"hello\n"


@dataclass
class Visitor:
    """A client: where the server is, its own chance, and what it has counted."""

    port: int
    chance: Random
    seen: Counter[str]

    def connect(self, window: int | None = None) -> Wire:
        """Open a connection."""
        return Wire(self.port, window)

    def served(self, count: int = 1) -> None:
        """Count requests that were answered rightly."""
        self.seen["requests"] += count


def keep_alive(visitor: Visitor) -> None:
    """Ask many times on one connection."""
    count = visitor.chance.randint(2, 60)
    with visitor.connect() as wire:
        for _ in range(count):
            wire.send(request("/hello"))
            expect(wire.answer(), 200, HELLO)
    visitor.served(count)


def site(visitor: Visitor) -> None:
    """Look at the Django site: a page, JSON, a stream, a file."""
    pages = ["/json/", "/stream/", "/download/", "/", "/entries/", "/no-such-page/"]
    visitor.chance.shuffle(pages)
    with visitor.connect() as wire:
        for page in pages:
            wire.send(request(page, fields="Accept-Encoding: gzip\r\nCookie: a=b\r\n"))
            expect(wire.answer(), 404 if page == "/no-such-page/" else 200)
    visitor.served(len(pages))


def one_request(visitor: Visitor) -> None:
    """Ask once and have the connection closed."""
    with visitor.connect() as wire:
        wire.send(request("/hello", fields="Connection: close\r\n"))
        expect(wire.answer(), 200, HELLO)
        if wire.read():
            raise WrongError("bytes came after the last answer")
    visitor.served()


def head(visitor: Visitor) -> None:
    """Ask for the head alone, of an answer with and one without a length."""
    paths = ("/large", "/blocks", "/file", "/hello")
    with visitor.connect() as wire:
        for path in paths:
            wire.send(request(path, "HEAD"))
            expect(wire.answer("HEAD"), 200)
    visitor.served(len(paths))


def http_1_0(visitor: Visitor) -> None:
    """Ask as an old client does: without a Host, with and without keeping the connection."""
    with visitor.connect() as wire:
        wire.send(b"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        expect(wire.answer(), 200, HELLO)
        wire.send(b"GET /blocks?blocks=2 HTTP/1.0\r\n\r\n")
        expect(wire.answer(), 200, BLOCK * 2)
    visitor.served(2)


def pipelined(visitor: Visitor) -> None:
    """Send many requests at once, bodies between them; the answers come in order."""
    count = visitor.chance.randint(2, 30)
    bodies = [visitor.chance.randbytes(visitor.chance.randint(1, 300)) for _ in range(count)]
    with visitor.connect() as wire:
        wire.send(b"".join(request("/echo", "POST", body=body) for body in bodies))
        for body in bodies:
            expect(wire.answer(), 200, body)
    visitor.served(count)


def small_bodies(visitor: Visitor) -> None:
    """Send small bodies on one connection, some to a page that does not read them."""
    count = visitor.chance.randint(1, 10)
    with visitor.connect() as wire:
        for _ in range(count):
            body = visitor.chance.randbytes(visitor.chance.randint(1, 5000))
            wire.send(request("/echo", "POST", body=body))
            expect(wire.answer(), 200, body)
            wire.send(request("/ignore", "POST", body=body))
            expect(wire.answer(), 200)
    visitor.served(2 * count)


def large_body(visitor: Visitor) -> None:
    """Send megabytes up and down. The answer is read when all was sent, as browsers do."""
    body = visitor.chance.randbytes(visitor.chance.randint(1 << 20, 3 << 20))
    with visitor.connect() as wire:
        wire.send(request("/echo", "POST", body=body))
        expect(wire.answer(), 200, body)
    visitor.served()


def chunked_body(visitor: Visitor) -> None:
    """Send a body in chunks of all sizes, with extensions and a trailer."""
    sizes = [visitor.chance.choice((1, 10, 1000, 70_000)) for _ in range(12)]
    chunks = [visitor.chance.randbytes(size) for size in sizes]
    with visitor.connect() as wire:
        fields = "Transfer-Encoding: chunked\r\n"
        wire.send(f"POST /echo HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode())
        for chunk in chunks:
            wire.send(b"%x;kind=soak\r\n%b\r\n" % (len(chunk), chunk))
        wire.send(b"0\r\nX-Sum: 1\r\n\r\n")
        expect(wire.answer(), 200, b"".join(chunks))
    visitor.served()


def expected_body(visitor: Visitor) -> None:
    """Wait for `100 Continue` before the body."""
    body = visitor.chance.randbytes(2000)
    with visitor.connect() as wire:
        fields = f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n"
        wire.send(f"POST /echo HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode())
        expect(wire.answer(), 100)
        wire.send(body)
        expect(wire.answer(), 200, body)
    visitor.served()


def downloads(visitor: Visitor) -> None:
    """Read a stream, a file and a large answer to their ends, on one connection."""
    with visitor.connect() as wire:
        for path, body in (("/blocks?blocks=24", BLOCK * 24), ("/file", FILE), ("/large", LARGE)):
            wire.send(request(path))
            expect(wire.answer(), 200, body)
    visitor.served(3)


def failing_pages(visitor: Visitor) -> None:
    """Ask for pages that raise: one is a 500, one breaks off."""
    with visitor.connect() as wire:
        wire.send(request("/fail"))
        expect(wire.answer(), 500)
    with visitor.connect() as wire:
        wire.send(request("/fail-late"))
        if wire.read_to_end().endswith(b"0\r\n\r\n"):
            raise WrongError("an answer that broke off looks whole")
    visitor.served(2)


def refused(visitor: Visitor) -> None:
    """Send something that is refused, at once or after a good request, and a request behind it."""
    name = visitor.chance.choice([*REFUSALS])
    data, status = REFUSALS[name]
    with visitor.connect() as wire:
        if visitor.chance.random() < 0.5:
            wire.send(request("/hello"))
            expect(wire.answer(), 200, HELLO)
            visitor.served()
        wire.send(data + SMUGGLED)
        try:
            answer = wire.answer()
            rest = wire.read_to_end()
        except WrongError as error:
            raise WrongError(f"{name}: {error}") from None
    if answer.status != status or rest:
        raise WrongError(
            f"{name}: expected {status} and an end, got {answer.status}, {rest[:80]!r}"
        )
    visitor.seen["refused"] += 1


def slow_sender(visitor: Visitor) -> None:
    """Send a request in small pieces over half a second; it is served all the same."""
    data = request("/echo", "POST", body=b"x" * 40)
    with visitor.connect() as wire:
        for at in range(0, len(data), 8):
            wire.send(data[at : at + 8])
            time.sleep(0.02)
        expect(wire.answer(), 200, b"x" * 40)
    visitor.served()


def slow_reader(visitor: Visitor) -> None:
    """Read an answer of 4 MiB over a second or two, with a small window; all of it comes."""
    path, whole = visitor.chance.choice(
        (("/large", LARGE), ("/file", FILE), ("/blocks?blocks=48", BLOCK * 48))
    )
    with visitor.connect(window=32 * 1024) as wire:
        wire.send(request(path, fields="Connection: close\r\n"))
        pieces = []
        while piece := wire.read(256 * 1024):
            pieces.append(piece)
            if len(pieces) % 8 == 0:
                time.sleep(0.01)
    data = b"".join(pieces)
    if len(data) < len(whole):
        raise WrongError(f"{path}: only {len(data)} bytes of {len(whole)} came")
    visitor.served()


def silent(visitor: Visitor) -> None:
    """Stop in the middle of a head or a body, or say nothing: 408, or an end without a word."""
    first = visitor.chance.choice(
        (b"", b"GET /hello HT", request("/echo", "POST", body=b"a" * 99)[:-5])
    )
    with visitor.connect() as wire:
        wire.send(first)
        data = wire.read_to_end()
    if not data.startswith(b"HTTP/1.1 408 ") and (first or data):
        raise WrongError(f"silence after {first[:20]!r}: expected 408, got {data[:80]!r}")
    visitor.seen["refused"] += 1


def stalled_reader(visitor: Visitor) -> None:
    """Do not read an answer at all; the server must not wait for ever."""
    with visitor.connect(window=8 * 1024) as wire:
        wire.send(request(visitor.chance.choice(("/large", "/file", "/blocks?blocks=64"))))
        time.sleep(visitor.chance.uniform(3.0, 5.0))
        wire.read_to_end()
    visitor.seen["cut"] += 1
