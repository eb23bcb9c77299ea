"""What idle connections cost a worker: memory for each, and processor time for all."""

from __future__ import annotations

import resource
import socket
import time
from dataclasses import dataclass

from borrowed import (
    HELLO,
    BenchError,
    Session,
    cpu_seconds,
    facts,
    pss_kib,
    rss_kib,
    running,
    table_section,
    wake_ups,
    workers_of,
)
from settings import WIDE, Settings

LIMIT_KIB = 8.0
IDLE_CPU_MS = 1.0
"""What reading the clock twice may itself make of nothing."""
IDLE_SECONDS = 10
WINDOW = 256
"""So many requests are under way at a time: they are to be served, not to queue."""
SPARE_FILES = 200
SETTLE_SECONDS = 30
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: idle\r\nAccept: */*\r\n\r\n"


@dataclass(frozen=True)
class Stage:
    """The worker at one moment, nothing being under way. Memory in KiB."""

    name: str
    rss: int
    pss: int
    connections: int


def idle(settings: Settings) -> bool:
    """Measure, print the table, and tell whether memory and processor time are within bounds."""
    raise_file_limit(settings.connections)
    server = settings.server("--workers", "1", *WIDE, "--keep-alive", "600")
    with running(server, HELLO.launch(settings), settings) as session:
        stages, idle_ms, switches = measured(session, settings.connections)
    first = stages[0]
    rows = []
    for stage in stages:
        each = [f"{(value - old) / settings.connections:.2f}" for value, old in (
            (stage.rss, first.rss), (stage.pss, first.pss))]  # fmt: skip
        memory = [f"{stage.rss / 1024:.1f}", f"{stage.pss / 1024:.1f}"]
        rows.append([stage.name, f"{stage.connections:,}", *memory, *each])
    print("\n".join(f"- {name}: {value}" for name, value in facts().items()))
    columns = ["stage", "connections", "RSS MiB", "PSS MiB", "RSS KiB each", "PSS KiB each"]
    title = f"{settings.connections:,} idle connections on one worker"
    print(f"\n{table_section(title, columns, rows)}\n")
    open_stages = [stage for stage in stages if stage.connections]
    worst = max((stage.rss - first.rss) / settings.connections for stage in open_stages)
    print(
        f"memory: {worst:.2f} KiB a connection at most, bound {LIMIT_KIB}: {met(worst, LIMIT_KIB)}"
    )
    print(
        f"idle for {IDLE_SECONDS} s: {idle_ms:.2f} ms of processor time, {switches} wake-ups:"
        f" {met(idle_ms, IDLE_CPU_MS)}"
    )
    return worst <= LIMIT_KIB and idle_ms <= IDLE_CPU_MS


def measured(session: Session, count: int) -> tuple[list[Stage], float, int]:
    """Open, ask twice, be idle, and close; give the stages, and CPU ms and wake-ups while idle."""
    (worker,) = workers_of(session)
    connections: list[socket.socket] = []
    try:
        # What the first requests make the worker keep for good is not the connections' cost.
        ask_all(session, connections, WINDOW)
        close_all(connections)
        stages = [stage("before", worker, 0)]
        begun = time.monotonic()
        ask_all(session, connections, count)
        # The faster they come, the more of them hold a parser at the same time.
        print(f"  {count} connections opened in {time.monotonic() - begun:.1f} s", flush=True)
        stages.append(stage("after one request each", worker, count))
        ask_all(session, connections, count)
        stages.append(stage("after two requests each", worker, count))
        before, woken = cpu_seconds([worker])[worker], wake_ups(worker)
        time.sleep(IDLE_SECONDS)
        used = cpu_seconds([worker])[worker] - before
        after = wake_ups(worker)
        woken = sum(after[thread] - woken[thread] for thread in after.keys() & woken.keys())
        ask_all(session, connections, count)
        stages.append(stage("idle for a while, and asked again", worker, count))
    finally:
        close_all(connections)
    stages.append(stage("all closed", worker, 0))
    session.check()
    return stages, used * 1000, woken


def ask_all(session: Session, connections: list[socket.socket], count: int) -> None:
    """Make a request on each of so many connections, opening those that are missing."""
    for begin in range(0, count, WINDOW):
        window = range(begin, min(begin + WINDOW, count))
        for at in window:
            if at == len(connections):
                address = ("127.0.0.1", session.port)
                connections.append(socket.create_connection(address, timeout=20))
            connections[at].sendall(REQUEST)
        for at in window:
            wrong = HELLO.question.wrong(*answer(connections[at]))
            if wrong is not None:
                raise BenchError(f"connection {at}: {wrong}")


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Read one answer that has a length: (status, body)."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += received(connection)
    return int(head.split()[1]), body


def received(connection: socket.socket) -> bytes:
    """Read what there is; an end is no answer."""
    data = connection.recv(65536)
    if not data:
        raise BenchError("a connection that should be kept was closed")
    return data


def close_all(connections: list[socket.socket]) -> None:
    """Close what is open."""
    while connections:
        connections.pop().close()


def stage(name: str, worker: int, connections: int) -> Stage:
    """Look at the worker when it has settled: when it used no processor time for a second."""
    deadline = time.monotonic() + SETTLE_SECONDS
    before = -1.0
    while (now := cpu_seconds([worker])[worker]) != before:
        if time.monotonic() > deadline:
            print(f"  {name}: the worker still uses processor time after {SETTLE_SECONDS} s")
            break
        before = now
        time.sleep(1.0)
    found = Stage(name, rss_kib(worker), pss_kib(worker), connections)
    print(f"  {name}: RSS {found.rss} KiB, PSS {found.pss} KiB", flush=True)
    return found


def raise_file_limit(connections: int) -> None:
    """Let this process, and the server that it starts, have as many descriptors as it may.

    Raises `BenchError` when that is not enough.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    needed = connections + SPARE_FILES
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BenchError(
            f"{connections} connections need {needed} descriptors, and this process may have"
            f" `{hard}`: raise the hard limit (`ulimit -Hn {needed}`) or give `--connections`"
        )


def met(value: float, limit: float) -> str:
    """Say what follows from a value."""
    return "met" if value <= limit else "MISSED"
