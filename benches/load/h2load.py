"""The second load generator: h2load over HTTP/1.1, to see whether wrk's numbers are wrk's own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from session import BenchError
from wrk import Traffic

if TYPE_CHECKING:
    from session import Session


def load(session: Session, seconds: int, connections: int) -> Traffic:
    """Run h2load for `seconds`; raise `BenchError` when the server did not answer rightly."""
    log = session.log.with_suffix(".h2load")
    log.unlink(missing_ok=True)
    question = session.launch.question
    headers = [f"-H{name}: {value}" for name, value in question.headers.items()]
    fixed = ["--h1", "-t1", f"-c{connections}", f"-D{seconds}", f"--log-file={log}"]
    url = f"http://127.0.0.1:{session.port}{question.path}"
    command = ["h2load", *fixed, *headers, url]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    except FileNotFoundError:
        raise BenchError("`h2load` is missing: sudo apt-get install nghttp2-client") from None
    except subprocess.TimeoutExpired:
        raise BenchError(f"{session.server.name}: h2load did not end in time") from None
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
