"""Files, TLS and HTTP/2 under load, with nginx as the mark."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import h2load
import wrk
from launch import Question
from marks import MARKS
from session import running
from sites import expect
from targets import Target, best_peer_over, over_best_peer
from workload import COLUMNS, WARM_UP_SECONDS, loaded

from .service import HEADERS, LARGE, SHEET, Served, Service
from .stage import GREETING, Words

if TYPE_CHECKING:
    from options import Options
    from servers import Server
    from workload import Load

LARGE_CONNECTIONS = 4
BESIDE_FILES = ("gunicorn-sync", "gunicorn-gthread")


class Marked(Served):
    """One request over and over, answered by rwsgi, by nginx, and by who else can do it."""

    columns = tuple(column for column in COLUMNS if column.key != "master_pss")

    def __init__(self, name: str, title: str, service: Service, load: Load = wrk.load) -> None:
        """Describe the request and how it is asked."""
        self.name, self.title, self.service, self.load = name, title, service, load
        self.group = "files" if service.files else "tls"
        self.connections = LARGE_CONNECTIONS if service.question is LARGE_FILE else wrk.CONNECTIONS

    def estimate(self, options: Options) -> float:
        """Count the start, the warm-up and the stop too."""
        return options.seconds + WARM_UP_SECONDS + 0.7

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Load the server, and look at its answers before and after."""
        launch = self.service.ready(options, server, self.name)
        with running(server, launch, options) as session:
            self.service.check(session)
            self.load(session, WARM_UP_SECONDS, self.connections)
            figures = loaded(session, lambda: self.load(session, options.seconds, self.connections))
            self.service.check(session)
            return figures


class StyleSheet(Marked):
    """The file that the targets are about."""

    short = True
    targets = (
        Target("20 KiB file, CPU / nginx's", "static-20k",
               over_best_peer("static-20k", names=("nginx",)), 1.3),
        Target("20 KiB file, CPU of WhiteNoise under Gunicorn / ours", "static-20k",
               best_peer_over("static-20k", BESIDE_FILES), 10, better="more"),
    )  # fmt: skip


def unchanged(status: int, body: bytes) -> str | None:
    """Judge the answer to who has the file already."""
    return None if (status, body) == (304, b"") else f"expected 304, got {status}"


SHEET_FILE = Question("/static/style.css", expect(SHEET))
KNOWN_FILE = Question(
    "/static/style.css", unchanged, headers={"If-Modified-Since": HEADERS["last-modified"]}
)
LARGE_FILE = Question("/static/large.css", expect(LARGE))
OF_FILES = Service(
    SHEET_FILE, (*MARKS, *BESIDE_FILES), "files:application", files=True, headers=HEADERS
)
HTTP2 = Service(
    GREETING,
    ("nginx", "granian-bt1"),
    kind="ecdsa",
    words=Words(rwsgi=("--http-protocols", "h2,h1")),
    listen="ssl http2",
)
HTTP2_FILES = replace(HTTP2, question=SHEET_FILE, peers=(*MARKS,), files=True, headers=HEADERS)
PRIOR = Service(GREETING, words=Words(rwsgi=("--http2-cleartext", "prior-knowledge")))
HTTPS = Service(GREETING, ("nginx", "gunicorn-gthread", "granian-bt1"), kind="ecdsa", listen="ssl")
STREAMS = f"{wrk.CONNECTIONS // h2load.STREAMS} connections with {h2load.STREAMS} streams"
LOADS = (
    StyleSheet("static-20k", "style sheet of 20 KiB; WhiteNoise under Gunicorn", OF_FILES),
    Marked(
        "static-304",
        "304 for a style sheet; WhiteNoise under Gunicorn",
        replace(OF_FILES, question=KNOWN_FILE, headers=None),
    ),
    Marked(
        "static-2m",
        f"file of 2 MiB, {LARGE_CONNECTIONS} connections; WhiteNoise under Gunicorn",
        replace(OF_FILES, question=LARGE_FILE, headers=None),
    ),
    Marked("tls-hello", "hello over TLS 1.3, kept connections", HTTPS),
    Marked("h2-hello", f"hello over HTTP/2 and TLS, {STREAMS}", HTTP2, h2load.load_http2),
    Marked(
        "h2-static",
        f"style sheet of 20 KiB over HTTP/2 and TLS, {STREAMS}",
        HTTP2_FILES,
        h2load.load_http2,
    ),
    Marked("h2c-hello", f"hello over HTTP/2 in the clear, {STREAMS}", PRIOR, h2load.load_http2),
)
