"""Twice as many requests as a server can serve: an open loop, in which nobody waits for anybody."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scene import Column, Scene
from servers import THREADS
from session import running

from .connections import Connection, Pool, Seen, get
from .figures import percentile
from .stage import MANY, WHO, Words, known

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from servers import Server

THREADS_USED = 4
VIEW_MS = 20
TIMES = 2.0
IN_TIME_SECONDS = 1.0
"""Who waits for longer has asked again, or gone: the answer is for nobody."""
QUEUE_TIMEOUT = Words(rwsgi=("--queue-timeout", "0.5"))
LONGEST_WAIT = 0.05
PATIENCE_SECONDS = 3.0
"""Clients that have waited for so long after the last request was sent have gone."""


COLUMNS = (
    Column("in_time", "answered in 1 s, /s", "", 0, "more"),
    Column("offered", "offered/s", "", 0, "more"),
    Column("answered", "answered/s", "", 0, "more"),
    Column("refused", "503/s", "", 0),
    Column("unanswered", "not answered/s", "", 0),
    Column("p50_ms", "p50 ms of the answered", "", 0),
    Column("p99_ms", "p99 ms of the answered", "", 0),
)


class Overload(Scene):
    """A view of 20 ms in four threads, asked for 400 times a second."""

    group = "overload"
    columns = COLUMNS

    def __init__(self, name: str, title: str, words: Words) -> None:
        """Describe what servers are told of it; who cannot be told is not measured then."""
        self.name, self.title, self.words = name, title, words

    def applies(self, server: Server) -> str | None:
        """Leave out servers without threads, and without what is told."""
        if THREADS not in server.capabilities:
            return "it has no chosen number of threads"
        if self.words != Words() and not self.words.to(server):
            return "it has no time limit for requests that wait"
        return known(server)

    def estimate(self, options: Options) -> float:
        """The offer, and the patience of those who wait."""
        return 2 * options.seconds + PATIENCE_SECONDS + 3

    def started(self, options: Options, server: Server) -> Launch:
        """Serve in four threads."""
        given = (*MANY.to(server), *self.words.to(server))
        return WHO.launch(options, threads=THREADS_USED, arguments=given)

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Offer twice of what four threads can do."""
        path = f"/sleep?{VIEW_MS}"
        rate = TIMES * THREADS_USED * 1000 / VIEW_MS
        with running(server, self.started(options, server), options) as session:
            # Twice as long as other loads: the queue must have time to grow.
            offer = Offer(path, rate, 2.0 * options.seconds)
            return offered(session.address, offer).figures()


@dataclass(frozen=True)
class Offer:
    """What is asked for: so many requests a second for so many seconds."""

    path: str
    rate: float
    seconds: float

    @property
    def count(self) -> int:
        """How many requests that are."""
        return int(self.rate * self.seconds)


@dataclass
class Outcome:
    """What became of them."""

    offer: Offer
    statuses: Counter[int] = field(default_factory=Counter)
    lost: int = 0
    waits: list[float] = field(default_factory=list)
    """Seconds of each request that was answered 200."""

    def in_time_per_second(self) -> float:
        """Return how many were answered 200 in time, for each second of the offer."""
        return sum(wait <= IN_TIME_SECONDS for wait in self.waits) / self.offer.seconds

    def figures(self) -> dict[str, float]:
        """Return what is shown: rates a second, parts of all that were offered, milliseconds."""
        answered = sum(self.statuses.values())
        found = {
            "offered": self.offer.count / self.offer.seconds,
            "in_time": self.in_time_per_second(),
            "answered": len(self.waits) / self.offer.seconds,
            "refused": self.statuses[503] / self.offer.seconds,
            "unanswered": (self.offer.count - answered) / self.offer.seconds,
        }
        if self.waits:
            found["p50_ms"] = percentile(self.waits, 50) * 1000
            found["p99_ms"] = percentile(self.waits, 99) * 1000
        return found


def offered(address: tuple[str, int], offer: Offer) -> Outcome:
    """Send every request when it is due, on a connection that is free or a new one."""
    outcome = Outcome(offer)
    free: list[Connection] = []
    request = get(offer.path)
    with Pool(address) as pool:
        begun = time.monotonic()
        sent = 0
        while (now := time.monotonic()) < begun + offer.seconds + PATIENCE_SECONDS:
            while sent < offer.count and (due := begun + sent / offer.rate) <= now:
                pool.ask(taken(pool, free), request, due)
                sent += 1
            done = sent == offer.count
            if done and sum(outcome.statuses.values()) + outcome.lost == sent:
                break
            # Bounded by `PATIENCE_SECONDS` where no request is due any more.
            longest = LONGEST_WAIT if done else begun + sent / offer.rate - now
            for seen in pool.turn(longest):
                note(outcome, seen)
                if seen.kept:
                    free.append(seen.connection)
    return outcome


def taken(pool: Pool, free: list[Connection]) -> Connection:
    """Take a connection that waits for nothing, or open one."""
    while free:
        connection = free.pop()
        if connection in pool.open_ones:
            return connection
    return pool.open()


def note(outcome: Outcome, seen: Seen) -> None:
    """Count one end."""
    if seen.lost:
        outcome.lost += 1
        return
    outcome.statuses[seen.status] += 1
    if seen.status == 200:
        outcome.waits.append(seen.seconds)


OVERLOAD = Overload("overload", "20 ms view in 4 threads, offered twice what they can do", Words())
OVERLOAD_REFUSING = Overload(
    "overload-queue-timeout", "the same with a queue timeout of 0.5 s", QUEUE_TIMEOUT
)
