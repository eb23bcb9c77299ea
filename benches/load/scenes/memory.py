"""What three Django workers cost in memory, and what they cost when they are forked from one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from accounting import cpu_seconds, pss_kib
from scene import Column, Scene
from servers import PRELOAD, WORKERS
from session import BenchError, Session, running
from targets import Target

from .connections import Pool, get
from .figures import part_of_gunicorns
from .stage import DJANGO, complete, known

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from servers import Server

PLAIN = "memory-w3"
COUNT = 3
PAGES = ("/", "/entries/", "/json/", "/upload/", "/accounts/login/", "/admin/login/")
CLIENTS = 12
"""At a time, each on a connection of its own: so all workers get some of them."""
REQUESTS = 600
WAIT_SECONDS = 20.0
WORKED_SECONDS = 0.02
"""Processor time of a few pages."""


class Memory(Scene):
    """The proportional set size of all processes, at rest and after some hundred requests."""

    group = "memory"
    columns = (
        Column("loaded", "PSS MiB, after 600 requests", "", 1),
        Column("rest", "PSS MiB, at rest", "", 1),
        Column("master", "of that the first process", "", 1),
        Column("processes", "processes", "", 0),
    )

    def __init__(self, name: str, title: str, preload: bool) -> None:
        """Describe one of the two ways."""
        self.name, self.title, self.preload = name, title, preload
        limit, what = (0.5, "Gunicorn's without") if preload else (1.0, "Gunicorn's")
        self.targets = tuple(
            Target(
                f"{title}, {when} / {what}", name, part_of_gunicorns(name, PLAIN, key), limit, "x"
            )
            for key, when in (("rest", "at rest"), ("loaded", "after 600 requests"))
        )

    def applies(self, server: Server) -> str | None:
        """Leave out servers that cannot be started like this."""
        if WORKERS not in server.capabilities:
            return "it has one process"
        if self.preload and PRELOAD not in server.capabilities:
            return "it does not load the application before the fork"
        return known(server)

    def prepare(self, options: Options) -> None:
        """Lay the site's data."""
        DJANGO.site.prepare(options)

    def estimate(self, options: Options) -> float:
        """A start, the requests, and twice until all is at rest."""
        return 7.0

    def launch(self, options: Options) -> Launch:
        """Serve the site with three workers."""
        return DJANGO.launch(
            options, workers=COUNT, arguments=("--preload",) if self.preload else ()
        )

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Look before the requests and after them."""
        with running(server, self.launch(options), options) as session:
            rest = sum(map(pss_kib, complete(session)))
            before = cpu_seconds(session.tree())
            visit(session, REQUESTS)
            tree = complete(session)
            all_worked(before, cpu_seconds(tree), COUNT)
            loaded = [pss_kib(pid) for pid in tree]
            return {
                "loaded": sum(loaded) / 1024,
                "rest": rest / 1024,
                "master": loaded[0] / 1024,
                "processes": len(tree),
            }


def all_worked(before: dict[int, float], after: dict[int, float], workers: int) -> None:
    """Raise `BenchError` unless all workers have worked: idle ones stay small."""
    worked = [pid for pid in after if after[pid] - before.get(pid, 0.0) > WORKED_SECONDS]
    if len(worked) < workers:
        raise BenchError(f"only {len(worked)} of {workers} workers were given requests")


def visit(session: Session, count: int) -> None:
    """Ask for all pages in turn; raise `BenchError` when one is not answered."""
    with Pool(session.address) as pool:
        for sent in range(CLIENTS):
            pool.ask(pool.open(), page(sent))
        sent, answered = CLIENTS, 0
        deadline = time.monotonic() + WAIT_SECONDS
        while answered < count:
            if time.monotonic() > deadline:
                raise BenchError(f"only {answered} of {count} pages came in {WAIT_SECONDS:.0f} s")
            for one in pool.turn(1.0):
                if one.status != 200:
                    raise BenchError(f"a page was not answered: {one.lost or one.status}")
                answered += 1
                if sent < count:
                    pool.ask(pool.open(), page(sent))
                    sent += 1


def page(number: int) -> bytes:
    """Write the request for one of the pages."""
    return get(PAGES[number % len(PAGES)], close=True)


MEMORY = Memory(PLAIN, "3 Django workers: memory of all processes", preload=False)
MEMORY_PRELOAD = Memory("memory-w3-preload", "the same with `--preload`", preload=True)
