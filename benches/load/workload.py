"""A scene in which a load generator asks one question over and over."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounting import cpu_seconds, pss_kib
from launch import Launch
from scene import Column, Scene
from session import BenchError, Session, running
from wrk import CONNECTIONS
from wrk import load as wrk_load

if TYPE_CHECKING:
    from launch import Question
    from options import Options
    from servers import Server
    from sites import Site
    from wrk import Traffic

    Load = Callable[[Session, int, int], Traffic]

WARM_UP_SECONDS = 1
COLUMNS = (
    Column("cpu_us", "CPU µs/request", "µs"),
    Column("cores", "cores busy"),
    Column("rate", "requests/s", "/s", digits=0, better="more"),
    Column("p50_ms", "p50 ms", "ms"),
    Column("p99_ms", "p99 ms", "ms"),
    Column("master_pss", "first process PSS MiB", "MiB", digits=1),
    Column("tree_pss", "all PSS MiB", "MiB", digits=1),
    Column("errors", "socket errors", digits=0),
)
TIMES_FLOOR = Column("times_floor", "x floor")


@dataclass(frozen=True, eq=False)
class Workload(Scene):
    """One application under one kind of request.

    `about` is the column that it is about, `load(session, seconds, connections)` the load
    generator, `one_core` keeps the server on one core. `needs` are the capabilities that a server
    must have, `peers` the other servers that it is compared with (None: all), `short_peers` those
    of them that `make bench` has time for.
    """

    name: str
    title: str
    group: str
    site: Site
    question: Question
    connections: int = CONNECTIONS
    workers: int = 1
    threads: int = 1
    needs: frozenset[str] = frozenset()
    short: bool = False
    has_floor: bool = False
    about: str = "cpu_us"
    load: Load = wrk_load
    one_core: bool = False
    peers: tuple[str, ...] | None = None
    short_peers: tuple[str, ...] | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return what is read of each load; with a floor, what the application leaves."""
        about = [column for column in COLUMNS if column.key == self.about]
        others = [column for column in COLUMNS if column.key != self.about]
        return (*about, *([TIMES_FLOOR] if self.has_floor else []), *others)

    def launch(self, options: Options) -> Launch:
        """Serve the site with so many workers and threads."""
        return Launch(
            self.site.folder,
            self.site.application,
            self.question,
            self.site.environment(options.out),
            workers=self.workers,
            threads=self.threads,
            core=max(os.sched_getaffinity(0)) if self.one_core else options.pin,
        )

    def prepare(self, options: Options) -> None:
        """Lay the site's data."""
        self.site.prepare(options)

    def finish(self) -> None:
        """End what the site needed."""
        self.site.finish()

    def applies(self, server: Server) -> str | None:
        """Leave out who cannot do it, and peers of whom the workload says nothing new."""
        if not server.runs_python:
            return "it runs no application"
        lacking = self.needs - server.capabilities
        if lacking:
            return f"cannot do: {', '.join(sorted(lacking))}"
        if server.command("app", ("127.0.0.1", 1), self.workers, self.threads) is None:
            return f"cannot have {self.workers} workers with {self.threads} threads"
        if server.is_peer and self.peers is not None and server.name not in self.peers:
            return "not compared here"
        return None

    def estimate(self, options: Options) -> float:
        """Count the start, the warm-up and the stop too."""
        return options.seconds + WARM_UP_SECONDS + 0.7

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Start the server, warm it up, load it, and read what it used."""
        with running(server, self.launch(options), options) as session:
            self.load(session, WARM_UP_SECONDS, self.connections)
            session.check()
            figures = loaded(session, lambda: self.load(session, options.seconds, self.connections))
            session.check()
            return figures


def loaded(session: Session, load: Callable[[], Traffic]) -> dict[str, float]:
    """Load a warm server and compare its clocks before and after."""
    before = cpu_seconds(session.tree())
    traffic = load()
    after = cpu_seconds(session.tree())
    if before.keys() != after.keys():
        raise BenchError(f"processes came or went during the load: {[*before]} → {[*after]}")
    used = sum(after.values()) - sum(before.values())
    pss = {pid: pss_kib(pid) / 1024 for pid in after}
    return {
        "cpu_us": used / traffic.requests * 1e6,
        "cores": used / traffic.seconds,
        "rate": traffic.requests / traffic.seconds,
        "p50_ms": traffic.p50_ms,
        "p99_ms": traffic.p99_ms,
        "requests": traffic.requests,
        "errors": traffic.socket_errors,
        "master_pss": pss[session.pid],
        "tree_pss": sum(pss.values()),
    }
