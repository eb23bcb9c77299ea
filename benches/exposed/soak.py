"""Mixed traffic with break-offs at every stage: is the server what it was before?"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from borrowed import DEMO_SITE, BenchError, Launch, Question, Session, facts, running, table_section
from crowd import ERRORS_SHOWN, QUICK, SLOW, Crowd, Plan
from settings import WIDE, Settings, lay_database
from watch import Check, Record, checks, sample

APPS = Path(__file__).resolve().parent / "apps"
SECONDS = 900
SAMPLE_SECONDS = 10
WORKERS = 2
WARM_UP_PART = 0.1
PAUSE_SECONDS = 60
"""How long a visit may last: twice as long as a client waits for an answer."""
REST_SECONDS = 15
"""After this time without clients nothing of them may be left: threads that the runtime keeps for
reuse, which it gives up after ten idle seconds, are gone too."""
IMPATIENT = ["--header-timeout", "3", "--body-timeout", "3", "--write-timeout", "2"]
BOUNDS = ["--limit-request-body", "16M", "--body-memory", "2M", "--response-buffer", "256K"]
"""Timeouts and bounds that are reached again and again."""


def wrong_hello(status: int, body: bytes) -> str | None:
    """Judge an answer of `apps/mixed.py`."""
    return None if (status, body) == (200, b"hello\n") else f"expected 200, got {status}"


def soak(settings: Settings) -> bool:
    """Let the crowd loose, print what the server looks like meanwhile, and judge."""
    names = {visit.__name__ for visit in [*QUICK, *SLOW]}
    if settings.only is not None and settings.only not in names:
        raise BenchError(f"--only: `{settings.only}` is not one of {', '.join(sorted(names))}")
    lay_database(settings)
    seconds = settings.seconds or SECONDS
    more = ["--workers", str(WORKERS), "--pythonpath", str(APPS), *WIDE, *IMPATIENT, *BOUNDS]
    environment = DEMO_SITE.environment(settings.out)
    mixed = Launch(
        DEMO_SITE.folder, "mixed:application", Question("/hello", wrong_hello), environment
    )
    with running(settings.server(*more), mixed, settings) as session:
        crowd = Crowd(Plan(session.port, settings.clients, settings.seed, settings.only))
        try:
            record = recorded(session, crowd, seconds)
        finally:
            crowd.end()
        seen = crowd.seen()
        found = [traffic(seen), *checks(record, session.log)]
        session.check()
    print("\n".join(f"- {name}: {value}" for name, value in facts().items()))
    print(
        f"- traffic: {seconds} s, {settings.clients} clients, seed {settings.seed}; {shown(seen)}"
    )
    rows = [[check.name, check.seen, "met" if check.good else "MISSED"] for check in found]
    print(f"\n{table_section('Soak', ['what', 'seen', 'verdict'], rows)}")
    for text, count in crowd.errors.most_common(ERRORS_SHOWN):
        print(f"- {count:,} x {text}")
    print(f"\nthe server's log: {session.log}")
    return all(check.good for check in found)


def recorded(session: Session, crowd: Crowd, seconds: int) -> Record:
    """Warm up, look at the server at rest, load it and look at it now and then, and rest again."""
    record = Record(seconds)
    every = min(SAMPLE_SECONDS, max(1, seconds // 10))
    crowd.resume()
    time.sleep(seconds * WARM_UP_PART)
    record.quiet.append(rested(session, crowd, record))
    crowd.resume()
    begun = time.monotonic()
    for at in range(every, int(seconds * (1 - WARM_UP_PART)) + 1, every):
        time.sleep(max(0.0, begun + at - time.monotonic()))
        record.live.append(sample(session))
        show(f"{at:4} s: {shown(crowd.seen())}", record.live[-1])
    record.quiet.append(rested(session, crowd, record))
    return record


def rested(session: Session, crowd: Crowd, record: Record) -> list:
    """Pause the crowd and look at the server when nothing of it is left there, or too late."""
    if not crowd.pause(PAUSE_SECONDS):
        raise BenchError(f"{crowd.visiting} visits did not end within {PAUSE_SECONDS} s")
    print("resting …", flush=True)
    deadline = time.monotonic() + REST_SECONDS
    now = sample(session)
    # The first rest has nothing to compare with, and takes all the time.
    while time.monotonic() < deadline and not (record.quiet and is_down_to(now, record.quiet[0])):
        time.sleep(0.5)
        now = sample(session)
    show("at rest:", now)
    return now


def is_down_to(now: list, before: list) -> bool:
    """Tell whether no process has more descriptors or threads than it had then."""
    pairs = zip(now, before, strict=False)
    return all(one.files <= old.files and one.threads <= old.threads for one, old in pairs)


def show(title: str, processes: list) -> None:
    """Print one sample."""
    print(title, *(f"       {process.shown()}" for process in processes), sep="\n", flush=True)


def shown(seen: Counter[str]) -> str:
    """Say what the clients have counted."""
    return (
        f"{seen['requests']:,} requests, {seen['refused']:,} refused, {seen['cut']:,} cut,"
        f" {seen['errors']:,} errors"
    )


def traffic(seen: Counter[str]) -> Check:
    """Judge what the clients have seen."""
    return Check("clients", shown(seen), seen["errors"] == 0 and seen["visits"] > 0)
