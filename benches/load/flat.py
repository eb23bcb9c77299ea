"""The memory check: many requests of 1 MiB up and down must leave the workers' memory flat."""

from __future__ import annotations

import http.client
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from accounting import rss_kib
from launch import Launch, Question, connect
from result import Result
from scene import Column, Scene
from session import BenchError, Session, running
from sites import ECHO_SITE, expect
from targets import Reading, Target

if TYPE_CHECKING:
    from options import Options
    from servers import Server

STEPS = 20
CLIENTS = 4
PAYLOAD = os.urandom(1 << 20)
SECONDS_PER_REQUEST = 0.05
"""A hundred times what a request takes; with it the check is bounded in time."""
REQUESTS_TO_JUDGE = 10_000
GROWTH_KIB = 4096
"""One buffer more for each of the four clients, which an allocator may keep, is not a leak;
10,000 requests that each lose 900 bytes go beyond it."""


def growth(result: Result, server: str) -> Reading | None:
    """Read how far the workers' memory grew in the second half of the large bodies."""
    rows = result.rows_of(server, Flat.name)
    if not rows:
        return None
    seen = rows[0].figures
    shown = (
        f"{seen['before']:.1f} → {seen['middle']:.1f} → {seen['after']:.1f} MiB,"
        f" growth {seen['growth']:+,.0f} KiB ({seen['requests']:,.0f} requests)"
    )
    return Reading(seen["growth"], shown, seen["requests"] >= REQUESTS_TO_JUDGE)


class Flat(Scene):
    """Resident memory of a server's workers over many large bodies, in equal steps."""

    name = "memory"
    title = "Memory over 1 MiB bodies up and down"
    group = "memory"
    columns = (
        Column("growth", "growth KiB", "KiB", digits=0),
        Column("before", "before MiB", "MiB", digits=1),
        Column("middle", "half way MiB", "MiB", digits=1),
        Column("after", "after MiB", "MiB", digits=1),
        Column("most", "most MiB", "MiB", digits=1),
        Column("requests", "requests", digits=0, better="more"),
    )
    rounds = 1
    short = True
    targets = (
        Target("worker's memory, 10,000 x 1 MiB up and down", name, growth, GROWTH_KIB, "KiB"),
    )

    def applies(self, server: Server) -> str | None:
        """Leave the peers out: how their memory grows says nothing of rwsgi's."""
        return "not compared here" if server.is_peer else None

    def launch(self, options: Options) -> Launch:
        """Serve what sends the body back."""
        asked = Question("/", expect(b""))
        return Launch(ECHO_SITE.folder, ECHO_SITE.application, asked, core=options.pin)

    def estimate(self, options: Options) -> float:
        """Two milliseconds a request."""
        return options.flat_requests * 0.002 + 2

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Give megabytes at the steps, and the growth in KiB."""
        with running(server, self.launch(options), options) as session:
            per_client = math.ceil(options.flat_requests / (STEPS * CLIENTS))
            samples = sampled(session, per_client)
        return figures_of(samples, per_client * STEPS * CLIENTS)


FLAT = Flat()


def figures_of(samples: list[int], requests: int) -> dict[str, float]:
    """Read samples in KiB, of which the first was taken before the first request.

    Growth is how far the peak of the second half lies above the peak of the first: an allocator
    that gives memory back between two samples makes any two single ones differ by megabytes in
    either direction.
    """
    after = samples[1:]
    half = len(after) // 2
    return {
        "growth": max(after[half:]) - max(after[:half]),
        "before": samples[0] / 1024,
        "middle": samples[len(samples) // 2] / 1024,
        "after": samples[-1] / 1024,
        "most": max(samples) / 1024,
        "requests": requests,
    }


def sampled(session: Session, per_client: int) -> list[int]:
    """Send the requests in equal steps and look at the memory when none is under way."""
    deadline = time.monotonic() + 60 + per_client * STEPS * CLIENTS * SECONDS_PER_REQUEST
    workers = workers_of(session)
    samples = [resident(workers)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in range(STEPS):
            steps = [pool.submit(send, session, per_client) for _ in range(CLIENTS)]
            for step in steps:
                step.result()
            if workers_of(session) != workers:
                raise BenchError("a worker was replaced")
            if time.monotonic() > deadline:
                raise BenchError(f"only {len(samples)} of {STEPS} steps were done in time")
            samples.append(resident(workers))
    return samples


def workers_of(session: Session) -> list[int]:
    """Return the processes that run the application: all but the first, if there are others."""
    tree = session.tree()
    return tree[1:] or tree


def resident(workers: list[int]) -> int:
    """Add up the resident memory of the workers, in KiB."""
    return sum(rss_kib(pid) for pid in workers)


def send(session: Session, count: int) -> None:
    """Send `count` bodies one after the other, and compare what comes back."""
    connection = connect(session.address, timeout=30)
    try:
        for _ in range(count):
            connection.request("POST", session.launch.question.path, body=PAYLOAD)
            answer = connection.getresponse()
            if answer.status != 200 or answer.read() != PAYLOAD:
                raise BenchError(f"a body came back wrong (status {answer.status})")
    except http.client.HTTPException as error:
        raise BenchError(f"a body did not come back: {error!r}") from error
    finally:
        connection.close()
