"""Clients that never finish a head, and clients that trickle a body.

Run as a program by `crowd` and by `benches/exposed`: it says `ready` when all are connected, and
when its standard input closes it prints what it saw as one line of JSON and ends. A client that
the server refuses or drops connects again at once, so that their number stays.
"""

import argparse
import heapq
import json
import os
import selectors
import socket
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n"
LONGEST_RUN = 600.0
"""Seconds after which this ends whatever happens: it must not outlive a parent that hangs."""


Due = tuple[float, int, socket.socket]
"""When the next piece is due, of which client, and on which of its connections."""


@dataclass(frozen=True)
class Kind:
    """What one sort of client sends at first, and which piece every so many seconds."""

    name: str
    first: bytes
    piece: bytes
    pause: float


HEADS = Kind("head", HEAD, b"x", 5.0)
STARVING = Kind("body below the rate", BODY, b"x", 2.0)
"""Half a byte a second: below `--body-min-rate`, never silent for `--body-timeout`."""
STEADY = Kind("body above the rate", BODY, b"x" * 1200, 2.0)
"""600 bytes a second, which the default of 500 allows."""


class Crowd:
    """All the clients, on one selector and one schedule."""

    def __init__(self, port: int, kinds: list[Kind]) -> None:
        """Plan clients of these kinds; none is connected yet."""
        self.port = port
        self.kinds = kinds
        self.selector = selectors.DefaultSelector()
        self.sockets: dict[int, socket.socket] = {}
        self.schedule: list[Due] = []
        self.seen: Counter[str] = Counter()
        self.told_to_end = False

    def open(self, client: int) -> None:
        """Connect one client and send how its request begins."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.setblocking(False)
        self.sockets[client] = connection
        self.selector.register(connection, selectors.EVENT_READ, client)
        self.send(client, connection, self.kinds[client].first)

    def send(self, client: int, connection: socket.socket, data: bytes) -> None:
        """Send a piece, and plan the next one."""
        # A connection that was dropped says so when it is read from.
        with suppress(OSError):
            connection.send(data)
        due = time.monotonic() + self.kinds[client].pause
        heapq.heappush(self.schedule, (due, client, connection))

    def turn(self, longest: float) -> None:
        """Wait for what comes first: an answer, an end, or the time for a piece; deal with all."""
        now = time.monotonic()
        due = self.schedule[0][0] if self.schedule else now + longest
        for key, _ in self.selector.select(max(0.0, min(due - now, longest))):
            if key.fileobj is sys.stdin:
                self.told_to_end = True
            else:
                self.hear(key.data)
        now = time.monotonic()
        while self.schedule and self.schedule[0][0] <= now:
            _, client, connection = heapq.heappop(self.schedule)
            if self.sockets[client] is connection:
                self.send(client, connection, self.kinds[client].piece)

    def hear(self, client: int) -> None:
        """Note an answer; at the end of a connection begin another one."""
        connection = self.sockets[client]
        try:
            data = connection.recv(4096)
        except OSError:
            data = b""
            self.seen["reset"] += 1
        if data:
            self.seen[f"{self.kinds[client].name}: {data[9:12].decode('latin-1')}"] += 1
            return
        self.seen["connected again"] += 1
        self.selector.unregister(connection)
        connection.close()
        self.open(client)


def main() -> None:
    """Open the crowd at the pace asked for, let it be slow until told to end, and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--heads", type=int, required=True)
    parser.add_argument("--bodies", type=int, required=True)
    parser.add_argument("--pace", type=int, required=True, help="connections opened each second")
    given = parser.parse_args()
    # They must not take the processor from the server whose slowness would be read as their doing.
    os.nice(19)
    crowd = Crowd(given.port, mixed(given.heads, given.bodies))
    begun = time.monotonic()
    crowd.selector.register(sys.stdin, selectors.EVENT_READ)
    for client in range(len(crowd.kinds)):
        while not crowd.told_to_end and time.monotonic() < begun + client / given.pace:
            crowd.turn(begun + client / given.pace - time.monotonic())
        crowd.open(client)
    print("ready", flush=True)
    seen = watched(crowd, begun + LONGEST_RUN)
    print(json.dumps(seen), flush=True)


def mixed(heads: int, bodies: int) -> list[Kind]:
    """Spread the kinds evenly, so that each is opened, and later refused, over all the time."""
    planned = [(at / heads, HEADS) for at in range(heads)]
    planned += [(at / bodies, STEADY if at % 2 else STARVING) for at in range(bodies)]
    return [kind for _, kind in sorted(planned, key=lambda one: one[0])]


def watched(crowd: Crowd, deadline: float) -> dict:
    """Go on until standard input closes; return what was seen since the crowd was complete."""
    crowd.seen.clear()
    begun, used = time.monotonic(), time.process_time()
    while not crowd.told_to_end and time.monotonic() < deadline:
        crowd.turn(1.0)
    seconds = time.monotonic() - begun
    return {
        "clients": len(crowd.sockets),
        "seconds": seconds,
        "cores": (time.process_time() - used) / seconds,
        "seen": dict(crowd.seen),
    }


if __name__ == "__main__":
    main()
