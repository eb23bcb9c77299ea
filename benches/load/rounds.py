"""The order of the measurements: A B C A B C, each server started and stopped for each.

On a shared machine the speed of the minute differs more than two servers do; taking turns gives
every server a part of the good minutes and of the bad ones.
"""

from accounting import cpu_seconds, pss_kib
from floor import measure_floor
from options import Options
from result import Load, Result
from servers import Server
from session import BenchError, Session, running
from workloads import DJANGO, WORKLOADS, Workload
from wrk import load

WARM_UP_SECONDS = 1


def run_rounds(options: Options, servers: list[Server], result: Result) -> None:
    """Measure every server under every workload, `options.rounds` times.

    A server that fails is reported once and left out of the rest of that workload.
    """
    failed: set[tuple[str, str]] = set()
    for number in range(1, options.rounds + 1):
        for name, workload in WORKLOADS.items():
            if name not in options.workloads:
                continue
            if workload is DJANGO:
                floors(options, servers, number, result)
            for server in servers:
                if (server.name, name) in failed:
                    continue
                try:
                    run = one_load(options, server, workload, number)
                except (BenchError, OSError) as error:
                    failed.add((server.name, name))
                    result.failures.append(f"{server.name}, {name}: {error}")
                    print(f"failed: {server.name}, {name}: {error}", flush=True)
                    continue
                result.loads.append(run)
                progress(options, run)


def floors(options: Options, servers: list[Server], number: int, result: Result) -> None:
    """Measure the floor once for each interpreter that runs one of the servers."""
    by_interpreter = {server.interpreter: server for server in servers}
    for server in by_interpreter.values():
        try:
            found = measure_floor(options, server, number)
        except BenchError as error:
            result.failures.append(str(error))
            print(f"failed: {error}", flush=True)
            continue
        result.floors.append(found)
        print(f"round {number}/{options.rounds} floor: {found.cpu_us:.1f} us/call", flush=True)


def one_load(options: Options, server: Server, workload: Workload, number: int) -> Load:
    """Start a server, warm it up, load it, and read what it used."""
    with running(server, workload, options) as session:
        load(session, WARM_UP_SECONDS)
        session.check()
        run = loaded(options, session, number)
        session.check()
        return run


def loaded(options: Options, session: Session, number: int) -> Load:
    """Load a warm server and compare its clocks before and after."""
    before = cpu_seconds(session.tree())
    traffic = load(session, options.seconds)
    after = cpu_seconds(session.tree())
    if before.keys() != after.keys():
        raise BenchError(f"processes came or went during the load: {[*before]} → {[*after]}")
    used = sum(after.values()) - sum(before.values())
    pss = {pid: pss_kib(pid) for pid in after}
    return Load(
        server=session.server.name,
        workload=session.workload.name,
        round=number,
        cpu_us=used / traffic.requests * 1e6,
        requests_per_second=traffic.requests / traffic.seconds,
        p50_ms=traffic.p50_ms,
        p99_ms=traffic.p99_ms,
        requests=traffic.requests,
        socket_errors=traffic.socket_errors,
        master_pss_kib=pss[session.pid],
        tree_pss_kib=sum(pss.values()),
    )


def progress(options: Options, run: Load) -> None:
    """Say what the last seconds were spent on."""
    print(
        f"round {run.round}/{options.rounds} {run.workload} {run.server}:"
        f" {run.cpu_us:.2f} us/request, {run.requests_per_second:.0f} requests/s",
        flush=True,
    )
