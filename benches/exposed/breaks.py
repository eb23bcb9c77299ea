"""Clients that go away: a reset or a half-close at every stage of a request.

As in `visits`, each function is one visit; here the server mostly has nobody to answer to, and
what is judged is that it goes on.
"""

from __future__ import annotations

import time

from visits import BLOCK, FILE, HELLO, LARGE, Visitor
from wire import Wire, WrongError, expect, request

BODY = request("/echo", "POST", body=b"a" * 200_000)
CHUNKED = (
    b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"1000\r\n" + b"a" * 4096 + b"\r\n1000\r\n" + b"b" * 4096 + b"\r\n0\r\n\r\n"
)
UNFINISHED = {
    "nothing": b"",
    "mid-line": b"GET /hel",
    "mid-head": b"GET /hello HTTP/1.1\r\nHost: localhost\r\nX-A:",
    "head of a body": BODY[: BODY.index(b"\r\n\r\n") + 4],
    "mid-body": BODY[:150_000],
    "mid-chunk": CHUNKED[:6000],
    "between chunks": CHUNKED[:-5],
}
UNDER_WAY = ("/wait?ms=40", "/blocks?blocks=20&pause=1")


def reset_unfinished(visitor: Visitor) -> None:
    """Reset at each stage before the request is complete, sometimes behind a good one."""
    for data in UNFINISHED.values():
        with visitor.connect() as wire:
            if visitor.chance.random() < 0.3:
                wire.send(request("/hello"))
                expect(wire.answer(), 200, HELLO)
                visitor.served()
            wire.send(data)
            hesitate(visitor)
            wire.reset()
        visitor.seen["cut"] += 1


def reset_while_running(visitor: Visitor) -> None:
    """Reset while the application runs, or while the request waits for its turn."""
    with visitor.connect() as wire:
        wire.send(request(visitor.chance.choice(UNDER_WAY)))
        time.sleep(visitor.chance.uniform(0, 0.06))
        wire.reset()
    visitor.seen["cut"] += 1


def reset_mid_response(visitor: Visitor) -> None:
    """Reset when some of a long answer has come."""
    path = visitor.chance.choice(("/large", "/file", "/blocks?blocks=40", "/stream/"))
    with visitor.connect() as wire:
        wire.send(request(path))
        wire.read(visitor.chance.randint(1, 100_000))
        wire.reset()
    visitor.seen["cut"] += 1


def reset_pipelined(visitor: Visitor) -> None:
    """Send many requests, read one answer, and reset."""
    with visitor.connect() as wire:
        wire.send((request("/hello") + request("/wait?ms=5")) * 10)
        expect(wire.answer(), 200, HELLO)
        wire.reset()
    visitor.seen["cut"] += 1


def half_close_unfinished(visitor: Visitor) -> None:
    """Stop sending at each stage: a short request is refused, never taken for a whole one."""
    for name, data in UNFINISHED.items():
        with visitor.connect() as wire:
            wire.send(data)
            hesitate(visitor)
            wire.half_close()
            got = wire.read_to_end()
        if name == "nothing" and got:
            raise WrongError(f"half-close without a word: got {got[:80]!r}")
        if got and not got.startswith(b"HTTP/1.1 400 "):
            raise WrongError(f"half-close, {name}: expected 400 or nothing, got {got[:80]!r}")
        visitor.seen["refused"] += 1


def half_close_whole(visitor: Visitor) -> None:
    """Stop sending behind a whole request: its answer comes, or 503 if it has had to wait."""
    for path, body in (
        ("/hello", HELLO),
        ("/wait?ms=30", HELLO),
        ("/blocks?blocks=10&pause=1", BLOCK * 10),
        ("/large", LARGE),
        ("/file", FILE),
    ):
        with visitor.connect() as wire:
            wire.send(request(path))
            hesitate(visitor)
            wire.half_close()
            answer = wire.answer()
            try:
                if answer.status != 503:
                    expect(answer, 200, body)
            except WrongError as error:
                raise WrongError(f"half-close behind {path}: {error}") from None
            ended(wire)
        visitor.served()


def half_close_mid_response(visitor: Visitor) -> None:
    """Stop sending while a long answer comes: the rest of it must come too."""
    with visitor.connect() as wire:
        wire.send(request("/large"))
        got = len(wire.read(1000))
        wire.half_close()
        got += len(wire.read_to_end())
    if got < len(LARGE):
        raise WrongError(f"half-close in an answer: {got} bytes came of {len(LARGE)}")
    visitor.served()


def hesitate(visitor: Visitor) -> None:
    """Let the server see what was sent, in one of two cases."""
    if visitor.chance.random() < 0.5:
        time.sleep(0.002)


def ended(wire: Wire) -> None:
    """The server closes too, now that no request can come."""
    if wire.read():
        raise WrongError("bytes came after the last answer")
