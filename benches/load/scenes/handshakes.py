"""New TLS connections: what a handshake costs, with a request and its answer in each of them.

The clients are two threads of this program. They use more processor time than any server, so it is
the server's processor time for each handshake that is to be compared.
"""

from __future__ import annotations

import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from scene import Column
from session import BenchError, running
from targets import Target, over_best_peer
from workload import loaded
from wrk import Traffic

from .connections import get
from .figures import percentile
from .service import Served, Service
from .stage import GREETING, Words

if TYPE_CHECKING:
    from options import Options
    from servers import Server
    from session import Session

CLIENTS = 2
WARM_UP_SECONDS = 0.5
PATIENCE = 10.0
VERSIONS = {"": ssl.TLSVersion.TLSv1_3, "_12": ssl.TLSVersion.TLSv1_2}
"""The end of a figure's key, and the version that it is about."""
NOT_MORE_THAN = 1.5
PEERS = ("nginx", "gunicorn-gthread", "granian-bt1")
RESUMING = ("nginx",)
"""Granian gives no session away, Gunicorn one that it does not know again."""
BOTH_VERSIONS = Words(granian=("--ssl-protocol-min", "tls1.2"))


class Handshakes(Served):
    """A connection for each request, in TLS 1.3 and then in TLS 1.2."""

    group = "handshakes"
    columns = (
        Column("cpu_us", "CPU µs/handshake, TLS 1.3", "µs", digits=1),
        Column("cpu_us_12", "CPU µs/handshake, TLS 1.2", "µs", digits=1),
        Column("rate", "handshakes/s, TLS 1.3", "/s", digits=0, better="more"),
        Column("rate_12", "handshakes/s, TLS 1.2", "/s", digits=0, better="more"),
        Column("p50_ms", "p50 ms, TLS 1.3", "ms"),
        Column("tree_pss", "all PSS MiB", "MiB", digits=1),
    )

    def __init__(self, name: str, title: str, kind: str, resumed: bool) -> None:
        """Choose the certificate, and whether sessions are resumed."""
        self.name, self.title, self.resumed = name, title, resumed
        peers = RESUMING if resumed else PEERS
        self.service = Service(GREETING, peers, kind=kind, words=BOTH_VERSIONS, listen="ssl")
        self.short_peers = ("nginx",)
        self.targets = tuple(
            Target(f"{title}, {version}, CPU / nginx's", name,
                   over_best_peer(name, key, names=("nginx",)), NOT_MORE_THAN)
            for key, version in (("cpu_us", "TLS 1.3"), ("cpu_us_12", "TLS 1.2"))
        )  # fmt: skip
        self.short = self.name == "handshakes"

    def estimate(self, options: Options) -> float:
        """Two loads with a warm-up each, the start and the stop."""
        return options.seconds + 2 * WARM_UP_SECONDS + 0.7

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Shake hands with the server, half of the time in each version."""
        launch = self.service.ready(options, server, self.name)
        found: dict[str, float] = {}
        with running(server, launch, options) as session:
            for end, version in VERSIONS.items():
                clients = crowd(session, version, self.resumed)
                load(clients, WARM_UP_SECONDS)
                figures = loaded(session, partial(load, clients, options.seconds / 2))
                found.update({f"{key}{end}": value for key, value in figures.items()})
            session.check()
        return found


@dataclass
class Client:
    """Somebody who connects, asks once, and closes; whoever resumes does so with the last session.

    The first connection of all has none, so that is made at the start and counts nowhere.
    """

    session: Session
    context: ssl.SSLContext
    resumes: bool
    known: ssl.SSLSession | None = None

    def __post_init__(self) -> None:
        """Get a session to resume."""
        if self.resumes:
            self.known = self.connect()

    def until(self, deadline: float) -> list[float]:
        """Connect again and again; return how long each took, in seconds.

        Raises `BenchError` when a session was resumed that should not be, or the other way round.
        """
        took = []
        while (begun := time.monotonic()) < deadline:
            newest = self.connect()
            took.append(time.monotonic() - begun)
            if self.resumes:
                self.known = newest
        return took

    def connect(self) -> ssl.SSLSession | None:
        """Connect and ask once; return the session that the server has given."""
        question, name = self.session.launch.question, self.session.server.name
        with (
            connected(self.session.address) as plain,
            self.context.wrap_socket(plain, server_hostname="localhost", session=self.known) as end,
        ):
            if end.session_reused != (self.known is not None):
                what = "was not resumed" if self.known else "was resumed"
                raise BenchError(f"{name}: a session of {end.version()} {what}")
            end.sendall(get(question.path, close=True))
            head, _, body = whole(end).partition(b"\r\n\r\n")
            # In TLS 1.3 a session comes after the handshake.
            newest = end.session
        if self.resumes and not newest.has_ticket:
            raise BenchError(f"{name}: no session was given away")
        wrong = question.wrong(int(head[9:12] or 0), body)
        if wrong is not None:
            raise BenchError(f"{name}: {question.path}: {wrong}")
        return newest


def connected(address: tuple[str, int]) -> socket.socket:
    """Open a connection on which a request need not wait until the handshake's end is confirmed."""
    plain = socket.create_connection(address, PATIENCE)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain


def whole(end: ssl.SSLSocket) -> bytes:
    """Read until the server closes."""
    pieces = []
    while piece := end.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)


def crowd(session: Session, version: ssl.TLSVersion, resumes: bool) -> list[Client]:
    """Make clients of one version, each with an OpenSSL context of its own."""
    clients = []
    for _ in range(CLIENTS):
        context = ssl.create_default_context(cafile=session.launch.certificate)
        context.minimum_version = context.maximum_version = version
        clients.append(Client(session, context, resumes))
    return clients


def load(clients: list[Client], seconds: float) -> Traffic:
    """Have all of them connect for so long."""
    begun = time.monotonic()
    with ThreadPoolExecutor(len(clients)) as pool:
        asked = [pool.submit(client.until, begun + seconds) for client in clients]
        took = [one for client in asked for one in client.result()]
    passed = time.monotonic() - begun
    p50, p99 = (percentile(took, percent) * 1000 for percent in (50, 99))
    return Traffic(len(took), passed, p50, p99, wrong_status=0, socket_errors=0)


HANDSHAKES = (
    Handshakes("handshakes", "TLS handshake, ECDSA P-256", "ecdsa", resumed=False),
    Handshakes("handshakes-resumed", "resumed TLS handshake", "ecdsa", resumed=True),
    Handshakes("handshakes-rsa", "TLS handshake, RSA 2048", "rsa", resumed=False),
)
