"""One server process tree: started, known to be ready, asked, and ended whatever happens."""

from __future__ import annotations

import http.client
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accounting import members

if TYPE_CHECKING:
    from options import Options
    from servers import Server
    from workloads import Workload

START_SECONDS = 30
STOP_SECONDS = 15
POLL_SECONDS = 0.02


class BenchError(Exception):
    """Something could not be measured; the text is the sentence the user reads."""


@dataclass(frozen=True)
class Session:
    """A running server. `pid` is its first process, the leader of a session of its own."""

    server: Server
    workload: Workload
    pid: int
    port: int
    log: Path

    def check(self) -> None:
        """Ask once and raise `BenchError` when the answer is not the right one."""
        try:
            wrong = self.workload.wrong(*self.ask())
        except OSError as error:
            wrong = f"no answer ({error})"
        if wrong is not None:
            raise BenchError(f"{self.server.name}: {self.workload.name}: {wrong}")

    def ask(self) -> tuple[int, bytes]:
        """Send the workload's request on a connection of its own: (status, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", self.workload.path, headers=self.workload.headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(repr(error)) from error
        finally:
            connection.close()

    def tree(self) -> list[int]:
        """Return the processes of this server, the first one first."""
        return members(self.pid)


@contextmanager
def running(server: Server, workload: Workload, options: Options) -> Iterator[Session]:
    """Start a server and wait until it answers rightly; at the end nothing of it is left."""
    port = free_port()
    logs = options.out / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{server.name}-{workload.name}.log"
    command = [*pinning(options), *server.command(workload.application, port)]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=workload.folder,
            env=environment(server.python, workload.environment(options.out)),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    session = Session(server, workload, process.pid, port, log)
    try:
        wait_until_ready(session, process)
        yield session
    finally:
        stop(process)


def pinning(options: Options) -> list[str]:
    """Return the command in front of a command that keeps it on the chosen core."""
    return ["taskset", "-c", str(options.pin)] if options.pin is not None else []


def environment(python: Path, application: dict[str, str]) -> dict[str, str]:
    """Build a server's environment from nothing: the caller's settings must not leak in.

    `python` is the interpreter of a virtual environment, which the native binary finds by
    `VIRTUAL_ENV` as it would in an activated one; `application` is what the application reads.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    venv = str(python.parents[1])
    return {**kept, **application, "VIRTUAL_ENV": venv, "PYTHONDONTWRITEBYTECODE": "1"}


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(session: Session, process: subprocess.Popen) -> None:
    """Poll for the first right answer, and for the line that some servers log when ready."""
    deadline = time.monotonic() + START_SECONDS
    why = "no answer"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            why = f"it ended with {process.returncode}"
            break
        try:
            session.check()
            if (session.server.ready_text or "") in session.log.read_text(errors="replace"):
                return
            why = f"`{session.server.ready_text}` is not in its log"
        except BenchError as error:
            why = str(error)
        time.sleep(POLL_SECONDS)
    tail = session.log.read_text(errors="replace").strip()[-600:]
    raise BenchError(f"{session.server.name} does not start: {why}; its log ends: {tail}")


def stop(process: subprocess.Popen) -> None:
    """Ask the first process to stop, then kill what is left of its group and session."""
    try:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    finally:
        left = members(process.pid)
        if left:
            print(f"  still there after TERM, killed: {left}", flush=True)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for pid in left:
            kill(pid)
        process.wait(STOP_SECONDS)


def kill(pid: int) -> None:
    """Kill a process that need not be a child, and wait until it has ended (pidfd_open(2))."""
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            select.select([handle], [], [], STOP_SECONDS)
        finally:
            os.close(handle)
