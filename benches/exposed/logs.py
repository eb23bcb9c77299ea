"""What a request costs more when the server tells of it: access log, request ids, metrics."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

from borrowed import (
    HELLO,
    BenchError,
    Session,
    Traffic,
    cpu_seconds,
    facts,
    load,
    running,
    table_section,
)
from settings import Settings
from ways import OFF, TEXT, VARIANTS, Variant, place_for_one

CLIENTS = 16
LIMIT_US = 1.0
"""Processor time that a request to hello may cost more with the access log as text."""
ROUNDS_TO_JUDGE = 3
MISSED = "MISSED"
SETTLE_SECONDS = 10


@dataclass(frozen=True)
class Run:
    """One load: processor seconds of all processes, and the part of the requests that is told."""

    traffic: Traffic
    cpu: float
    told: float | None

    @property
    def cpu_us(self) -> float:
        """CPU time of a request in microseconds."""
        return self.cpu / self.traffic.requests * 1e6


def logs(settings: Settings) -> bool:
    """Measure all variants in turns, print the table, and tell whether the text log is cheap."""
    runs: dict[str, list[Run]] = {variant.name: [] for variant in VARIANTS}
    for number in range(1, settings.rounds + 1):
        for variant in VARIANTS:
            run = measured(settings, variant)
            runs[variant.name].append(run)
            print(
                f"round {number}/{settings.rounds} {variant.name}: {run.cpu_us:.2f} us/request",
                flush=True,
            )
    print("\n".join(f"- {name}: {value}" for name, value in facts().items()))
    title = f"hello: 1 worker, wrk -t1 -c{CLIENTS}, medians of {settings.rounds} rounds"
    columns = ["told by", "CPU µs/request", "least - most", "more than off, same round"]
    columns += ["least - most", "requests/s", "told of"]
    rows = [row(variant, runs) for variant in VARIANTS]
    print(f"\n{table_section(title, columns, rows)}\n")
    verdict = judged(runs[OFF.name], runs[TEXT.name])
    more = median(differences(runs[OFF.name], runs[TEXT.name]))
    print(f"{TEXT.name}: {more:+.2f} µs of processor time, bound {LIMIT_US:g} µs: {verdict}")
    return verdict != MISSED


def measured(settings: Settings, variant: Variant) -> Run:
    """Start a server that tells in this way, load it, and see that it has told."""
    with place_for_one(settings.out) as place:
        server = settings.server("--workers", "1", *variant.arguments(place))
        with running(server, HELLO.launch(settings), settings) as session:
            warm, _ = loaded(session, 1)
            traffic, cpu = loaded(session, settings.seconds or 3)
            told = variant.told(place, session)
            if told == 0:
                raise BenchError(f"{variant.name}: no request was told of")
            session.check()
    # A few more than wrk counts: those that showed that the server is ready, and the last ones.
    part = None if told is None else min(1.0, told / (warm.requests + traffic.requests))
    return Run(traffic, cpu, part)


def loaded(session: Session, seconds: int) -> tuple[Traffic, float]:
    """Load the server; give what it used, with what it did afterwards to write the last lines."""
    before = cpu_seconds(session.tree())
    traffic = load(session, seconds, CLIENTS)
    after = cpu_seconds(session.tree())
    if before.keys() != after.keys():
        raise BenchError(f"processes came or went during the load: {[*before]} → {[*after]}")
    deadline = time.monotonic() + SETTLE_SECONDS
    earlier: dict[int, float] = {}
    while after != earlier and time.monotonic() < deadline:
        time.sleep(0.1)
        earlier, after = after, cpu_seconds(session.tree())
    return traffic, sum(after.values()) - sum(before.values())


def differences(off: list[Run], told: list[Run]) -> list[float]:
    """Give what a request cost more in each round: the two of a round had the same minute."""
    return [run.cpu_us - plain.cpu_us for plain, run in zip(off, told, strict=True)]


def judged(off: list[Run], text: list[Run]) -> str:
    """Tell whether the text log costs no more than the limit.

    Where the loads without it differ by more than that among themselves, a miss says nothing.
    """
    if len(off) < ROUNDS_TO_JUDGE:
        return "too short to judge"
    if median(differences(off, text)) <= LIMIT_US:
        return "met"
    costs = [run.cpu_us for run in off]
    noise = max(costs) - min(costs)
    return MISSED if noise <= LIMIT_US else f"too noisy to judge ({noise:.2f} µs without it)"


def row(variant: Variant, runs: dict[str, list[Run]]) -> list[str]:
    """Lay out one row of the table."""
    mine = runs[variant.name]
    costs = [run.cpu_us for run in mine]
    more = differences(runs[OFF.name], mine)
    parts = [run.told for run in mine if run.told is not None]
    return [
        variant.name,
        f"{median(costs):.2f}",
        f"{min(costs):.2f} - {max(costs):.2f}",
        "" if variant is OFF else f"{median(more):+.2f}",
        "" if variant is OFF else f"{min(more):+.2f} - {max(more):+.2f}",
        f"{median(run.traffic.requests / run.traffic.seconds for run in mine):,.0f}",
        f"{median(parts):.1%}" if parts else "",
    ]
