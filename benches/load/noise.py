"""Who else used the processor meanwhile: a number that others had a part in is not kept."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from accounting import processes

BOUND = 0.10
"""The part of one core from which on another process spoils a measurement."""
KTHREADD = 2
"""The parent of the kernel's own threads: what they do for a load is nobody else's."""
TICK = 1 / os.sysconf("SC_CLK_TCK")
STEAL = "the hypervisor (steal)"


@dataclass(frozen=True)
class Process:
    """One process as proc_pid_stat(5) has it. Seconds include those of children waited for."""

    pid: int
    name: str
    parent: int
    session: int
    started: int
    seconds: float


@dataclass(frozen=True)
class Noise:
    """The busiest process that had nothing to do with a measurement, and what was stolen.

    Both as parts of one core over the time of the measurement.
    """

    name: str
    share: float
    steal: float

    @property
    def worst(self) -> tuple[float, str]:
        """Return the larger part and who took it."""
        return max((self.share, f"`{self.name}`"), (self.steal, STEAL))

    @property
    def quiet(self) -> bool:
        """Tell whether nobody took more than the bound."""
        return self.worst[0] <= BOUND


class Watch:
    """Looks at all processes now, and at the end of a measurement again.

    What belongs to the measurement, the descendants of `root` and the sessions that they lead,
    does not count: servers, load generators and this program.
    """

    def __init__(self, root: int | None = None) -> None:
        self.root = root or os.getpid()
        self.begun = time.monotonic()
        self.stolen = stolen_seconds()
        self.before = snapshot()

    def noise(self) -> Noise:
        """Return what others did since this was made."""
        after = snapshot()
        seconds = time.monotonic() - self.begun
        used = strangers(self.before, after, self.root)
        name, most = max(used.items(), key=lambda one: one[1], default=("nobody", 0.0))
        return Noise(name, most / seconds, (stolen_seconds() - self.stolen) / seconds)


def strangers(before: dict[int, Process], after: dict[int, Process], root: int) -> dict[str, float]:
    """Return `name (pid)` -> seconds used, of each process that is not under `root`.

    What a process's children used is added to it when it has waited for them, so that a compiler
    that came and went shows in whoever called it. What such a child had used before does not count.
    """
    ours = family(before, root) | family(after, root)
    ended: dict[int, float] = {}
    for pid, process in before.items():
        if pid not in after or after[pid].started != process.started:
            ended[process.parent] = ended.get(process.parent, 0.0) + process.seconds
    used = {}
    for pid, process in after.items():
        if pid in ours or KTHREADD in (pid, process.parent):
            continue
        old = before.get(pid)
        known = old.seconds if old and old.started == process.started else 0.0
        seconds = process.seconds - known - ended.get(pid, 0.0)
        used[f"{process.name} ({pid})"] = max(0.0, seconds)
    return used


def family(known: dict[int, Process], root: int) -> set[int]:
    """Return the descendants of `root`, also those that were forked twice and have lost it.

    A server leads a session of its own, which shows whom they belong to.
    """
    found = {root}
    size = 0
    while len(found) != size:
        size = len(found)
        leaders = found - {root}
        found |= {
            pid for pid, one in known.items() if one.parent in found or one.session in leaders
        }
    return found


def snapshot() -> dict[int, Process]:
    """Read every process there is."""
    found = (read(pid) for pid in processes())
    return {process.pid: process for process in found if process is not None}


def read(pid: int) -> Process | None:
    """Read one process, or None when it has just ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The second field, the name in parentheses, may itself hold spaces and parentheses.
    head, _, tail = stat.rpartition(")")
    fields = tail.split()
    seconds = sum(int(ticks) for ticks in fields[11:15]) * TICK
    name = head.partition("(")[2]
    return Process(pid, name, int(fields[1]), int(fields[3]), int(fields[19]), seconds)


def stolen_seconds() -> float:
    """Return the time that the hypervisor gave to others, of all cores: proc_stat(5)."""
    first = Path("/proc/stat").read_text().partition("\n")[0].split()
    return int(first[8]) * TICK if len(first) > 8 else 0.0
