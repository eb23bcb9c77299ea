"""What clients notice when a worker is killed under their traffic, and when its place is taken."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scene import Column, Scene
from servers import SUPERVISED
from session import BenchError, running

from .connections import Connection, Pool, Seen, get
from .stage import WHO_DJANGO, Words, complete, known

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from servers import Server

WORKERS = 3
RESPAWN = Words(granian=("--respawn-failed-workers",))
"""Granian ends with its worker unless it is told so."""
CONNECTIONS = 16
WARM_SECONDS = 1.0
AFTER_SECONDS = 0.5
"""How long the traffic goes on when the place is taken: what is lost late is lost too."""
LONGEST_SECONDS = 20.0
PROBE_SECONDS = 0.005
"""So often somebody new comes, who may be the first to meet the new worker."""


class Kill(Scene):
    """Three Django workers under traffic, one of which is killed."""

    name = "kill"
    title = "`kill -9` of one of 3 Django workers under traffic"
    group = "life"
    columns = (
        Column("strength_ms", "ms to full strength", "", 0),
        Column("lost", "requests lost", "", 0),
        Column("cut", "cut", "", 0),
        Column("refused", "refused", "", 0),
        Column("slowest_ms", "slowest answer ms", "", 0),
        Column("answered", "answered meanwhile", "", 0, "more"),
    )

    def applies(self, server: Server) -> str | None:
        """Leave out servers whose workers are not replaced."""
        if SUPERVISED not in server.capabilities and not RESPAWN.to(server):
            return "it does not replace workers"
        return known(server)

    def prepare(self, options: Options) -> None:
        """Lay the site's data."""
        WHO_DJANGO.site.prepare(options)

    def estimate(self, options: Options) -> float:
        """A start, the warm-up, and a few seconds for the slowest to replace a worker."""
        return 9.0

    def started(self, options: Options, server: Server) -> Launch:
        """Serve the site that says who answered."""
        return WHO_DJANGO.launch(options, workers=WORKERS, arguments=RESPAWN.to(server))

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Kill one worker."""
        with running(server, self.started(options, server), options) as session:
            complete(session)
            return kill_one(session.address, session.launch.question.path, WORKERS)


@dataclass
class Witness:
    """What the clients have seen so far."""

    workers: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    wrong: Counter[int] = field(default_factory=Counter)
    answered: int = 0
    slowest: float = 0.0

    def note(self, seen: Seen) -> None:
        """Count one end."""
        if seen.lost:
            self.lost[seen.lost] += 1
        elif seen.status != 200:
            self.wrong[seen.status] += 1
        else:
            self.answered += 1
            self.workers[seen.header("X-Worker")] += 1
            self.slowest = max(self.slowest, seen.seconds)

    def losses(self) -> int:
        """Return how many requests had no right answer."""
        return self.lost.total() + self.wrong.total()


@dataclass
class Traffic:
    """Clients that ask without a pause, and one more that is new each time."""

    pool: Pool
    path: str
    witness: Witness = field(default_factory=Witness)
    probe: Connection | None = None
    next_probe: float = 0.0

    def begin(self) -> None:
        """Open the connections that stay."""
        for _ in range(CONNECTIONS):
            self.pool.ask(self.pool.open(), get(self.path))

    def turn(self) -> None:
        """Deal with what has ended; whoever has lost a connection comes again."""
        now = time.monotonic()
        if self.probe is None and now >= self.next_probe:
            self.probe = self.pool.open()
            self.pool.ask(self.probe, get(self.path, close=True))
            self.next_probe = now + PROBE_SECONDS
        for seen in self.pool.turn(PROBE_SECONDS):
            self.witness.note(seen)
            if seen.connection is self.probe:
                self.pool.close(seen.connection)
                self.probe = None
            else:
                again = seen.connection if seen.kept else self.pool.open()
                self.pool.ask(again, get(self.path))


def kill_one(address: tuple[str, int], path: str, workers: int) -> dict[str, float]:
    """Kill a worker under traffic; return the time to full strength and what was lost.

    The place counts as taken when a process answers that did not before the kill.
    """
    with Pool(address) as pool:
        traffic = Traffic(pool, path)
        traffic.begin()
        known = known_workers(traffic, workers)
        victim = max(known, key=lambda pid: (traffic.witness.workers[pid], pid))
        if traffic.witness.losses():
            raise BenchError(f"requests were lost before the kill: {traffic.witness}")
        traffic.witness = Witness()
        os.kill(int(victim), signal.SIGKILL)
        begun = time.monotonic()
        while not traffic.witness.workers.keys() - known:
            traffic.turn()
            if time.monotonic() > begun + LONGEST_SECONDS:
                raise BenchError(f"nobody took the place in {LONGEST_SECONDS:.0f} s")
        taken = time.monotonic() - begun
        while time.monotonic() < begun + taken + AFTER_SECONDS:
            traffic.turn()
        return figures(traffic.witness, taken)


def known_workers(traffic: Traffic, workers: int) -> set[str]:
    """Warm up; return the processes that answer, which must be all of them."""
    begun = time.monotonic()
    while time.monotonic() < begun + WARM_SECONDS or len(traffic.witness.workers) < workers:
        traffic.turn()
        if time.monotonic() > begun + LONGEST_SECONDS:
            raise BenchError(f"only {len(traffic.witness.workers)} of {workers} workers answer")
    if len(traffic.witness.workers) > workers:
        raise BenchError(f"{len(traffic.witness.workers)} processes answer, not {workers}")
    return set(traffic.witness.workers)


def figures(witness: Witness, taken: float) -> dict[str, float]:
    """Return what is shown."""
    return {
        "strength_ms": taken * 1000,
        "lost": witness.losses(),
        "cut": witness.lost["cut"],
        "refused": witness.lost["refused"],
        "answered": witness.answered,
        "slowest_ms": witness.slowest * 1000,
    }
