"""The servers that are compared: what each can do, and the command that starts it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from session import pinning
from tools import program_version

if TYPE_CHECKING:
    from launch import Address, Launch
    from options import Options

WORKERS = "workers"
"""More than one process."""
THREADS = "threads"
"""A chosen number of Python threads in each process."""
UNIX = "unix"
"""Listens on a Unix socket."""
KEEP_ALIVE = "keep-alive"
"""Answers a second request on a connection."""
CHUNKED = "chunked"
"""Takes a request body without a length."""
PRELOAD = "preload"
"""`--preload` loads the application before the fork."""
SUPERVISED = "supervised"
"""Replaces a worker that died."""
AS_GIVEN = "as given"
"""The version of a server of which nothing is known but its command."""
ALL = frozenset({WORKERS, THREADS, UNIX, KEEP_ALIVE, CHUNKED, PRELOAD, SUPERVISED})


@dataclass(frozen=True)
class Start:
    """What a command line is made from."""

    application: str
    address: Address
    workers: int = 1
    threads: int = 1

    @property
    def bind(self) -> str:
        """Write the address as Gunicorn's `--bind` has it."""
        if isinstance(self.address, tuple):
            return f"{self.address[0]}:{self.address[1]}"
        return f"unix:{self.address}"


@dataclass(frozen=True)
class Server:
    """One row of the tables. Each worker says `ready_text` in the log before it counts as ready.

    `interpreter` names the Python that runs the application: a floor is measured for each.
    `embeds` tells that the server brings its own instead of running in `python`; one that
    `runs_python` not serves no application at all.
    """

    name: str
    program: Path
    python: Path
    make: Callable[[Start], list[str]]
    version: str
    ready_text: str | None = None
    capabilities: frozenset[str] = frozenset()
    embeds: bool = False
    runs_python: bool = True

    @property
    def ours(self) -> bool:
        """Tell whether the targets apply to this server."""
        return self.name.startswith("rwsgi-")

    @property
    def is_peer(self) -> bool:
        """Tell whether it is one of the servers that this program knows, and not rwsgi."""
        return not self.ours and self.version != AS_GIVEN

    @property
    def interpreter(self) -> str:
        """Name the Python that runs the application, whatever environment it is reached through."""
        return str(self.program if self.embeds else self.python.resolve())

    def command(
        self, application: str, address: Address, workers: int = 1, threads: int = 1
    ) -> list[str] | None:
        """Return the argument list, or None when this server cannot do that.

        `address` is (host, port) or the path of a Unix socket.
        """
        needed = {
            WORKERS: workers > 1,
            THREADS: threads > 1,
            UNIX: isinstance(address, Path),
        }
        if any(wanted and can not in self.capabilities for can, wanted in needed.items()):
            return None
        return self.make(Start(application, address, workers, threads))

    def shown(self, launch: Launch) -> str:
        """Write the command line of a launch in terms of the repository."""
        address = launch.address or ("127.0.0.1", "PORT")
        command = self.command(launch.application, address, launch.workers, launch.threads)
        pinned = pinning(launch.core)
        root = Path(__file__).resolve().parents[2]
        return shlex.join([*pinned, *(command or []), *launch.arguments]).replace(f"{root}/", "")

    def described(self) -> dict:
        """Say which program this is."""
        return {
            "version": self.version,
            "python": program_version(self.python, self.python) if self.runs_python else "-",
            "interpreter": self.interpreter,
            "peer": self.is_peer,
        }


@dataclass
class Lineup:
    """The servers that can be measured here, and why the others cannot."""

    servers: list[Server] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


OWN = ("rwsgi-wheel", "rwsgi-native")


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

    def make(start: Start) -> list[str]:
        numbers = ["--workers", str(start.workers)]
        if start.threads > 1:
            numbers += ["--threads", str(start.threads)]
        return [str(program), start.application, "--bind", start.bind, *numbers]

    return Server(
        name=name,
        program=program,
        python=folder / "python",
        make=make,
        version=program_version(program, folder / "python"),
        ready_text="Worker ready (pid: ",
        capabilities=ALL,
        embeds=name == "rwsgi-native",
    )
