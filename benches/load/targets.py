"""The targets that rwsgi has set itself, and the verdict on each.

A target is judged only by a run that can bear it: three rounds for a time, 10,000 requests for
flat memory. Anything less is shown and called too short.
"""

from dataclasses import dataclass
from statistics import median

from result import Load, Result, Verdict

HELLO_US = 9.0
DJANGO_TIMES_FLOOR = 1.3
MASTER_PSS_KIB = 4096
FLAT_REQUESTS = 10_000
FLAT_GROWTH_KIB = 4096
"""One buffer more for each of the four clients, which an allocator may keep, is not a leak;
10,000 requests that each lose 900 bytes go beyond it."""
ROUNDS = 3

MET, MISSED, SHORT, ABSENT = "met", "MISSED", "too short to judge", "not measured"


@dataclass(frozen=True)
class Reading:
    """A value with the bound it must not exceed; `enough` when the run was long enough."""

    value: float
    limit: float
    shown: str
    enough: bool


def judge(result: Result) -> list[Verdict]:
    """Compare each target with what was measured; a host that was left out gets no row."""
    verdicts = []
    for server in (name for name in result.servers if name.startswith("rwsgi-")):
        verdicts.append(verdict("hello, CPU", server, "≤ 9 µs/request", hello(result, server)))
        verdicts.append(
            verdict("Django JSON, CPU", server, "≤ 1.3 x floor", django(result, server))
        )
        if server == "rwsgi-native":
            limit = "≤ 4 MiB PSS"
            verdicts.append(verdict("master's memory", server, limit, master(result, server)))
        limit = "flat over 10,000 x 1 MiB (growth ≤ 4 MiB)"
        verdicts.append(verdict("worker's memory", server, limit, flat(result, server)))
    return verdicts


def verdict(target: str, server: str, limit: str, reading: Reading | None) -> Verdict:
    """Put one reading into words."""
    if reading is None:
        return Verdict(target, server, "-", limit, ABSENT)
    judged = MET if reading.value <= reading.limit else MISSED
    return Verdict(target, server, reading.shown, limit, judged if reading.enough else SHORT)


def hello(result: Result, server: str) -> Reading | None:
    """Read the CPU time of a hello request."""
    runs = result.loads_of(server, "hello")
    if not runs:
        return None
    cost = median(run.cpu_us for run in runs)
    return Reading(cost, HELLO_US, f"{cost:.2f} µs", enough_rounds(runs))


def django(result: Result, server: str) -> Reading | None:
    """Read how many times the in-process floor a Django request costs."""
    times = result.times_floor(server, "django")
    if times is None:
        return None
    runs = result.loads_of(server, "django")
    cost = median(run.cpu_us for run in runs)
    shown = f"{times:.2f} x ({cost:.1f} µs over {result.floor_us(server):.1f} µs)"
    return Reading(times, DJANGO_TIMES_FLOOR, shown, enough_rounds(runs))


def master(result: Result, server: str) -> Reading | None:
    """Read the master's memory: the worst of all runs, as it must always hold."""
    runs = [run for run in result.loads if run.server == server]
    if not runs:
        return None
    worst = max(run.master_pss_kib for run in runs)
    return Reading(worst, MASTER_PSS_KIB, f"{worst / 1024:.2f} MiB", True)


def flat(result: Result, server: str) -> Reading | None:
    """Read how far the workers' memory grew in the second half of the large bodies."""
    run = next((run for run in result.flats if run.server == server), None)
    if run is None:
        return None
    middle = run.samples_kib[len(run.samples_kib) // 2]
    shown = (
        f"{run.samples_kib[0] / 1024:.1f} → {middle / 1024:.1f} → {run.samples_kib[-1] / 1024:.1f}"
        f" MiB, growth {run.growth_kib:+,} KiB ({run.requests:,} requests)"
    )
    return Reading(run.growth_kib, FLAT_GROWTH_KIB, shown, run.requests >= FLAT_REQUESTS)


def enough_rounds(runs: list[Load]) -> bool:
    """Tell whether a median of these runs means anything."""
    return len(runs) >= ROUNDS
