"""How often the threads of processes wake up, by the kernel's count and by their system calls."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scene import Column, Scene
from session import BenchError, running
from targets import Target, figure

from .connections import Pool, get
from .stage import KEPT, WHO, complete, known, processor_time

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from servers import Server

WORKERS = 2
SERVED = 32
SERVE_SECONDS = 10.0
LONGEST_LOOK = 10.0
LONGEST_TRACE = 3.0
CALL = re.compile(r"^\d+ .*= ", re.MULTILINE)
"""A line of strace about a call that has come back; one under way when it attaches has none."""
INTERRUPTED = re.compile(r" = \? | EINTR ")
"""Calls that strace itself interrupts, by attaching and by leaving."""


class Idle(Scene):
    """Two workers that have served, and now have one kept connection and nothing to do."""

    name = "idle"
    title = "2 idle workers"
    group = "stand-in"
    columns = (
        Column("wakes", "wake-ups/s, all processes", "", 1),
        Column("worker_wakes", "wake-ups/s of a worker", "", 1),
        Column("calls", "system calls/s (strace)", "", 1),
        Column("cpu_ms", "CPU ms/s", "", 3),
    )

    targets = (
        Target("wake-ups of an idle worker", "idle", figure("idle", "worker_wakes", "/s"), 0, "/s"),
        Target("system calls of all processes", "idle", figure("idle", "calls", "/s"), 0, "/s"),
    )

    def applies(self, server: Server) -> str | None:
        """Leave out what is one process."""
        return known(server)

    def estimate(self, options: Options) -> float:
        """A start, the look, and the trace."""
        return 4 + 3 * options.seconds

    def started(self, options: Options, server: Server) -> Launch:
        """Keep a connection for longer than is looked."""
        return WHO.launch(options, workers=WORKERS, arguments=KEPT.to(server))

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Serve a little, come to rest, and count for up to ten seconds."""
        look = min(LONGEST_LOOK, 2.0 * options.seconds)
        with running(server, self.started(options, server), options) as session:
            with Pool(session.address) as pool:
                serve(pool)
                tree = complete(session)
                used = processor_time(session)
                found = woken(tree, look)
                used = processor_time(session) - used
                trace = options.out / "logs" / f"{server.name}-idle.strace"
                traced = min(LONGEST_TRACE, float(options.seconds))
                calls = system_calls(tree, traced, trace)
            session.check()
        figures = {
            "wakes": sum(found.values()) / look,
            "worker_wakes": max(found[pid] for pid in tree[1:]) / look,
            "cpu_ms": used * 1000 / look,
        }
        return figures if calls is None else {**figures, "calls": calls / traced}


def serve(pool: Pool) -> None:
    """Make requests on some connections, so that workers are warm, and keep one of them."""
    for _ in range(SERVED):
        pool.ask(pool.open(), get("/"))
    answered = 0
    deadline = time.monotonic() + SERVE_SECONDS
    while answered < SERVED:
        seen = pool.turn(1.0)
        if time.monotonic() > deadline or any(one.status != 200 for one in seen):
            raise BenchError("a request before the idle time was not answered")
        answered += len(seen)
    for connection in [*pool.open_ones][1:]:
        pool.close(connection)


def wake_ups(pid: int) -> dict[str, int]:
    """Count for each thread how often it has gone to sleep so far, proc_pid_status(5)."""
    total = {}
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with suppress(FileNotFoundError):
            for line in status.read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches:"):
                    total[status.parent.name] = int(line.split()[1])
    return total


def between(before: dict[str, int], after: dict[str, int]) -> int:
    """Return how often threads woke up; all wake-ups of a thread that is new."""
    return sum(count - before.get(thread, 0) for thread, count in after.items())


def woken(pids: list[int], seconds: float) -> dict[int, int]:
    """Let the time pass, and return how often threads of each process woke up meanwhile."""
    before = {pid: wake_ups(pid) for pid in pids}
    time.sleep(seconds)
    after = {pid: wake_ups(pid) for pid in pids}
    if any(not threads for threads in after.values()):
        raise BenchError("a process ended while it was idle")
    return {pid: between(before[pid], after[pid]) for pid in pids}


def system_calls(pids: list[int], seconds: float, trace: Path) -> int | None:
    """Return how many system calls the processes made; None where strace is missing or forbidden.

    Those that were under way at the beginning or at the end, which strace interrupts, do not count.
    """
    if shutil.which("strace") is None:
        return None
    trace.unlink(missing_ok=True)
    chosen = [part for pid in pids for part in ("-p", str(pid))]
    command = ["strace", "-f", "-o", str(trace), *chosen]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            process.wait(seconds)
            return None
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            process.wait(5)
        finally:
            process.kill()
    return counted(trace.read_text(errors="replace"))


def counted(trace: str) -> int:
    """Count the calls in what strace wrote."""
    whole = [line for line in trace.splitlines() if CALL.match(line)]
    return sum(INTERRUPTED.search(line) is None for line in whole)
