"""The other servers: how each is started, and what it can do.

The same number of Python threads everywhere, as far as a server lets one choose: a second thread
changes what is measured (GIL hand-over), not how good the server is. Granian's default, as many
threads as it likes, has a row of its own because it is what a user gets.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from servers import (
    ALL,
    AS_GIVEN,
    CHUNKED,
    KEEP_ALIVE,
    OWN,
    PRELOAD,
    SUPERVISED,
    THREADS,
    UNIX,
    WORKERS,
    Lineup,
    Server,
    Start,
    own,
)
from tools import pinned_version

if TYPE_CHECKING:
    from options import Options

C_SERVER = str(Path(__file__).resolve().parent / "c_server.py")


@dataclass(frozen=True)
class Peer:
    """One way to run one package. `arguments(start)` follow the environment's `python`."""

    package: str
    arguments: Callable[[Start], list[str]]
    capabilities: frozenset[str]


def gunicorn(kind: str) -> Callable[[Start], list[str]]:
    """Start Gunicorn with one of its worker classes."""

    def arguments(start: Start) -> list[str]:
        numbers = ["--workers", str(start.workers)]
        if start.threads > 1:
            numbers += ["--threads", str(start.threads)]
        given = [*numbers, "--worker-class", kind, "--log-level", "warning"]
        return ["-m", "gunicorn", start.application, *given, "--bind", start.bind]

    return arguments


def granian(start: Start) -> list[str]:
    """Start Granian; where threads are compared, with so many of them."""
    given = ["--interface", "wsgi", "--no-ws", "--log-level", "warning"]
    given += ["--workers", str(start.workers)]
    if start.threads > 1:
        given += ["--blocking-threads", str(start.threads)]
    if isinstance(start.address, Path):
        given += ["--uds", str(start.address)]
    else:
        given += ["--host", start.address[0], "--port", str(start.address[1])]
    return ["-m", "granian", start.application, *given]


def granian_one_thread(start: Start) -> list[str]:
    """Start Granian with one Python thread: the row that is like the others."""
    return [*granian(start), "--blocking-threads", "1"]


def c_server(name: str) -> Callable[[Start], list[str]]:
    """Start a server that has no usable command line."""

    def arguments(start: Start) -> list[str]:
        return [C_SERVER, name, start.application, start.bind]

    return arguments


def waitress(start: Start) -> list[str]:
    """Start waitress, which is one process."""
    given = ["--threads", str(start.threads)]
    if isinstance(start.address, Path):
        given += ["--unix-socket", str(start.address)]
    else:
        given += ["--listen", start.bind]
    return ["-m", "waitress", *given, start.application]


GUNICORN = frozenset({WORKERS, UNIX, CHUNKED, PRELOAD, SUPERVISED})
GRANIAN = frozenset({WORKERS, UNIX, KEEP_ALIVE, CHUNKED})
PEERS = {
    "fastwsgi": Peer("fastwsgi", c_server("fastwsgi"), frozenset({KEEP_ALIVE, CHUNKED})),
    "bjoern": Peer("bjoern", c_server("bjoern"), frozenset({KEEP_ALIVE, UNIX})),
    "granian-bt1": Peer("granian", granian_one_thread, GRANIAN),
    "granian": Peer("granian", granian, GRANIAN | {THREADS}),
    "gunicorn-sync": Peer("gunicorn", gunicorn("sync"), GUNICORN),
    "gunicorn-gthread": Peer("gunicorn", gunicorn("gthread"), GUNICORN | {THREADS, KEEP_ALIVE}),
    "gunicorn-gevent": Peer("gevent", gunicorn("gevent"), GUNICORN | {KEEP_ALIVE}),
    "waitress": Peer("waitress", waitress, frozenset({THREADS, UNIX, KEEP_ALIVE, CHUNKED})),
}
NAMES = (*OWN, *PEERS)


def line_up(options: Options, missing: dict[str, str]) -> Lineup:
    """Choose the servers asked for; `missing` maps a package that did not install to its reason."""
    lineup = Lineup()
    for name in options.servers:
        found = own(name, options) if name in OWN else peer(name, options, missing)
        if isinstance(found, Server):
            lineup.servers.append(found)
        else:
            lineup.left_out[name] = found
    lineup.servers += [any_server(name, options) for name in options.commands]
    return lineup


def peer(name: str, options: Options, missing: dict[str, str]) -> Server | str:
    """Describe another server, or say why it cannot be measured."""
    described = PEERS[name]
    if described.package in missing:
        return missing[described.package]
    python = options.peers_venv / "bin" / "python"
    return Server(
        name=name,
        program=python,
        python=python,
        make=lambda start: [str(python), *described.arguments(start)],
        version=pinned_version(described.package),
        capabilities=described.capabilities,
    )


def any_server(name: str, options: Options) -> Server:
    """Describe a server by the command that was given for it.

    It can have more workers or threads when the command says where their number goes.
    """
    command = options.commands[name]

    def make(start: Start) -> list[str]:
        host, port = start.address
        values = {"host": host, "port": port, "workers": start.workers, "threads": start.threads}
        return [
            part.format(application=start.application, **values) for part in shlex.split(command)
        ]

    absent = {UNIX, PRELOAD, SUPERVISED}
    absent |= {can for can in (WORKERS, THREADS) if "{" + can + "}" not in command}
    return Server(
        name=name,
        program=Path(shlex.split(command)[0]),
        python=options.site_python,
        make=make,
        version=AS_GIVEN,
        capabilities=ALL - absent,
    )
