"""Connections of one client process, driven by one thread: what wrk cannot do or does not tell.

Each has one request under way at most. Nothing here waits but `Pool.turn`, and that no longer than
it is told to.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from dataclasses import dataclass

READ_BYTES = 65536
HEAD_END = b"\r\n\r\n"
REFUSED, CUT = "refused", "cut"
"""Why there is no answer: nobody let it connect, or the connection ended first."""


@dataclass(frozen=True)
class Seen:
    """The end of one request: an answer, or the reason why there is none.

    `seconds` begin when the request was due, so that a client that comes late does not hide a
    server that does. `kept` tells whether the connection can be asked again.
    """

    connection: Connection
    seconds: float
    status: int = 0
    head: bytes = b""
    kept: bool = False
    lost: str = ""

    def header(self, name: str) -> str:
        """Return the value of a header, or nothing."""
        _, found, rest = self.head.lower().partition(b"\r\n" + name.lower().encode() + b":")
        return rest.partition(b"\r\n")[0].strip().decode("latin-1") if found else ""


class Connection:
    """One connection. `owner` is what whoever opened it wants to know of it."""

    def __init__(self, end: socket.socket) -> None:
        """Take a socket that is connecting or connected."""
        self.end = end
        self.connected = False
        self.pending = b""
        self.received = b""
        self.since = 0.0
        self.busy = False
        self.asked = 0
        self.owner = ""

    def answer(self) -> tuple[bytes, bool] | None:
        """Return the head of a whole answer, and whether the connection is kept; None before."""
        head, found, body = self.received.partition(HEAD_END)
        if not found:
            return None
        low = head.lower()
        length = low.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
        if not length or len(body) < int(length):
            return None
        # An HTTP/1.0 answer, which Gunicorn's sync worker never gives, would be kept only if told.
        kept = b"\r\nconnection: close" not in low
        return head, kept

    def answer_at_end(self) -> bytes | None:
        """Return the head of an answer without a length, which the end of the connection ends."""
        head, found, _ = self.received.partition(HEAD_END)
        has_length = b"\r\ncontent-length:" in head.lower()
        return head if found and not has_length else None


class Pool:
    """Non-blocking connections to one address (host and port) of the loopback device."""

    def __init__(self, address: tuple[str, int]) -> None:
        """Open nothing yet."""
        self.address = address
        self.selector = selectors.DefaultSelector()
        self.open_ones: set[Connection] = set()
        self.failed: list[Connection] = []

    def __enter__(self) -> Pool:
        """Close every connection at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing open, whatever happened."""
        for connection in [*self.open_ones]:
            self.close(connection)
        self.selector.close()

    def open(self) -> Connection:
        """Begin to connect; a failure is seen as that of the first request."""
        end = socket.socket()
        end.setblocking(False)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(end)
        self.open_ones.add(connection)
        code = end.connect_ex(self.address)
        if code in (0, errno.EINPROGRESS):
            self.selector.register(end, selectors.EVENT_WRITE, connection)
        else:
            self.failed.append(connection)
        return connection

    def ask(self, connection: Connection, request: bytes, due: float | None = None) -> None:
        """Send a request, when connected; `due` is when it should have been sent (monotonic)."""
        connection.since = time.monotonic() if due is None else due
        connection.received = b""
        connection.pending = request
        connection.busy = True
        connection.asked += 1
        if connection.connected:
            self.send(connection)

    def close(self, connection: Connection) -> None:
        """Close a connection; a request under way is not heard of any more."""
        if connection not in self.open_ones:
            return
        self.open_ones.discard(connection)
        if connection.end in self.selector.get_map():
            self.selector.unregister(connection.end)
        connection.end.close()

    def turn(self, longest: float) -> list[Seen]:
        """Wait until something happens, at most so many seconds; return what has ended."""
        seen = [self.lose(one, REFUSED) for one in self.failed if one.busy]
        self.failed = [one for one in self.failed if one in self.open_ones]
        for key, events in self.selector.select(0 if seen else max(0.0, longest)):
            connection = key.data
            if events & selectors.EVENT_WRITE:
                ended = self.advance(connection)
            else:
                ended = self.hear(connection)
            if ended is not None:
                seen.append(ended)
        return seen

    def advance(self, connection: Connection) -> Seen | None:
        """Go on when a connection can be written to: it is connected now, or has room again."""
        if not connection.connected:
            code = connection.end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                return self.lose(connection, REFUSED)
            connection.connected = True
        self.selector.modify(connection.end, selectors.EVENT_READ, connection)
        self.send(connection)
        return None

    def send(self, connection: Connection) -> None:
        """Send what is left of the request; a broken connection says so when it is read from."""
        try:
            sent = connection.end.send(connection.pending) if connection.pending else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            return
        connection.pending = connection.pending[sent:]
        if connection.pending:
            self.selector.modify(connection.end, selectors.EVENT_WRITE, connection)

    def hear(self, connection: Connection) -> Seen | None:
        """Read what came."""
        try:
            data = connection.end.recv(READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        connection.received += data
        if not data:
            head = connection.answer_at_end() if connection.busy else None
            return self.lose(connection, CUT) if head is None else self.end(connection, head, False)
        found = connection.answer() if connection.busy else None
        return self.end(connection, *found) if found is not None else None

    def end(self, connection: Connection, head: bytes, kept: bool) -> Seen:
        """End a request with its answer."""
        connection.busy = False
        if not kept:
            self.close(connection)
        seconds = time.monotonic() - connection.since
        return Seen(connection, seconds, int(head.split(b" ", 2)[1][:3]), head, kept)

    def lose(self, connection: Connection, why: str) -> Seen | None:
        """End a connection that broke; None when no request was under way on it."""
        was_busy, connection.busy = connection.busy, False
        self.close(connection)
        return Seen(connection, time.monotonic() - connection.since, lost=why) if was_busy else None


def get(path: str, close: bool = False) -> bytes:
    """Write a request; one that closes its connection asks for that."""
    ending = "Connection: close\r\n" if close else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{ending}\r\n".encode()
