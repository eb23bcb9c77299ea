"""What the kernel says of the server's processes over time, and whether that is flat."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from borrowed import BenchError, Session, pss_kib, rss_kib

GROWTH_KIB = 4096
"""What a worker's memory may grow between the early window and the last one."""
SHORT_GROWTH_KIB = 16 * 1024
"""The same for a run of less than `SHORT_SECONDS`, in which allocators are still finding their
size: it shows that the program works and finds gross leaks."""
SHORT_SECONDS = 170
PLANNED = "PlannedError"
"""What `apps/mixed.py` raises where it is asked to: each has a traceback in the log."""
ALARMING = ("internal error", "panicked", "Worker exited", "Worker timeout", "was killed")


@dataclass(frozen=True)
class Process:
    """One process at one moment. Memory in KiB."""

    pid: int
    rss: int
    pss: int
    files: int
    sockets: int
    threads: int

    def shown(self) -> str:
        """Lay out one line."""
        return (
            f"pid {self.pid}: RSS {self.rss / 1024:6.1f}, PSS {self.pss / 1024:6.1f} MiB,"
            f" {self.files:4} descriptors ({self.sockets} sockets), {self.threads} threads"
        )


@dataclass
class Record:
    """All that was seen. The `quiet` ones were taken when nobody was connected."""

    seconds: int
    live: list[list[Process]] = field(default_factory=list)
    quiet: list[list[Process]] = field(default_factory=list)


@dataclass(frozen=True)
class Check:
    """One promise: what was seen, and whether it was kept."""

    name: str
    seen: str
    good: bool


def sample(session: Session) -> list[Process]:
    """Look at every process of the server, the master first."""
    try:
        return [process(pid) for pid in session.tree()]
    except OSError as error:
        raise BenchError(f"a process of the server ended: {error}") from error


def process(pid: int) -> Process:
    """Look at one process."""
    kinds = [target for entry in Path(f"/proc/{pid}/fd").iterdir() if (target := link(entry))]
    return Process(
        pid=pid,
        rss=rss_kib(pid),
        pss=pss_kib(pid),
        files=len(kinds),
        sockets=sum(kind.startswith("socket:") for kind in kinds),
        threads=len([*Path(f"/proc/{pid}/task").iterdir()]),
    )


def link(entry: Path) -> str:
    """Say what a descriptor is; nothing when it was closed meanwhile."""
    try:
        return os.readlink(entry)
    except FileNotFoundError:
        return ""


def checks(record: Record, log: Path) -> list[Check]:
    """Compare the early samples with the last ones, for each process, and read the log."""
    pids = [[process.pid for process in sample] for sample in [*record.live, *record.quiet]]
    same = all(one == pids[0] for one in pids)
    found = [Check("processes", f"{len(pids[0])}, none came or went" if same else f"{pids}", same)]
    if same:
        for at, pid in enumerate(pids[0]):
            found += flatness(record, at, "master" if at == 0 else f"worker {pid}")
    return [*found, *log_checks(log)]


def flatness(record: Record, at: int, name: str) -> list[Check]:
    """Judge one process: memory under load, descriptors and threads when nobody is connected."""
    limit = GROWTH_KIB if record.seconds >= SHORT_SECONDS else SHORT_GROWTH_KIB

    def windows(value: Callable[[Process], int]) -> tuple[float, float]:
        values = [value(sample[at]) for sample in record.live]
        size = max(1, len(values) // 4)
        return median(values[:size]), median(values[-size:])

    early, late = windows(lambda one: one.rss)
    # Shown, not judged: it rises when other programs end that use the same Python.
    pss = " → ".join(f"{value / 1024:.1f}" for value in windows(lambda one: one.pss))
    seen = f"RSS {early / 1024:.1f} → {late / 1024:.1f} MiB, growth {late - early:+,.0f} KiB"
    seen = f"{seen} (bound {limit:,}); PSS {pss}"
    found = [Check(f"{name}: memory", seen, late - early <= limit)]
    first, last = record.quiet[0][at], record.quiet[-1][at]
    for kind, before, after in (
        ("descriptors", first.files, last.files),
        ("threads", first.threads, last.threads),
    ):
        found.append(Check(f"{name}: {kind}", f"{before} → {after} at rest", after <= before))
    return found


def log_checks(log: Path) -> list[Check]:
    """Look for what must not stand in the log: a traceback that was not planned, and worse."""
    tracebacks, planned, alarms = 0, 0, []
    with log.open(errors="replace") as lines:
        for line in lines:
            tracebacks += "Traceback (most recent call last)" in line
            # The line that ends a traceback, not the one that shows the source.
            planned += PLANNED in line and "raise" not in line
            if any(word in line for word in ALARMING):
                alarms.append(line.strip())
    seen = f"{tracebacks} tracebacks, {planned} of them planned"
    shown = "; ".join(alarms[:3]) or "none"
    return [
        Check("log: tracebacks", seen, tracebacks == planned),
        Check("log: alarms", shown, not alarms),
    ]
