"""A server on a Unix socket behind Debian's nginx: what a request costs in each of the two."""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from accounting import cpu_seconds, members
from marks import MISSING, NGINX, settings
from scene import Column, Scene
from servers import UNIX
from session import BenchError, free_port, running, stop

from .stage import HELLO, processor_time, traffic

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from servers import Server

START_SECONDS = 10.0
WITH_WORKER = 2
"""Its processes: a master and one worker; by then it listens."""
PASSING_ON = """upstream app {{
        server unix:{socket};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}"""


class BehindNginx(Scene):
    """wrk on nginx, which keeps its connections to one worker on a Unix socket."""

    name = "nginx"
    title = "hello on a Unix socket behind nginx: 1 worker each, wrk -t1 -c64"
    group = "nginx"
    columns = (
        Column("cpu_us", "CPU µs/request, server"),
        Column("nginx_us", "CPU µs/request, nginx"),
        Column("rate", "requests/s", "", 0, "more"),
        Column("p50_ms", "p50 ms"),
        Column("p99_ms", "p99 ms"),
    )

    def applies(self, server: Server) -> str | None:
        """Leave out servers without a Unix socket."""
        return None if UNIX in server.capabilities else "it listens on no Unix socket"

    def launch(self, options: Options) -> Launch:
        """Serve the greeting on a socket."""
        return HELLO.launch(options, address=Path("SOCKET"))

    def prepare(self, options: Options) -> None:
        """See that there is an nginx."""
        if not Path(NGINX).exists():
            raise BenchError(MISSING)

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Start the server and nginx, and load nginx."""
        # Not below `options.out`: the path of a socket is short, unix(7).
        with tempfile.TemporaryDirectory(prefix="rwsgi-bench-") as folder:
            path = Path(folder) / "socket"
            launch = dataclasses.replace(self.launch(options), address=path)
            with running(server, launch, options) as session, nginx(path) as (pid, address):
                traffic(address, 1)
                ours = processor_time(session)
                its = sum(cpu_seconds(members(pid)).values())
                seen = traffic(address, options.seconds)
                ours = processor_time(session) - ours
                its = sum(cpu_seconds(members(pid)).values()) - its
        if not seen.requests:
            raise BenchError("nginx answered nothing")
        return {
            "cpu_us": ours / seen.requests * 1e6,
            "nginx_us": its / seen.requests * 1e6,
            "rate": seen.requests / seen.seconds,
            "p50_ms": seen.p50_ms,
            "p99_ms": seen.p99_ms,
        }


@contextmanager
def nginx(path: Path) -> Iterator[tuple[int, tuple[str, int]]]:
    """Have an nginx in front of a socket, with all its files beside that: (pid, address)."""
    address = ("127.0.0.1", free_port())
    folder = path.parent
    file, log = folder / "nginx.conf", folder / "error.log"
    file.write_text(settings(folder, log, PASSING_ON.format(socket=path, port=address[1])))
    command = [NGINX, "-p", str(folder), "-e", str(log), "-c", str(file)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while len(members(process.pid)) < WITH_WORKER:
            if process.poll() is not None or time.monotonic() > deadline:
                said = ""
                with suppress(OSError):
                    said = log.read_text(errors="replace").strip()[-300:]
                raise BenchError(f"nginx does not start: {said}")
            time.sleep(0.01)
        yield process.pid, address
    finally:
        stop(process)
