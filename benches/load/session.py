"""One server process tree: started, known to be ready, asked, and ended whatever happens."""

from __future__ import annotations

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
    from launch import Address, Launch, Question
    from options import Options
    from servers import Server

START_SECONDS = 30
STOP_SECONDS = 15
POLL_SECONDS = 0.02


class BenchError(Exception):
    """Something could not be measured; the text is the sentence the user reads."""


@dataclass(frozen=True)
class Session:
    """A running server. `pid` is its first process, the leader of a session of its own."""

    server: Server
    launch: Launch
    pid: int
    address: Address
    log: Path

    @property
    def port(self) -> int:
        """Return the port of a server that does not listen on a Unix socket."""
        return self.address[1]

    @property
    def url(self) -> str:
        """Return where the server's question is asked."""
        scheme = "http" if self.launch.certificate is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}{self.launch.question.path}"

    def check(self, question: Question | None = None) -> None:
        """Ask once and raise `BenchError` when the answer is not the right one."""
        question = question or self.launch.question
        try:
            wrong = question.wrong(*question.ask(self.address, certificate=self.launch.certificate))
        except OSError as error:
            wrong = f"no answer ({error})"
        if wrong is not None:
            raise BenchError(f"{self.server.name}: {question.path}: {wrong}")

    def tree(self) -> list[int]:
        """Return the processes of this server, the first one first."""
        return members(self.pid)


@contextmanager
def running(
    server: Server, launch: Launch, options: Options, patience: float = START_SECONDS
) -> Iterator[Session]:
    """Start a server and wait until it answers rightly; at the end nothing of it is left.

    Raises `BenchError` when the server does not start, or cannot be started like this at all.
    """
    address = launch.address or ("127.0.0.1", free_port())
    started = server.command(launch.application, address, launch.workers, launch.threads)
    if started is None:
        raise BenchError(f"{server.name} cannot be started like this: {launch}")
    log = log_file(server, launch, options)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*pinning(launch.core), *started, *launch.arguments],
            cwd=launch.folder,
            env=environment(server.python, launch.environment),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    session = Session(server, launch, process.pid, address, log)
    try:
        wait_until_ready(session, process, patience)
        yield session
    finally:
        stop(process)


def log_file(server: Server, launch: Launch, options: Options) -> Path:
    """Name the server's log; the next start of the same kind writes over it."""
    logs = options.out / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    what = launch.application.partition(":")[0]
    return logs / f"{server.name}-{what}-w{launch.workers}-t{launch.threads}.log"


def pinning(core: int | None) -> list[str]:
    """Return the command in front of a command that keeps it on a core."""
    return ["taskset", "-c", str(core)] if core is not None else []


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


def wait_until_ready(session: Session, process: subprocess.Popen, patience: float) -> None:
    """Poll for the first right answer, and for the line that some servers log when ready."""
    deadline = time.monotonic() + patience
    text = session.server.ready_text
    why = "no answer"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            why = f"it ended with {process.returncode}"
            break
        try:
            session.check()
            said = session.log.read_text(errors="replace").count(text) if text else None
            if said is None or said >= session.launch.workers:
                return
            why = f"`{text}` is {said} times in its log"
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
