"""Normal traffic beside clients that do nothing: slow ones, and connections that are idle.

What is compared is the same load on the same server: before, beside and after them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from scene import Column, Scene
from servers import KEEP_ALIVE
from session import BenchError, Session, running
from targets import ROUNDS, Read, Reading, Target, figure

from .connections import Connection, Pool, get
from .figures import ratio_between
from .stage import (
    DJANGO,
    HELLO,
    KEPT,
    MANY,
    SHORT_PEERS,
    Served,
    Words,
    known,
    processor_time,
    traffic,
)

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from result import Result
    from servers import Server

CLIENTS = Path(__file__).resolve().parent / "slow_clients.py"
LIMIT = 0.1
"""Requests/s and p99 beside a crowd may differ by this part from those without."""
LONGEST_LOAD = 3
PACE = 2500
"""Slow clients that connect each second."""
READY_SECONDS = 60
AT_A_TIME = 64
"""So many idle connections are made at a time: they are to be answered and not to wait."""
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
    Column("p99_after", "after it"),
    Column("cpu_before", "CPU µs/request without"),
    Column("cpu", "with"),
)


@dataclass(frozen=True)
class Kind:
    """One sort of crowd: how it is there, and what servers must be told so that it may stay."""

    crowd: Crowd
    words: Words


class Beside(Scene):
    """wrk on one worker, without, with, and again without so many clients of one kind."""

    group = "crowds"
    columns = COLUMNS
    short_peers = SHORT_PEERS

    def __init__(self, name: str, count: int, kind: Kind, serve: Served) -> None:
        """Describe the crowd, and what the others ask for."""
        self.name, self.count, self.kind, self.serve = name, count, kind, serve
        who = "slow clients" if kind is SLOW else "idle connections"
        what = "Django JSON" if serve is DJANGO else "hello"
        beside = f"{count:,} {who} beside {what}"
        self.title = f"{beside}, 1 worker, wrk -t1 -c64"
        rate_ratio = figure(name, "rate_ratio", "x", 3)
        rate = Target(
            f"{beside}, requests/s with / without", name, rate_ratio, 1 - LIMIT, "x", "more"
        )
        p99 = Target(f"{beside}, p99 with / without", name, p99_ratio(name), 1 + LIMIT, "x")
        self.targets = (rate, p99)

    def applies(self, server: Server) -> str | None:
        """Leave out servers that keep no connection: with them it is another load."""
        if KEEP_ALIVE not in server.capabilities:
            return "it keeps no connections"
        if server.is_peer and (self.serve is HELLO or server.name not in SHORT_PEERS):
            return "not compared here"
        return known(server)

    def prepare(self, options: Options) -> None:
        """Lay the site's data."""
        self.serve.site.prepare(options)

    def estimate(self, options: Options) -> float:
        """Three loads, a warm-up, and the crowd's coming."""
        return 3 * load_seconds(options) + 4 + self.count / PACE

    def started(self, options: Options, server: Server) -> Launch:
        """Allow all clients to come, and to stay."""
        words = (*MANY.to(server), *self.kind.words.to(server))
        return self.serve.launch(options, arguments=words)

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Load the server three times; the crowd is there at the second one."""
        seconds = load_seconds(options)
        with running(server, self.started(options, server), options) as session:
            traffic(session.address, 1, session.launch.question.path)
            before = loaded(session, seconds)
            with self.kind.crowd(session, self.count):
                beside = loaded(session, seconds)
            time.sleep(SETTLE_SECONDS)
            after = loaded(session, seconds)
        return compared(before, beside, after)


def load_seconds(options: Options) -> int:
    """Return the length of each of the three loads."""
    return min(LONGEST_LOAD, options.seconds)


def p99_ratio(scene: str) -> Read:
    """Read the p99 with / without; a miss says nothing where those without differ as much.

    That is the largest of them / the least, of all rounds, before the crowd and after it.
    """

    def read(result: Result, server: str) -> Reading | None:
        values = result.values(server, scene, "p99_ratio")
        before = result.values(server, scene, "p99_before")
        after = result.values(server, scene, "p99_after")
        if not values or not before or not after:
            return None
        without = [*before.values(), *after.values()]
        value, noise = median(values.values()), max(without) / min(without)
        enough = len(values) >= ROUNDS and (value <= 1 + LIMIT or noise <= 1 + LIMIT)
        return Reading(value, f"{value:.3f} x ({noise:.2f} x without them)", enough)

    return read


def loaded(session: Session, seconds: int) -> tuple[float, float, float]:
    """Load the server: requests a second, p99 in ms, CPU µs a request. Zeros: it served nobody."""
    used = processor_time(session)
    seen = traffic(session.address, seconds, session.launch.question.path)
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
        "p99_after": after[1],
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
                pool.ask(pool.open(), get(session.launch.question.path))
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


SLOW = Kind(slow_clients, PATIENT)
IDLE = Kind(idle_connections, KEPT)
SLOW_500 = Beside("slow-500", 500, SLOW, DJANGO)
SLOW_2000 = Beside("slow-2000", 2000, SLOW, DJANGO)
SLOW_2000_HELLO = Beside("slow-2000-hello", 2000, SLOW, HELLO)
IDLE_1000 = Beside("idle-1000", 1000, IDLE, DJANGO)
IDLE_1000_HELLO = Beside("idle-1000-hello", 1000, IDLE, HELLO)
CROWDS = (SLOW_500, SLOW_2000, SLOW_2000_HELLO, IDLE_1000, IDLE_1000_HELLO)
