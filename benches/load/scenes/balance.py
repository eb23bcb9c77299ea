"""Which worker has which connection: 64 clients that stay, and 64 that come and go."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from random import Random
from statistics import median
from typing import TYPE_CHECKING

from scene import Column, Scene
from servers import KEEP_ALIVE, WORKERS
from session import BenchError, running
from targets import Target

from .connections import Connection, Pool, get
from .figures import worst_figure, worst_share
from .stage import WHO, WHO_DJANGO, Served, complete, known

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from servers import Server

COUNTS = (2, 3)
"""So many workers."""

CONNECTIONS = 64
SETTLED_SECONDS = 1.0
"""From then on every worker is to have its share."""
LOOK_SECONDS = 0.1
LONGEST_CHURN = 3.0
SLACK_SECONDS = 10.0
LONGEST_LIFE = 40
"""Requests that a connection makes at most where they come and go."""

Life = Callable[[], int]
"""After how many requests the next connection closes."""


class Balance(Scene):
    """64 connections over two and three workers; a figure is how far the worst worker is off.

    Those that come and go are looked at twenty times. One that closes has to be made up for by the
    next that comes, so at a moment some worker is one or two off; over the time none is to be.
    """

    group = "balance"
    columns = (
        Column("kept_2", "2 workers, kept", "%", 1),
        Column("kept_3", "3 workers, kept", "%", 1),
        Column("churn_2", "2 workers, come and go", "%", 1),
        Column("churn_3", "3 workers, come and go", "%", 1),
        Column("moment_2", "2 workers, come and go, at a moment", "%", 1),
        Column("moment_3", "3 workers, come and go, at a moment", "%", 1),
        Column("served_2", "2 workers, come and go, of 64 accepted", "", 0, "more"),
        Column("served_3", "3 workers, come and go, of 64 accepted", "", 0, "more"),
    )

    def __init__(self, name: str, title: str, serve: Served) -> None:
        """Describe what is served: work in Python keeps a worker from its other connections."""
        self.name, self.title, self.serve = name, title, serve
        kinds = {"kept": "connections that stay", "churn": "connections that come and go"}
        self.targets = tuple(
            Target(f"{name}, 2 and 3 workers, {text}", name,
                   worst_figure(name, [f"{kind}_{count}" for count in COUNTS], "% off"),
                   10, "% off its share")
            for kind, text in kinds.items()
        )  # fmt: skip

    def launch(self, options: Options) -> Launch:
        """Return how three workers are started; two are too."""
        return self.serve.launch(options, workers=COUNTS[-1])

    def applies(self, server: Server) -> str | None:
        """Leave out servers whose connections nobody keeps, and those of one process."""
        if not {KEEP_ALIVE, WORKERS} <= server.capabilities:
            return "it has no kept connections on several workers"
        return known(server)

    def prepare(self, options: Options) -> None:
        """Lay the site's data."""
        self.serve.site.prepare(options)

    def estimate(self, options: Options) -> float:
        """For two numbers of workers: a start, and two crowds."""
        return len(COUNTS) * (5.0 + LONGEST_CHURN)

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Look at those who stay when they have settled, and at the others for a second more."""
        figures = {}
        for count in COUNTS:
            with running(server, self.serve.launch(options, workers=count), options) as session:
                complete(session)
                path = session.launch.question.path
                looks = watch(session.address, path, staying, SETTLED_SECONDS)
                figures[f"kept_{count}"] = worst_share(looks[0], count)
                churn = min(LONGEST_CHURN, SETTLED_SECONDS + options.seconds)
                life = coming_and_going(number)
                looks = watch(session.address, path, life, churn)
                figures[f"churn_{count}"] = worst_share([*chain(*looks)], count)
                off = [worst_share(look, count) for look in looks]
                figures[f"moment_{count}"] = median(off)
                figures[f"served_{count}"] = median(map(len, looks))
        return figures


@dataclass
class Crowd:
    """Clients that ask without a pause; `looks` are the workers of all connections at a moment."""

    pool: Pool
    request: bytes
    life: Life
    lives: dict[Connection, int] = field(default_factory=dict)
    looks: list[list[str]] = field(default_factory=list)

    def come(self) -> None:
        """Open one connection and ask."""
        connection = self.pool.open()
        self.lives[connection] = self.life()
        self.pool.ask(connection, self.request)

    def turn(self, longest: float) -> None:
        """Deal with what was answered, and ask again."""
        for seen in self.pool.turn(longest):
            worker = seen.header("X-Worker")
            if seen.lost or seen.status != 200 or not worker:
                raise BenchError(f"no answer with `X-Worker`: {seen.lost or seen.status}")
            one = seen.connection
            one.owner = worker
            if seen.kept and one.asked < self.lives[one]:
                self.pool.ask(one, self.request)
            else:
                self.pool.close(one)
                del self.lives[one]
                self.come()

    def look(self) -> None:
        """Note who has which connection, as far as each has been answered once."""
        owners = [one.owner for one in self.pool.open_ones if one.owner]
        if owners:
            self.looks.append(owners)


def staying() -> int:
    """Let a connection live for as long as it is looked at."""
    return 1 << 60


def coming_and_going(seed: int) -> Life:
    """Let connections live for differently many requests, the same ones in each run."""
    chance = Random(seed)  # noqa: S311 - nothing secret
    return lambda: chance.randint(1, LONGEST_LIFE)


def watch(address: tuple[str, int], path: str, life: Life, seconds: float) -> list[list[str]]:
    """Let the clients ask; look at them when they have settled, and on until the time is over."""
    with Pool(address) as pool:
        crowd = Crowd(pool, get(path), life)
        begun = time.monotonic()
        for _ in range(CONNECTIONS):
            crowd.come()
        due = begun + SETTLED_SECONDS
        while (now := time.monotonic()) < begun + seconds or not crowd.looks:
            if now > begun + seconds + SLACK_SECONDS:
                raise BenchError("no connection was answered")
            if now >= due:
                crowd.look()
                due += LOOK_SECONDS
            crowd.turn(max(0.0, due - now))
        return crowd.looks


TITLE = "64 connections over 2 and 3 workers: % off its share, the worst worker"
BALANCE = Balance("balance", TITLE, WHO)
BALANCE_DJANGO = Balance("balance-django", f"Django JSON, {TITLE}", WHO_DJANGO)
