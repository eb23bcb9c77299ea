"""What balance is for: the slowest answers of a short view, on workers that share their queue.

It is compared with the kernel's own way, SO_REUSEPORT, which deals connections out blindly: two
servers of one worker each on the same port.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from scene import Column, Scene
from servers import WORKERS
from session import free_port, running
from targets import Target, figure

from .stage import WHO, complete, known, traffic

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from servers import Server

COUNT = 2
VIEWS = {"busy": "/busy?2", "sleep": "/sleep?2"}
REUSE = ("--reuse-port",)


class Views(Scene):
    """wrk with 64 connections on two workers: a view that computes for 2 ms, one that sleeps."""

    name = "views"
    title = "2 ms views on 2 workers, wrk -t1 -c64, against two servers with SO_REUSEPORT"
    group = "balance"
    columns = (
        Column("busy_ratio", "p99 computing, x of SO_REUSEPORT's"),
        Column("sleep_ratio", "p99 sleeping, x of SO_REUSEPORT's"),
        Column("busy", "p99 ms computing", "", 1),
        Column("busy_apart", "with SO_REUSEPORT", "", 1),
        Column("sleep", "p99 ms sleeping", "", 1),
        Column("sleep_apart", "with SO_REUSEPORT", "", 1),
        Column("busy_rate", "requests/s computing", "", 0, "more"),
        Column("sleep_rate", "requests/s sleeping", "", 0, "more"),
    )

    targets = tuple(
        Target(f"2 ms view that {verb}, p99 / SO_REUSEPORT's", "views",
               figure("views", f"{name}_ratio", "x"), 1.15, "x")
        for name, verb in (("busy", "computes"), ("sleep", "sleeps"))
    )  # fmt: skip

    def applies(self, server: Server) -> str | None:
        """Leave out servers of one process."""
        if WORKERS not in server.capabilities:
            return "it has one process"
        return known(server)

    def estimate(self, options: Options) -> float:
        """Two views on one server and on two."""
        return 4.0 * options.seconds + 8

    def launch(self, options: Options) -> Launch:
        """Serve with two workers."""
        return WHO.launch(options, workers=COUNT)

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Load one server of two workers; ours also as two servers of one."""
        figures = {}
        with running(server, self.launch(options), options) as session:
            complete(session)
            for name, path in VIEWS.items():
                seen = traffic(session.address, options.seconds, path)
                figures[name] = seen.p99_ms
                figures[f"{name}_rate"] = seen.requests / seen.seconds
        if server.ours:
            for name, p99 in apart(options, server).items():
                figures[f"{name}_apart"] = p99
                figures[f"{name}_ratio"] = figures[name] / p99
        return figures


def apart(options: Options, server: Server) -> dict[str, float]:
    """Load two servers that share a port; return the p99 of each view in ms."""
    launch = WHO.launch(options, address=("127.0.0.1", free_port()), arguments=REUSE)
    # Two of the same kind would write into the same log.
    other = dataclasses.replace(options, out=options.out / "second")
    with running(server, launch, options) as session, running(server, launch, other):
        seen = {
            name: traffic(session.address, options.seconds, path) for name, path in VIEWS.items()
        }
        return {name: one.p99_ms for name, one in seen.items()}
