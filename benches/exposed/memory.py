"""What four workers cost in memory with and without `--preload`, and how soon one is replaced."""

from __future__ import annotations

import http.client
import os
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from borrowed import (
    DJANGO,
    BenchError,
    Session,
    cpu_seconds,
    facts,
    private_dirty_kib,
    pss_kib,
    running,
    table_section,
)
from settings import Settings, lay_database

WORKERS = 4
CLIENTS = 16
"""Connections of the load: several for each worker, so that all of them work."""
PAGES = ("/", "/entries/", "/json/", "/upload/", "/accounts/login/", "/admin/login/")
WARM = "/,/admin/login/"
"""Some of them: a site warms up its typical pages, not every one."""
HALF = 0.5
"""The part of the memory without preload that the same workers may use with it, at rest. What they
write to afterwards is shared no more: how much that is, is the application's and Python's."""
RESPAWN_MS = 50.0
CALM_SECONDS = 5.5
"""The first that dies in a place is replaced at once, the next one only when it has lived for five
seconds: it is left alone until then."""
WAIT_SECONDS = 30
LOOK_SECONDS = 0.0002
READY = re.compile(rb"Worker ready \(pid: (\d+)\)")


@dataclass(frozen=True)
class Variant:
    """One way to start the workers."""

    name: str
    arguments: tuple[str, ...]


PLAIN = Variant("without", ())
VARIANTS = (
    PLAIN,
    Variant("`--preload`", ("--preload",)),
    Variant(f"`--preload --preload-warm {WARM}`", ("--preload", "--preload-warm", WARM)),
)


@dataclass(frozen=True)
class Memory:
    """All processes of the server at one moment, in KiB."""

    processes: int
    pss: int
    dirty: int


@dataclass(frozen=True)
class Run:
    """One variant: its memory at rest and after the load, and what each respawn took in ms."""

    variant: Variant
    idle: Memory
    loaded: Memory
    respawns: list[float]


@dataclass(frozen=True)
class Verdict:
    """One promise about a variant, and what was seen."""

    name: str
    seen: float
    limit: float
    unit: str = ""

    @property
    def good(self) -> bool:
        """Tell whether it was kept."""
        return self.seen <= self.limit

    def shown(self) -> str:
        """Lay out one line."""
        word = "met" if self.good else "MISSED"
        return f"{self.name}: {self.seen:.2f}{self.unit}, bound {self.limit:g}{self.unit}: {word}"


def memory(settings: Settings) -> bool:
    """Measure every variant, print the table, and tell whether all bounds are met."""
    lay_database(settings)
    runs = [measured(settings, variant) for variant in VARIANTS]
    print("\n".join(f"- {name}: {value}" for name, value in facts().items()))
    title = (
        f"Django demo, {WORKERS} workers: all processes at rest, and after"
        f" {settings.requests:,} requests"
    )
    columns = ["preload", "processes", "PSS MiB, at rest → after", "of that without"]
    columns += ["private dirty MiB", "respawn ms, median of " + str(settings.kills), "least - most"]
    rows = [row(run, runs[0]) for run in runs]
    print(f"\n{table_section(title, columns, rows)}\n")
    found = verdicts(runs)
    print("\n".join(verdict.shown() for verdict in found))
    return all(verdict.good for verdict in found)


def measured(settings: Settings, variant: Variant) -> Run:
    """Start the workers this way, look at them, load them, look again, and kill some of them."""
    print(f"{variant.name} …", flush=True)
    server = settings.server("--workers", str(WORKERS), *variant.arguments)
    with running(server, DJANGO.launch(settings), settings) as session:
        wait_until(lambda: len(ready(session.log)) == WORKERS, f"{WORKERS} workers are ready")
        idle = rested(session)
        load(session, settings.requests)
        loaded = rested(session)
        run = Run(variant, idle, loaded, [respawn(session) for _ in range(settings.kills)])
        session.check()
    print(
        f"  PSS {mib(idle.pss)} → {mib(loaded.pss)} MiB, respawn {median(run.respawns):.1f} ms",
        flush=True,
    )
    return run


def ready(log: Path) -> list[int]:
    """Return the workers that have said so far that they are ready, the oldest first."""
    return [int(pid) for pid in READY.findall(log.read_bytes())]


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Look again and again; raise `BenchError` when it does not come about."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise BenchError(f"it took more than {WAIT_SECONDS} s until {what}")
        time.sleep(LOOK_SECONDS)


def rested(session: Session) -> Memory:
    """Look at all processes when they have used no processor time for a second."""
    tree = session.tree()
    before: dict[int, float] = {}
    deadline = time.monotonic() + WAIT_SECONDS
    while (now := cpu_seconds(tree)) != before and time.monotonic() < deadline:
        before = now
        time.sleep(1.0)
    return Memory(len(tree), sum(map(pss_kib, tree)), sum(map(private_dirty_kib, tree)))


def load(session: Session, requests: int) -> None:
    """Ask for all pages in turn, on connections that reach every worker."""
    each = -(-requests // CLIENTS)
    before = cpu_seconds(session.tree())
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(ask, session, each, number) for number in range(CLIENTS)]
        for client in clients:
            client.result()
    after = cpu_seconds(session.tree())
    if before.keys() != after.keys():
        raise BenchError(f"processes came or went during the load: {[*before]} → {[*after]}")
    lazy = [pid for pid in ready(session.log) if after[pid] == before[pid]]
    if lazy:
        raise BenchError(f"workers that did nothing say nothing about memory: {lazy}")


def ask(session: Session, count: int, first: int) -> None:
    """Make so many requests on one connection, beginning with another page than the others."""
    connection = http.client.HTTPConnection("127.0.0.1", session.port, timeout=WAIT_SECONDS)
    try:
        for number in range(first, first + count):
            page = PAGES[number % len(PAGES)]
            connection.request("GET", page, headers=DJANGO.question.headers)
            answer = connection.getresponse()
            if not answer.read() or answer.status != 200:
                raise BenchError(f"{page}: expected 200 and a page, got {answer.status}")
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"a request was lost: {error!r}") from error
    finally:
        connection.close()


def respawn(session: Session) -> float:
    """Kill the oldest worker; give the milliseconds until another one is ready."""
    started = ready(session.log)
    victim = next(pid for pid in started if pid in session.tree())
    if victim not in started[:WORKERS]:
        time.sleep(max(0.0, CALM_SECONDS - age(victim)))
    with session.log.open("rb") as log:
        log.seek(0, os.SEEK_END)
        begun = time.perf_counter()
        os.kill(victim, signal.SIGKILL)
        seen = b""
        while READY.search(seen := seen + log.read()) is None:
            if time.perf_counter() > begun + WAIT_SECONDS:
                raise BenchError(f"{victim} was not replaced: {seen.decode(errors='replace')}")
            time.sleep(LOOK_SECONDS)
        return (time.perf_counter() - begun) * 1000


def age(pid: int) -> float:
    """Return the seconds that a process has lived, proc_pid_stat(5)."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    started = int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def verdicts(runs: list[Run]) -> list[Verdict]:
    """Judge each variant against the first one, which was measured in the same run."""
    plain = runs[0]
    found = []
    for run in runs[1:]:
        name = run.variant.name
        found.append(Verdict(f"{name}: PSS at rest", run.idle.pss / plain.idle.pss, HALF))
        found.append(Verdict(f"{name}: respawn", median(run.respawns), RESPAWN_MS, " ms"))
    return found


def row(run: Run, plain: Run) -> list[str]:
    """Lay out one row of the table."""
    parts = run.idle.pss / plain.idle.pss, run.loaded.pss / plain.loaded.pss
    return [
        run.variant.name,
        str(run.idle.processes),
        f"{mib(run.idle.pss)} → {mib(run.loaded.pss)}",
        f"{parts[0]:.2f} → {parts[1]:.2f}",
        f"{mib(run.idle.dirty)} → {mib(run.loaded.dirty)}",
        f"{median(run.respawns):.1f}",
        f"{min(run.respawns):.1f} - {max(run.respawns):.1f}",
    ]


def mib(kib: int) -> str:
    """Lay out a size."""
    return f"{kib / 1024:.1f}"
