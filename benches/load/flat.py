"""The memory check: many requests of 1 MiB up and down must leave the workers' memory flat."""

import http.client
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor

from accounting import rss_kib
from options import Options
from result import Flat, Result
from servers import Server
from session import BenchError, Session, running
from workloads import ECHO

STEPS = 20
CLIENTS = 4
PAYLOAD = os.urandom(1 << 20)
SECONDS_PER_REQUEST = 0.05
"""A hundred times what a request takes; with it the check is bounded in time."""


def flat_memory(options: Options, servers: list[Server], result: Result) -> None:
    """Check rwsgi, or, when servers were named with `--only`, each of those."""
    for server in servers:
        if not (server.ours or options.only):
            continue
        print(f"memory: {server.name}: {options.flat_requests} requests of 1 MiB …", flush=True)
        try:
            with running(server, ECHO, options) as session:
                run = sampled(session, options.flat_requests)
            result.flats.append(run)
            print(f"memory: {server.name}: growth {run.growth_kib} KiB", flush=True)
        except (BenchError, OSError, http.client.HTTPException) as error:
            result.failures.append(f"{server.name}, memory: {error}")
            print(f"failed: {server.name}, memory: {error}", flush=True)


def sampled(session: Session, requests: int) -> Flat:
    """Send the requests in equal steps and look at the memory when none is under way."""
    per_client = math.ceil(requests / (STEPS * CLIENTS))
    deadline = time.monotonic() + 60 + requests * SECONDS_PER_REQUEST
    workers = workers_of(session)
    samples = [resident(workers)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in range(STEPS):
            steps = [pool.submit(send, session.port, per_client) for _ in range(CLIENTS)]
            for step in steps:
                step.result()
            if workers_of(session) != workers:
                raise BenchError("a worker was replaced")
            if time.monotonic() > deadline:
                raise BenchError(f"only {len(samples)} of {STEPS} steps were done in time")
            samples.append(resident(workers))
    return Flat(session.server.name, per_client * STEPS * CLIENTS, samples)


def workers_of(session: Session) -> list[int]:
    """Return the processes that run the application: all but the first, if there are others."""
    tree = session.tree()
    return tree[1:] or tree


def resident(workers: list[int]) -> int:
    """Add up the resident memory of the workers, in KiB."""
    return sum(rss_kib(pid) for pid in workers)


def send(port: int, count: int) -> None:
    """Send `count` bodies one after the other, and compare what comes back."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        for _ in range(count):
            connection.request("POST", ECHO.path, body=PAYLOAD)
            answer = connection.getresponse()
            if answer.status != 200 or answer.read() != PAYLOAD:
                raise BenchError(f"a body came back wrong (status {answer.status})")
    finally:
        connection.close()
