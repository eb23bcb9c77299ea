"""Put a server under load with wrk: one thread, 64 connections kept open unless told otherwise."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from launch import pieces
from session import BenchError

if TYPE_CHECKING:
    from launch import Question
    from session import Session

SCRIPT = Path(__file__).resolve().parent / "wrk.lua"
CONNECTIONS = 64


@dataclass(frozen=True)
class Traffic:
    """What one run of wrk saw. `wrong_status` counts answers other than 2xx and 3xx."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    wrong_status: int
    socket_errors: int


def load(session: Session, seconds: int, connections: int = CONNECTIONS) -> Traffic:
    """Run wrk for `seconds`; raise `BenchError` when the server did not answer rightly."""
    command = arguments(session, seconds, connections)
    environment = {**os.environ, **from_file(session)}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=seconds + 30
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"{session.server.name}: wrk did not end in time") from None
    if done.returncode != 0:
        raise BenchError(f"{session.server.name}: wrk failed: {done.stderr.strip()[-300:]}")
    traffic = parse(done.stdout)
    if traffic.requests == 0 or traffic.wrong_status:
        asked = f"{session.server.name}: {session.launch.question.path}"
        raise BenchError(f"{asked}: {traffic.wrong_status} wrong answers of {traffic.requests}")
    return traffic


def arguments(session: Session, seconds: int, connections: int) -> list[str]:
    """Return wrk's command line."""
    question = session.launch.question
    headers = [f"-H{name}: {value}" for name, value in question.headers.items()]
    fixed = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT)]
    return ["wrk", *fixed, *headers, session.url]


def from_file(session: Session) -> dict[str, str]:
    """Write a request with a body into a file; return how `wrk.lua` is told of it."""
    question = session.launch.question
    if question.body is None:
        return {}
    path = session.log.with_suffix(".request")
    path.write_bytes(request(question, f"127.0.0.1:{session.port}"))
    return {"BENCH_REQUEST": str(path)}


def request(question: Question, host: str) -> bytes:
    """Write a request as it goes over the wire."""
    framing = {"Transfer-Encoding": "chunked"}
    body = question.body or b""
    if question.chunked:
        chunks = (b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces(body))
        body = b"".join(chunks) + b"0\r\n\r\n"
    else:
        framing = {"Content-Length": str(len(body))}
    headers = {"Host": host, **question.headers, **framing}
    lines = [f"{question.method} {question.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def parse(output: str) -> Traffic:
    """Read the line that `wrk.lua` printed last."""
    seen = json.loads(output.strip().splitlines()[-1])
    return Traffic(
        requests=seen["requests"],
        seconds=seen["microseconds"] / 1e6,
        p50_ms=seen["p50"] / 1000,
        p99_ms=seen["p99"] / 1000,
        wrong_status=seen["status"],
        socket_errors=seen["socket"],
    )
