"""The second load generator: h2load, over HTTP/2, which wrk does not speak.

Over HTTP/1.1 it shows whether wrk's numbers are wrk's own.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from session import BenchError
from wrk import Traffic

if TYPE_CHECKING:
    from session import Session


SPOKEN = re.compile(r"^Application protocol: h2c?$", re.MULTILINE)
STREAMS = 8
"""Requests at a time in each connection over HTTP/2."""


def load(session: Session, seconds: int, connections: int) -> Traffic:
    """Ask over HTTP/1.1 for `seconds`. Raises `BenchError` when an answer is wrong."""
    return run(session, seconds, ["--h1", f"-c{connections}"])


def load_http2(session: Session, seconds: int, connections: int) -> Traffic:
    """Ask as many at a time over HTTP/2. Raises `BenchError` also when that is not spoken."""
    return run(session, seconds, [f"-c{connections // STREAMS}", f"-m{STREAMS}"])


def run(session: Session, seconds: int, how: list[str]) -> Traffic:
    """Run h2load; raise `BenchError` when the server did not answer rightly."""
    log = session.log.with_suffix(".h2load")
    log.unlink(missing_ok=True)
    question = session.launch.question
    headers = [f"-H{name}: {value}" for name, value in question.headers.items()]
    fixed = ["-t1", f"-D{seconds}", f"--log-file={log}"]
    command = ["h2load", *fixed, *how, *headers, session.url]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    except FileNotFoundError:
        raise BenchError("`h2load` is missing: sudo apt-get install nghttp2-client") from None
    except subprocess.TimeoutExpired:
        raise BenchError(f"{session.server.name}: h2load did not end in time") from None
    if "--h1" not in how and not SPOKEN.search(done.stdout):
        raise BenchError(f"{session.server.name}: h2load did not speak HTTP/2")
    return parse(done.stdout, log, seconds)


def parse(output: str, log: Path, seconds: int) -> Traffic:
    """Read what it printed, and the line that it wrote for each answer.

    A line is: start in microseconds, status, duration in microseconds. Requests that were under
    way when the time was over are not counted.
    """
    counts = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", output)
    if counts is None or not log.exists():
        raise BenchError(f"h2load fails: {output.strip()[-300:]}")
    good, moved, refused, failed = (int(count) for count in counts.groups())
    if good == 0 or refused or failed or moved:
        raise BenchError(f"h2load: answers were {counts.group()}")
    took = sorted(int(line.rsplit(maxsplit=1)[1]) for line in log.read_text().splitlines())
    log.unlink()
    return Traffic(
        requests=good,
        seconds=float(seconds),
        p50_ms=took[len(took) // 2] / 1000,
        p99_ms=took[len(took) * 99 // 100] / 1000,
        wrong_status=0,
        socket_errors=0,
    )
