"""The servers that are compared: how each is started with one worker and one request at a time.

The same number of Python threads everywhere, as far as a server lets one choose: a second thread
changes what is measured (GIL hand-over), not how good the server is. Granian's default, many
threads, has a row of its own because it is what a user gets.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tools import pinned_version, program_version

if TYPE_CHECKING:
    from options import Options

Command = Callable[[str, int | str], list[str]]
"""(application, port) -> argv"""


@dataclass(frozen=True)
class Server:
    """One row of the table. `ready_text` must stand in its log before it counts as ready."""

    name: str
    program: Path
    python: Path
    command: Command
    version: str
    ready_text: str | None = None

    @property
    def ours(self) -> bool:
        """Tell whether the targets apply to this server."""
        return self.name.startswith("rwsgi-")

    @property
    def interpreter(self) -> str:
        """Name the Python that runs the application, whatever environment it is reached through."""
        return str(self.python.resolve())

    def described(self) -> dict:
        """Say which program this is and how it was started, in terms of the repository."""
        shown = shlex.join(self.command("APPLICATION", "PORT"))
        root = Path(__file__).resolve().parents[2]
        return {
            "version": self.version,
            "python": program_version(self.python, self.python),
            "interpreter": self.interpreter,
            "command": shown.replace(f"{root}/", ""),
        }


@dataclass
class Lineup:
    """The servers that can be measured here, and why the others cannot."""

    servers: list[Server] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def line_up(options: Options, missing: dict[str, str]) -> Lineup:
    """Choose the servers asked for; `missing` maps a package that did not install to its reason."""
    lineup = Lineup()
    for name in options.servers:
        found = own(name, options) if name in OWN else peer(name, options, missing)
        if isinstance(found, Server):
            lineup.servers.append(found)
        else:
            lineup.left_out[name] = found
    return lineup


def own(name: str, options: Options) -> Server | str:
    """Describe one of the two hosts of rwsgi, or say why there is none."""
    program = options.rwsgi_wheel if name == "rwsgi-wheel" else options.rwsgi_native
    if program is None:
        return f"not given (--{name} PROGRAM)"
    if not program.is_file():
        return f"no program at `{program}`"
    # The wheel's program is a script of the environment it was installed into.
    folder = program.parent if name == "rwsgi-wheel" else options.native_venv / "bin"
    if not (folder / "python").exists():
        return f"no virtual environment's `python` in `{folder}`"

    def command(application: str, port: int | str) -> list[str]:
        return [str(program), application, "--bind", f"127.0.0.1:{port}", "--workers", "1"]

    return Server(
        name=name,
        program=program,
        python=folder / "python",
        command=command,
        version=program_version(program, folder / "python"),
        ready_text="Worker ready (pid: ",
    )


def peer(name: str, options: Options, missing: dict[str, str]) -> Server | str:
    """Describe another server, or say why it cannot be measured."""
    package, arguments = PEERS[name]
    if package in missing:
        return missing[package]
    python = options.peers_venv / "bin" / "python"

    def command(application: str, port: int | str) -> list[str]:
        values = {"application": application, "port": port}
        return [str(python), *(part.format(**values) for part in arguments)]

    return Server(
        name=name,
        program=python,
        python=python,
        command=command,
        version=pinned_version(package),
    )


LAUNCHER = str(Path(__file__).resolve().parent / "launch.py")
ONE_WORKER = ["{application}", "--workers", "1", "--log-level", "warning"]
GUNICORN = ["-m", "gunicorn", *ONE_WORKER, "--bind", "127.0.0.1:{port}", "--worker-class"]
LOOPBACK = ["--host", "127.0.0.1", "--port", "{port}"]
GRANIAN = ["-m", "granian", *ONE_WORKER, "--interface", "wsgi", "--no-ws", *LOOPBACK]

OWN = ("rwsgi-wheel", "rwsgi-native")
PEERS: dict[str, tuple[str, list[str]]] = {
    "fastwsgi": ("fastwsgi", [LAUNCHER, "fastwsgi", "{application}", "{port}"]),
    "bjoern": ("bjoern", [LAUNCHER, "bjoern", "{application}", "{port}"]),
    "granian-bt1": ("granian", [*GRANIAN, "--blocking-threads", "1"]),
    "granian": ("granian", GRANIAN),
    "gunicorn-sync": ("gunicorn", [*GUNICORN, "sync"]),
    "gunicorn-gthread": ("gunicorn", [*GUNICORN, "gthread"]),
}
NAMES = (*OWN, *PEERS)
