"""Normal traffic beside clients that do nothing: slow ones, and connections that are idle.

What is compared is the same load on the same server: before, beside and after them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scene import Column, Scene
from servers import KEEP_ALIVE
from session import BenchError, Session, running
from targets import Target, figure

from .connections import Connection, Pool, get
from .figures import ratio_between
from .stage import (
    KEPT,
    MANY,
    SHORT_PEERS,
    Words,
    hello,
    known,
    processor_time,
    traffic,
)

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from servers import Server

CLIENTS = Path(__file__).resolve().parent / "slow_clients.py"
PACE = 2500
"""Slow clients that connect each second."""
READY_SECONDS = 60
SETTLE_SECONDS = 0.5
"""For the server to notice that the crowd has gone, before it is measured without it again."""
PATIENT = Words(
    rwsgi=("--header-timeout", "600", "--body-timeout", "600", "--body-min-rate", "0"),
    granian=("--http1-header-read-timeout", "60000"),
)
"""They are to stay meanwhile; what those cost that are refused, `exposed` measures."""

Crowd = Callable[[Session, int], AbstractContextManager[None]]
"""Has so many clients there for as long as its context lasts."""

COLUMNS = (
    Column("rate_ratio", "requests/s, x", "", 3, "more"),
    Column("p99_ratio", "p99, x", "", 3),
    Column("rate_before", "requests/s without", "", 0, "more"),
    Column("rate", "with", "", 0, "more"),
    Column("p99_before", "p99 ms without"),
    Column("p99", "with"),
    Column("cpu_before", "CPU µs/request without"),
    Column("cpu", "with"),
    Column("noise", "p99 after / before, x"),
)


class Beside(Scene):
    """wrk on one worker, without, with, and again without so many clients of one kind."""

    group = "crowds"
    columns = COLUMNS
    short_peers = SHORT_PEERS

    def __init__(self, name: str, title: str, count: int, crowd: Crowd, words: Words) -> None:
        """Describe the crowd, and what servers must be told so that it may stay."""
        self.name, self.title = name, title
        self.count, self.crowd, self.words = count, crowd, words
        self.targets = (
            Target(f"{title}, requests/s with / without", name, figure(name, "rate_ratio", "x", 3),
                   0.9, "x", better="more"),
            Target(f"{title}, p99 with / without", name, figure(name, "p99_ratio", "x", 3),
                   1.1, "x"),
        )  # fmt: skip

    def applies(self, server: Server) -> str | None:
        """Leave out servers that keep no connection: with them it is another load."""
        if KEEP_ALIVE not in server.capabilities:
            return "it keeps no connections"
        return known(server)

    def estimate(self, options: Options) -> float:
        """Three loads, a warm-up, and the crowd's coming."""
        return 3 * options.seconds + 4 + self.count / PACE

    def started(self, options: Options, server: Server) -> Launch:
        """Allow all clients to come, and to stay."""
        return hello(options, arguments=(*MANY.to(server), *self.words.to(server)))

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Load the server three times; the crowd is there at the second one."""
        with running(server, self.started(options, server), options) as session:
            traffic(session.address, 1)
            before = loaded(session, options.seconds)
            with self.crowd(session, self.count):
                beside = loaded(session, options.seconds)
            time.sleep(SETTLE_SECONDS)
            after = loaded(session, options.seconds)
        return compared(before, beside, after)


def loaded(session: Session, seconds: int) -> tuple[float, float, float]:
    """Load the server: requests a second, p99 in ms, CPU µs a request. Zeros: it served nobody."""
    used = processor_time(session)
    seen = traffic(session.address, seconds)
    used = processor_time(session) - used
    if not seen.requests:
        return 0.0, 0.0, 0.0
    return seen.requests / seen.seconds, seen.p99_ms, used / seen.requests * 1e6


def compared(before: tuple, beside: tuple, after: tuple) -> dict[str, float]:
    """Return the figures of the three loads; one that served nobody has no p99."""
    if not before[0] or not after[0]:
        raise BenchError("no request was answered without the crowd")
    found = {
        "rate_ratio": ratio_between(before[0], beside[0], after[0]),
        "rate_before": before[0],
        "rate": beside[0],
        "p99_before": before[1],
        "cpu_before": before[2],
        "noise": after[1] / before[1],
    }
    if beside[0]:
        found["p99_ratio"] = ratio_between(before[1], beside[1], after[1])
        found["p99"], found["cpu"] = beside[1:]
    return found


@contextmanager
def slow_clients(session: Session, count: int) -> Iterator[None]:
    """Have four half-sent heads for each body that trickles; they are a process of low priority."""
    bodies = count // 5
    command = [sys.executable, str(CLIENTS), "--port", str(session.port), "--pace", str(PACE)]
    command += ["--heads", str(count - bodies), "--bodies", str(bodies)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            if process.stdout.readline().strip() != "ready":
                raise BenchError("the slow clients could not all connect")
            yield
        finally:
            process.kill()


@contextmanager
def idle_connections(session: Session, count: int) -> Iterator[None]:
    """Have so many connections that were answered once and are kept."""
    with Pool(session.address) as pool:
        deadline = time.monotonic() + READY_SECONDS
        held: set[Connection] = set()
        asked = 0
        while len(held) < count:
            if time.monotonic() > deadline:
                raise BenchError(f"only {len(held)} of {count} idle connections were answered")
            while asked < min(count, len(held) + AT_A_TIME):
                pool.ask(pool.open(), get("/"))
                asked += 1
            for seen in pool.turn(1.0):
                if seen.status != 200 or not seen.kept:
                    raise BenchError(f"a connection was not kept: {seen.lost or seen.status}")
                held.add(seen.connection)
        yield
        pool.turn(0)
        gone = count - len(held & pool.open_ones)
        if gone:
            raise BenchError(f"{gone} of {count} idle connections were closed meanwhile")


AT_A_TIME = 64
"""They are to be answered and not to wait."""

SLOW_500 = Beside("slow-500", "500 slow clients beside wrk", 500, slow_clients, PATIENT)
SLOW_2000 = Beside("slow-2000", "2,000 slow clients beside wrk", 2000, slow_clients, PATIENT)
IDLE_1000 = Beside("idle-1000", "1,000 idle connections beside wrk", 1000, idle_connections, KEPT)
