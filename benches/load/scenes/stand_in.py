"""How long a health answer takes while a request of the application runs in the same worker."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from scene import Column, Scene
from session import BenchError, running
from targets import Target

from .connections import Connection, Pool, Seen, get
from .figures import percentile, worst_figure
from .stage import WHO

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from servers import Server

HEALTH = "/health"
SLEEPERS = 2
"""One runs and one waits for it, so that at no time nothing runs."""
SLEEP_PATH = "/sleep?100"
PAUSE_SECONDS = (0.003, 0.017)
"""Between two questions: they are to meet the sleep at every point."""
SAMPLE_SECONDS = 1.0
"""A question that is not answered within this ends the measurement."""


class StandIn(Scene):
    """Health answers of a worker whose only Python thread is taken by a view that sleeps."""

    name = "stand-in"
    title = "health answers beside a 100 ms sleeping view, 1 worker, 1 thread"
    group = "stand-in"
    columns = (
        Column("max_ms", "max ms"),
        Column("p99_ms", "p99 ms"),
        Column("p50_ms", "p50 ms"),
        Column("fresh_max_ms", "max ms, new connection"),
        Column("fresh_p99_ms", "p99 ms, new connection"),
    )

    targets = (
        Target("health answer beside a sleeping view, the slowest; on a new connection", "stand-in",
               worst_figure("stand-in", ["max_ms", "fresh_max_ms"], "ms"), 5, "ms"),
    )  # fmt: skip

    def applies(self, server: Server) -> str | None:
        """Measure rwsgi alone: with the others a thread answers everything."""
        return None if server.ours else "it answers nothing without the application"

    def samples(self, options: Options) -> int:
        """Return how often is asked in each way: 200 times in five seconds."""
        return min(200, 40 * options.seconds)

    def estimate(self, options: Options) -> float:
        """A start, and two samples every 20 ms."""
        return 3 + self.samples(options) * 0.025

    def launch(self, options: Options) -> Launch:
        """Serve with one Python thread."""
        return WHO.launch(options, arguments=("--health-path", HEALTH))

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Ask for health on a kept connection and on new ones."""
        with running(server, self.launch(options), options) as session:
            return ask_beside(session.address, f"{HEALTH}/live", self.samples(options)).figures()


@dataclass
class Asked:
    """The health answers' seconds: on a connection that is kept, and on a new one each time."""

    kept: list[float] = field(default_factory=list)
    fresh: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Return what is shown, in milliseconds."""
        return {
            "p50_ms": percentile(self.kept, 50) * 1000,
            "p99_ms": percentile(self.kept, 99) * 1000,
            "max_ms": max(self.kept) * 1000,
            "fresh_p99_ms": percentile(self.fresh, 99) * 1000,
            "fresh_max_ms": max(self.fresh) * 1000,
        }


def ask_beside(address: tuple[str, int], path: str, samples: int) -> Asked:
    """Ask so often on a kept connection and as often on new ones, while sleeping views run."""
    chance = Random(samples)  # noqa: S311 - nothing secret
    asked = Asked()
    with Pool(address) as pool:
        sleepers = {pool.open() for _ in range(SLEEPERS)}
        for sleeper in sleepers:
            pool.ask(sleeper, get(SLEEP_PATH))
        patient = pool.open()
        while len(asked.fresh) < samples:
            until = time.monotonic() + chance.uniform(*PAUSE_SECONDS)
            rest(pool, sleepers, until)
            asked.kept.append(one_answer(pool, sleepers, patient, path))
            rest(pool, sleepers, until + chance.uniform(*PAUSE_SECONDS))
            new = pool.open()
            asked.fresh.append(one_answer(pool, sleepers, new, path))
            pool.close(new)
    return asked


def rest(pool: Pool, sleepers: set[Connection], until: float) -> None:
    """Keep the sleeping views going until then."""
    while (left := until - time.monotonic()) > 0:
        for seen in pool.turn(left):
            again(pool, sleepers, seen)


def one_answer(pool: Pool, sleepers: set[Connection], connection: Connection, path: str) -> float:
    """Ask once; return the seconds until the answer."""
    begun = time.monotonic()
    pool.ask(connection, get(path))
    while time.monotonic() < begun + SAMPLE_SECONDS:
        found = None
        for seen in pool.turn(SAMPLE_SECONDS):
            if seen.connection is connection:
                found = seen
            else:
                again(pool, sleepers, seen)
        if found is not None:
            if found.status != 200:
                raise BenchError(f"`{path}`: {found.lost or found.status}, 200 was expected")
            return found.seconds
    raise BenchError(f"`{path}` was not answered in {SAMPLE_SECONDS:.0f} s")


def again(pool: Pool, sleepers: set[Connection], seen: Seen) -> None:
    """Have the next sleeping view begin."""
    if seen.connection not in sleepers or not seen.kept or seen.status != 200:
        raise BenchError(f"a sleeping view was not answered: {seen.lost or seen.status}")
    pool.ask(seen.connection, get(SLEEP_PATH))
