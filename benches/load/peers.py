"""The other servers: how each is started, and what it can do.

The same number of Python threads everywhere, as far as a server lets one choose: a second thread
changes what is measured (GIL hand-over), not how good the server is. Granian's default, as many
threads as it likes, has a row of its own because it is what a user gets.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from marks import MARKS, mark
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
from tools import apache, pinned_version

if TYPE_CHECKING:
    from options import Options

APACHE_USER = "www-data"
"""As whom Debian's Apache serves when root starts it."""
C_SERVER = str(Path(__file__).resolve().parent / "c_server.py")


Command = Callable[[Start, Path], list[str]]
"""Makes the argument list from what is to be started and the `bin` folder of the environment."""


@dataclass(frozen=True)
class Peer:
    """One way to run one package."""

    package: str
    command: Command
    capabilities: frozenset[str]


def gunicorn(kind: str) -> Command:
    """Start Gunicorn with one of its worker classes."""

    def command(start: Start, bin_folder: Path) -> list[str]:
        numbers = ["--workers", str(start.workers)]
        if start.threads > 1:
            numbers += ["--threads", str(start.threads)]
        given = [*numbers, "--worker-class", kind, "--log-level", "warning"]
        program = [str(bin_folder / "python"), "-m", "gunicorn"]
        return [*program, start.application, *given, "--bind", start.bind]

    return command


def granian(start: Start, bin_folder: Path) -> list[str]:
    """Start Granian; where threads are compared, with so many of them."""
    given = ["--interface", "wsgi", "--no-ws", "--log-level", "warning"]
    given += ["--workers", str(start.workers)]
    if start.threads > 1:
        given += ["--blocking-threads", str(start.threads)]
    if isinstance(start.address, Path):
        given += ["--uds", str(start.address)]
    else:
        given += ["--host", start.address[0], "--port", str(start.address[1])]
    return [str(bin_folder / "python"), "-m", "granian", start.application, *given]


def granian_one_thread(start: Start, bin_folder: Path) -> list[str]:
    """Start Granian with one Python thread: the row that is like the others."""
    return [*granian(start, bin_folder), "--blocking-threads", "1"]


def c_server(name: str) -> Command:
    """Start a server that has no usable command line."""

    def command(start: Start, bin_folder: Path) -> list[str]:
        return [str(bin_folder / "python"), C_SERVER, name, start.application, start.bind]

    return command


def uwsgi(option: str) -> Command:
    """Start uWSGI: `--http-socket` closes each connection, `--http11-socket` keeps it open.

    With the latter a thread serves one connection until that is closed.
    """

    def command(start: Start, bin_folder: Path) -> list[str]:
        bind = str(start.address) if isinstance(start.address, Path) else start.bind
        given = [option, bind, "--module", start.application, "--pythonpath", "."]
        given += ["--virtualenv", str(bin_folder.parent), "--need-app", "--disable-logging"]
        given += ["--master", "--die-on-term", "--processes", str(start.workers)]
        if start.threads > 1:
            given += ["--threads", str(start.threads)]
        return [str(bin_folder / "uwsgi"), *given]

    return command


def waitress(start: Start, bin_folder: Path) -> list[str]:
    """Start waitress, which is one process."""
    given = ["--threads", str(start.threads)]
    if isinstance(start.address, Path):
        given += ["--unix-socket", str(start.address)]
    else:
        given += ["--listen", start.bind]
    return [str(bin_folder / "python"), "-m", "waitress", *given, start.application]


def mod_wsgi(start: Start, bin_folder: Path) -> list[str]:
    """Start Apache with mod_wsgi in its daemon mode, configured anew beside the environment."""
    host, port = start.address
    module, _, name = start.application.partition(":")
    given = ["--host", host, "--port", str(port), "--log-to-terminal", "--log-level", "warn"]
    given += ["--server-root", str(bin_folder.parents[1] / "mod_wsgi"), "--locale", "C.UTF-8"]
    given += ["--processes", str(start.workers), "--threads", str(start.threads)]
    given += ["--application-type", "module", "--callable-object", name]
    given += ["--working-directory", ".", "--httpd-executable", apache() or "httpd"]
    if os.geteuid() == 0:
        given += ["--user", APACHE_USER, "--group", APACHE_USER]
    return [str(bin_folder / "mod_wsgi-express"), "start-server", *given, module]


GUNICORN = frozenset({WORKERS, UNIX, CHUNKED, PRELOAD, SUPERVISED})
GRANIAN = frozenset({WORKERS, UNIX, KEEP_ALIVE, CHUNKED})
UWSGI = frozenset({WORKERS, THREADS, UNIX, SUPERVISED})
MOD = frozenset({WORKERS, THREADS, KEEP_ALIVE, CHUNKED, SUPERVISED})
PEERS = {
    "fastwsgi": Peer("fastwsgi", c_server("fastwsgi"), frozenset({KEEP_ALIVE, CHUNKED})),
    "bjoern": Peer("bjoern", c_server("bjoern"), frozenset({KEEP_ALIVE, UNIX})),
    "granian-bt1": Peer("granian", granian_one_thread, GRANIAN),
    "granian": Peer("granian", granian, GRANIAN | {THREADS}),
    "gunicorn-sync": Peer("gunicorn", gunicorn("sync"), GUNICORN),
    "gunicorn-gthread": Peer("gunicorn", gunicorn("gthread"), GUNICORN | {THREADS, KEEP_ALIVE}),
    "gunicorn-gevent": Peer("gevent", gunicorn("gevent"), GUNICORN | {KEEP_ALIVE}),
    "uwsgi": Peer("uwsgi", uwsgi("--http-socket"), UWSGI),
    "uwsgi-http11": Peer("uwsgi", uwsgi("--http11-socket"), UWSGI | {KEEP_ALIVE}),
    "waitress": Peer("waitress", waitress, frozenset({THREADS, UNIX, KEEP_ALIVE, CHUNKED})),
    "mod-wsgi": Peer("mod_wsgi", mod_wsgi, MOD),
}
NAMES = (*OWN, *PEERS, *MARKS)


def line_up(options: Options, missing: dict[str, str]) -> Lineup:
    """Choose the servers asked for; `missing` maps a package that did not install to its reason."""
    lineup = Lineup()
    for name in options.servers:
        if name in MARKS:
            found = mark(name, options)
        else:
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
        make=lambda start: described.command(start, python.parent),
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
