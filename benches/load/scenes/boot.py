"""How soon a server answers after it was started, and how soon its master forks."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from scene import Column, Scene
from servers import WORKERS
from session import BenchError, environment, free_port, pinning, stop
from targets import Target, figure

from .connections import get
from .figures import part_of_gunicorns
from .stage import DJANGO, PAGE, known

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from servers import Server

COUNT = 3
STARTS = 5
LOOK_SECONDS = 0.0005
LONGEST_SECONDS = 30.0


class Boot(Scene):
    """Several starts of three Django workers, one after the other."""

    name = "boot"
    title = "start of 3 Django workers, medians of 5 starts a round"
    group = "life"
    columns = (
        Column("first_ms", "ms from exec to the first 200", "", 0),
        Column("slowest_ms", "the slowest start", "", 0),
        Column("fork_ms", "ms from exec to the first fork", "", 1),
    )

    targets = (
        Target("exec to the first 200, 3 Django workers / Gunicorn's", "boot",
               part_of_gunicorns("boot", "boot", "first_ms"), 1.0, "x"),
        Target("exec to the first fork", "boot", figure("boot", "fork_ms", "ms"), 20, "ms"),
    )  # fmt: skip

    def applies(self, server: Server) -> str | None:
        """Leave out servers of one process."""
        if WORKERS not in server.capabilities:
            return "it has one process"
        return known(server)

    def prepare(self, options: Options) -> None:
        """Lay the site's data."""
        DJANGO.site.prepare(options)

    def estimate(self, options: Options) -> float:
        """So many starts and stops."""
        return 1.5 * starts(options)

    def launch(self, options: Options) -> Launch:
        """Serve the site with three workers."""
        return DJANGO.launch(options, workers=COUNT)

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Start and stop the server again and again."""
        seen = [one_start(options, server, self.launch(options)) for _ in range(starts(options))]
        return {
            "first_ms": median(first for _, first in seen) * 1000,
            "slowest_ms": max(first for _, first in seen) * 1000,
            "fork_ms": median(fork for fork, _ in seen) * 1000,
        }


def starts(options: Options) -> int:
    """Return how many starts there is time for."""
    return min(STARTS, options.seconds)


def one_start(options: Options, server: Server, launch: Launch) -> tuple[float, float]:
    """Return the seconds from just before exec to the first fork, and to the first 200."""
    address = ("127.0.0.1", free_port())
    command = server.command(launch.application, address, launch.workers)
    log = options.out / "logs" / f"{server.name}-boot.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [*pinning(launch.core), *command],
            cwd=launch.folder,
            env=environment(server.python, launch.environment),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    try:
        forked = until_fork(process, begun)
        return forked, until_answer(process, address, begun)
    finally:
        stop(process)


def until_fork(process: subprocess.Popen, begun: float) -> float:
    """Look for the first child again and again, proc_pid_children(5)."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        raise BenchError("this kernel does not list the children of processes")
    while True:
        with suppress(OSError):
            if children.read_text():
                return time.perf_counter() - begun
        time.sleep(LOOK_SECONDS)
        alive(process, begun)


def until_answer(process: subprocess.Popen, address: tuple[str, int], begun: float) -> float:
    """Ask until there is an answer; one that waits in the listen queue is not asked twice."""
    request = get(PAGE.path, close=True)
    while True:
        with suppress(ConnectionError), socket.create_connection(address, LONGEST_SECONDS) as end:
            end.sendall(request)
            if end.recv(16).startswith(b"HTTP/1.1 200 "):
                return time.perf_counter() - begun
        time.sleep(LOOK_SECONDS)
        alive(process, begun)


def alive(process: subprocess.Popen, begun: float) -> None:
    """Raise `BenchError` when the server has ended, or takes too long."""
    if process.poll() is not None:
        raise BenchError(f"the server ended with {process.returncode} at its start")
    if time.perf_counter() > begun + LONGEST_SECONDS:
        raise BenchError(f"the server did not answer in {LONGEST_SECONDS:.0f} s")
