"""One connection of a client that does as it likes: bytes out, answers in, and every way to end."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

TIMEOUT_SECONDS = 30.0
"""Far beyond every timeout that the soak's server has: what takes longer hangs."""
RESET = struct.pack("ii", 1, 0)


class WrongError(Exception):
    """The server did what it must not; the text is the sentence the user reads."""


@dataclass(frozen=True)
class Answer:
    """A whole answer. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """A connection. Closed at the end of a `with` block, unless it was reset."""

    def __init__(self, port: int, window: int | None = None) -> None:
        """Connect. `window`: bytes of the receive buffer, for a client that reads slowly."""
        self.socket = socket.socket()
        self.socket.settimeout(TIMEOUT_SECONDS)
        if window is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.held = b""
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise

    def __enter__(self) -> Wire:
        """Begin."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close."""
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def reset(self) -> None:
        """End at once: the server gets RST, and what was under way is lost."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()

    def half_close(self) -> None:
        """Say that nothing more will be sent."""
        self.socket.shutdown(socket.SHUT_WR)

    def read(self, at_most: int = 65536) -> bytes:
        """Read what comes next, nothing at the end."""
        if self.held:
            data, self.held = self.held[:at_most], self.held[at_most:]
            return data
        return self.socket.recv(at_most)

    def read_to_end(self) -> bytes:
        """Read until the server closes. A reset counts as an end: the client broke the rules."""
        data = bytearray()
        try:
            while piece := self.read():
                data += piece
        except ConnectionError:
            pass
        return bytes(data)

    def answer(self, method: str = "GET") -> Answer:
        """Read the next whole answer; raise `WrongError` when it breaks off."""
        head = self.until(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for field in filter(None, lines):
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        status = int(line.split()[1])
        if method == "HEAD" or status in (100, 204, 304):
            return Answer(status, headers, b"")
        return Answer(status, headers, self.body(headers))

    def body(self, headers: dict[str, str]) -> bytes:
        """Read a body as its headers say (RFC 9112 section 6.3)."""
        if headers.get("transfer-encoding") == "chunked":
            body = bytearray()
            while size := int(self.until(b"\r\n"), 16):
                body += self.exactly(size)
                self.exactly(2)
            self.exactly(2)
            return bytes(body)
        if "content-length" in headers:
            return self.exactly(int(headers["content-length"]))
        return self.read_to_end()

    def until(self, end: bytes) -> bytes:
        """Read up to and with these bytes."""
        data = b""
        while end not in data:
            data += self.more(len(data))
        at = data.index(end) + len(end)
        self.held = data[at:] + self.held
        return data[:at]

    def exactly(self, count: int) -> bytes:
        """Read so many bytes."""
        data = bytearray()
        while len(data) < count:
            piece = self.read(count - len(data))
            if not piece:
                raise WrongError(f"the connection ended {count - len(data)} bytes too early")
            data += piece
        return bytes(data)

    def more(self, so_far: int) -> bytes:
        """Read what comes next; an end is one too early."""
        piece = self.read()
        if not piece:
            raise WrongError(f"the connection ended in the middle of an answer ({so_far} bytes)")
        return piece


def request(path: str, method: str = "GET", fields: str = "", body: bytes = b"") -> bytes:
    """Write a request of HTTP/1.1. `fields`: further header lines, each with its line end."""
    if body or method == "POST":
        fields += f"Content-Length: {len(body)}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode("latin-1") + body


def expect(answer: Answer, status: int, body: bytes | None = None) -> None:
    """Compare an answer with what it must be."""
    if answer.status != status:
        raise WrongError(f"expected {status}, got {answer.status} and {answer.body[:80]!r}")
    if body is not None and answer.body != body:
        raise WrongError(f"{len(answer.body)} bytes came, not the {len(body)} that were expected")
