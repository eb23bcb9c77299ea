"""The ways in which a server can tell of its requests, and how it is seen that it did."""

from __future__ import annotations

import http.client
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from borrowed import HELLO, BenchError, Session, free_port

LOGGERS = """
[loggers]
keys = root, gunicorn.error, gunicorn.access
[handlers]
keys = console, file
[formatters]
keys = bare
[logger_root]
handlers = console
[logger_gunicorn.error]
level = INFO
handlers = console
propagate = 0
qualname = gunicorn.error
[logger_gunicorn.access]
level = INFO
handlers = file
propagate = 0
qualname = gunicorn.access
[handler_console]
class = StreamHandler
formatter = bare
args = (sys.stderr,)
[handler_file]
class = FileHandler
formatter = bare
args = ({file!r},)
[formatter_bare]
format = %(message)s
"""


@dataclass(frozen=True)
class Place:
    """Where one server tells of its requests: a file, an address for metrics, a statsd."""

    log: Path
    metrics: int
    statsd: socket.socket

    def loggers(self) -> str:
        """Write a configuration of Python's loggers that leads to the file; give its path."""
        path = self.log.with_name("logging.ini")
        path.write_text(LOGGERS.format(file=str(self.log)))
        return str(path)


Told = Callable[[Place, Session], int | None]
"""How many requests were told of; None when they are not counted. Raises `BenchError`: none."""


@dataclass(frozen=True)
class Variant:
    """One way to tell of requests: the arguments for it, and what shows that it was done."""

    name: str
    arguments: Callable[[Place], list[str]]
    told: Told


@contextmanager
def place_for_one(folder: Path) -> Iterator[Place]:
    """Have everything that a variant may tell to, for one server; nothing of it is left."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as own,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd,
    ):
        statsd.bind(("127.0.0.1", 0))
        yield Place(Path(own) / "access.log", free_port(), statsd)


def lines(place: Place, _: Session) -> int:
    """Count the lines of the access log."""
    with place.log.open("rb") as log:
        return sum(block.count(b"\n") for block in iter(lambda: log.read(1 << 20), b""))


def counted(place: Place, _: Session) -> int:
    """Add up what the page for Prometheus says."""
    page = asked(place.metrics, "/metrics").read().decode()
    rows = [line for line in page.splitlines() if line.startswith("rwsgi_requests_total{")]
    return sum(int(float(row.split()[-1])) for row in rows)


def sent(place: Place, _: Session) -> None:
    """See that a datagram has come. Most are dropped: to read them would take a core."""
    try:
        place.statsd.recv(1000, socket.MSG_DONTWAIT)
    except BlockingIOError:
        raise BenchError("no datagram came to the statsd address") from None


def identified(_: Place, session: Session) -> None:
    """See that an answer has an id."""
    if asked(session.port, HELLO.question.path).getheader("X-Request-ID") is None:
        raise BenchError("an answer has no `X-Request-ID`")


def asked(port: int, path: str) -> http.client.HTTPResponse:
    """Make one request on a connection of its own; the answer closes it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Connection": "close"})
    return connection.getresponse()


def to_file(place: Place) -> list[str]:
    """Give the arguments for an access log."""
    return ["--access-logfile", str(place.log)]


OFF = Variant("off", lambda _: [], lambda *_: None)
TEXT = Variant("access log, text", to_file, lines)
VARIANTS = (
    OFF,
    TEXT,
    Variant("access log, JSON", lambda place: [*to_file(place), "--log-format", "json"], lines),
    Variant("`--request-id on`", lambda _: ["--request-id", "on"], identified),
    Variant(
        "`--metrics-bind`",
        lambda place: ["--metrics-bind", f"127.0.0.1:{place.metrics}"],
        counted,
    ),
    Variant(
        "`--statsd-host`",
        lambda place: ["--statsd-host", f"127.0.0.1:{place.statsd.getsockname()[1]}"],
        sent,
    ),
    Variant("`--log-config`", lambda place: ["--log-config", place.loggers()], lines),
)
