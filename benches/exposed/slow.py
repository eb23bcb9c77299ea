"""What 2,500 slow clients cost the others: the same load without and with them, in turns."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from borrowed import (
    DJANGO,
    HELLO,
    BenchError,
    Session,
    Traffic,
    Workload,
    cpu_seconds,
    facts,
    load,
    running,
    slow_clients,
    table_section,
    workers_of,
)
from settings import WIDE, Settings, lay_database

HEADS = 2000
BODIES = 500
LIMIT = 0.10
"""Throughput and p99 with slow clients may differ by this part from those without."""
ROUNDS_TO_JUDGE = 3
MISSED = "MISSED"
CLIENTS = Path(slow_clients.__file__)
SETTLE_SECONDS = 30


@dataclass(frozen=True)
class Variant:
    """How the server treats the slow clients. `pace`: connections opened each second."""

    name: str
    arguments: tuple[str, ...]
    pace: int


PATIENT = ("--header-timeout", "600", "--body-timeout", "600", "--body-min-rate", "0")
VARIANTS = (
    Variant("kept open", PATIENT, pace=2500),
    # Spread over the ten seconds after which the defaults refuse: then so many each second.
    Variant("refused, come again", (), pace=250),
)


@dataclass(frozen=True)
class Run:
    """One load, and what the server used for it (CPU seconds of all its processes)."""

    traffic: Traffic
    cpu: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.traffic.requests / self.traffic.seconds

    @property
    def cpu_us(self) -> float:
        """CPU time of a request, in microseconds; with slow clients, theirs is in it."""
        return self.cpu / self.traffic.requests * 1e6


@dataclass(frozen=True)
class Pair:
    """One round: the load without slow clients, and right after it with them."""

    without: Run
    beside: Run
    crowd: dict


def slow(settings: Settings) -> bool:
    """Measure, print the table, and tell whether every row is within the limit."""
    lay_database(settings)
    rows, good = [], True
    for workload in (HELLO, DJANGO):
        for variant in VARIANTS:
            pairs = rounds(settings, workload, variant)
            verdict = judged(pairs)
            good = good and verdict != MISSED
            rows.append(row(workload, variant, pairs, verdict))
    print("\n".join(f"- {name}: {value}" for name, value in facts().items()))
    title = f"{HEADS:,} half-sent heads and {BODIES} trickling bodies, medians"
    columns = ["load", "slow clients", "requests/s", "p50 ms", "p99 ms", "CPU µs/request"]
    columns += ["throughput", "p99", "refused/s", "verdict"]
    print(f"\n{table_section(title, columns, rows)}")
    return good


def rounds(settings: Settings, workload: Workload, variant: Variant) -> list[Pair]:
    """Measure all rounds on one server: between two of a pair nothing but the crowd differs."""
    server = settings.server("--workers", "1", *WIDE, *variant.arguments)
    pairs = []
    with running(server, workload.launch(settings), settings) as session:
        load(session, 1)
        for number in range(1, settings.rounds + 1):
            pair = one_round(settings, session, variant)
            pairs.append(pair)
            print(
                f"round {number}/{settings.rounds} {workload.name}, {variant.name}:"
                f" {pair.without.rate:.0f} → {pair.beside.rate:.0f} requests/s,"
                f" p99 {pair.without.traffic.p99_ms:.2f} → {pair.beside.traffic.p99_ms:.2f} ms,"
                f" {pair.without.cpu_us:.2f} → {pair.beside.cpu_us:.2f} us/request;"
                f" crowd: {pair.crowd['cores']:.3f} cores, {pair.crowd['seen']}",
                flush=True,
            )
        session.check()
    return pairs


def one_round(settings: Settings, session: Session, variant: Variant) -> Pair:
    """Load the server without and with the crowd; afterwards the crowd has gone from it."""
    seconds = settings.seconds or 5
    before = open_files(session)
    without = loaded(session, seconds)
    with crowd(session, variant) as report:
        beside = loaded(session, seconds)
    deadline = time.monotonic() + SETTLE_SECONDS
    while open_files(session) > before:
        if time.monotonic() > deadline:
            left = open_files(session) - before
            raise BenchError(f"{left} descriptors are left {SETTLE_SECONDS} s after the clients")
        time.sleep(0.05)
    return Pair(without, beside, report)


def loaded(session: Session, seconds: int) -> Run:
    """Load the server and read its processes' clocks."""
    before = cpu_seconds(session.tree())
    traffic = load(session, seconds)
    after = cpu_seconds(session.tree())
    if before.keys() != after.keys():
        raise BenchError(f"processes came or went during the load: {[*before]} → {[*after]}")
    return Run(traffic, sum(after.values()) - sum(before.values()))


@contextmanager
def crowd(session: Session, variant: Variant) -> Iterator[dict]:
    """Have all slow clients there; the dictionary is filled with what they saw when they go."""
    numbers = {"--port": session.port, "--heads": HEADS, "--bodies": BODIES, "--pace": variant.pace}
    command = [sys.executable, str(CLIENTS)]
    command += [str(part) for pair in numbers.items() for part in pair]
    report: dict = {}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            if process.stdout.readline().strip() != "ready":
                raise BenchError("the slow clients could not all connect")
            yield report
            process.stdin.close()
            report.update(json.loads(process.stdout.readline()))
        finally:
            process.kill()


def open_files(session: Session) -> int:
    """Count the worker's descriptors."""
    (worker,) = workers_of(session)
    return len([*Path(f"/proc/{worker}/fd").iterdir()])


def ratios(pairs: list[Pair]) -> tuple[float, float]:
    """Give the median of with / without: throughput, p99. The two of a pair had the same minute."""
    rate = median(pair.beside.rate / pair.without.rate for pair in pairs)
    p99 = median(pair.beside.traffic.p99_ms / pair.without.traffic.p99_ms for pair in pairs)
    return rate, p99


def judged(pairs: list[Pair]) -> str:
    """Tell whether the others notice less than the limit.

    Where the loads without slow clients differ more among themselves than those with may from
    them, a miss says nothing.
    """
    rate, p99 = ratios(pairs)
    if len(pairs) < ROUNDS_TO_JUDGE:
        return "too short to judge"
    if rate >= 1 - LIMIT and p99 <= 1 + LIMIT:
        return "met"
    rates = [pair.without.rate for pair in pairs]
    p99s = [pair.without.traffic.p99_ms for pair in pairs]
    noise = max(max(rates) / min(rates), max(p99s) / min(p99s)) - 1
    return MISSED if noise <= LIMIT else f"too noisy to judge (x {noise + 1:.2f} without them)"


def row(workload: Workload, variant: Variant, pairs: list[Pair], verdict: str) -> list[str]:
    """Lay out one row of the table."""

    def both(value) -> str:
        without = median(value(pair.without) for pair in pairs)
        beside = median(value(pair.beside) for pair in pairs)
        digits = 0 if without > 1000 else 2
        return f"{without:,.{digits}f} → {beside:,.{digits}f}"

    rate, p99 = ratios(pairs)
    return [
        workload.name,
        variant.name,
        both(lambda run: run.rate),
        both(lambda run: run.traffic.p50_ms),
        both(lambda run: run.traffic.p99_ms),
        both(lambda run: run.cpu_us),
        f"x {rate:.3f}",
        f"x {p99:.3f}",
        f"{median(refusals(pair) for pair in pairs):.0f}",
        verdict,
    ]


def refusals(pair: Pair) -> float:
    """Count how many slow clients were refused each second."""
    return pair.crowd["seen"].get("connected again", 0) / pair.crowd["seconds"]
