"""What the scenes serve, what servers are told in their own words, and wrk beside other clients."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accounting import cpu_seconds
from launch import Launch, Question
from session import BenchError, Session
from sites import APPS, DEMO_SITE, HELLO_SITE, Site, expect, wrong_json
from wrk import CONNECTIONS, SCRIPT, Traffic, parse

if TYPE_CHECKING:
    from options import Options

if TYPE_CHECKING:
    from servers import Server

CALM_SECONDS = 0.25
CALM_CPU_SECONDS = 0.002
"""What a supervisor that looks at its workers once a second may use in that time."""
LONGEST_SECONDS = 30.0


@dataclass(frozen=True)
class Words:
    """Arguments that mean the same to every server that has such a thing."""

    rwsgi: tuple[str, ...] = ()
    gunicorn: tuple[str, ...] = ()
    granian: tuple[str, ...] = ()

    def to(self, server: Server) -> tuple[str, ...]:
        """Return the arguments for one server; none for one that has no such thing."""
        return getattr(self, server.name.partition("-")[0], ())


MANY = Words(
    rwsgi=("--worker-connections", "20000", "--limit-connections-per-ip", "0"),
    gunicorn=("--worker-connections", "20000"),
    granian=("--backpressure", "20000"),
)
"""All clients come from one address: what it may have is not what is measured."""
KEPT = Words(rwsgi=("--keep-alive", "600"), gunicorn=("--keep-alive", "600"))
"""A connection with nothing to do is to stay for as long as is measured."""
PEERS = ("gunicorn-sync", "gunicorn-gthread", "granian", "granian-bt1")
"""Those with what the scenes need: workers that are watched over, and a command line for limits."""
SHORT_PEERS = ("gunicorn-gthread", "granian-bt1")


def known(server: Server) -> str | None:
    """Return why a server is not looked at, or None."""
    return None if server.name in PEERS or not server.is_peer else "not compared here"


def demo_by_path(out: Path) -> dict[str, str]:
    """Give the settings of the demo site, to an application in another folder."""
    return {**DEMO_SITE.environment(out), "PYTHONPATH": str(DEMO_SITE.folder)}


@dataclass(frozen=True)
class Served:
    """What a server serves, and a request with a right answer."""

    site: Site
    question: Question

    def launch(self, options: Options, **more) -> Launch:
        """Return how a server is started; `more` are further fields of the launch."""
        environment = self.site.environment(options.out)
        return Launch(
            self.site.folder,
            self.site.application,
            self.question,
            environment,
            core=options.pin,
            **more,
        )


GREETING = Question("/", expect(b"Hello, World!\n"))
PAGE = Question("/json/", wrong_json)
HELLO = Served(HELLO_SITE, GREETING)
DJANGO = Served(DEMO_SITE, PAGE)
WHO = Served(Site(APPS, "who:application"), GREETING)
"""Says which process answers; sleeps or computes as the path asks for."""
WHO_DJANGO = Served(Site(APPS, "who_django:application", demo_by_path, DEMO_SITE.prepare), PAGE)
"""The demo site, which says which process answers."""


def complete(session: Session) -> list[int]:
    """Wait until all workers are there and at rest; return the processes, the first one first.

    Raises `BenchError` when that does not come about.
    """
    deadline = time.monotonic() + LONGEST_SECONDS
    used: dict[int, float] = {}
    while time.monotonic() < deadline:
        tree = session.tree()
        try:
            now = cpu_seconds(tree)
        except OSError:
            # One of those that only help to start the others has gone.
            continue
        same = now.keys() == used.keys() and len(tree) > session.launch.workers
        if same and sum(now.values()) - sum(used.values()) <= CALM_CPU_SECONDS:
            return tree
        used = now
        time.sleep(CALM_SECONDS)
    raise BenchError(f"{session.server.name}: its workers are not at rest: {used}")


def processor_time(session: Session) -> float:
    """Return the CPU seconds that all processes of a server have used so far."""
    return sum(cpu_seconds(session.tree()).values())


def traffic(address: tuple[str, int], seconds: int, path: str = "/") -> Traffic:
    """Run wrk with 64 connections; unlike `wrk.load` it may come back without a single answer.

    A server that its slow clients bring to a stop is a result, not a failure.
    """
    program = shutil.which("wrk")
    if program is None:
        raise BenchError("`wrk` is missing: sudo apt-get install wrk")
    fixed = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT)]
    try:
        done = subprocess.run(
            [program, *fixed, f"http://{address[0]}:{address[1]}{path}"],
            capture_output=True,
            text=True,
            timeout=seconds + 30,
        )
    except subprocess.TimeoutExpired:
        raise BenchError("wrk did not end in time") from None
    if done.returncode != 0:
        raise BenchError(f"wrk failed: {done.stderr.strip()[-300:]}")
    seen = parse(done.stdout)
    if seen.wrong_status:
        raise BenchError(f"{path}: {seen.wrong_status} wrong answers of {seen.requests}")
    return seen
