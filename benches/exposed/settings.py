"""What was asked for on the command line, and how the server is started for it."""

import argparse
import dataclasses
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from borrowed import DEMO_SITE, BenchError, Server, Start, at_least, environment, own

ROOT = Path(__file__).resolve().parents[2]
WIDE = ["--worker-connections", "20000", "--limit-connections-per-ip", "0"]
"""All clients come from one address and go to one worker: neither bound is what is measured."""


@dataclass(frozen=True)
class Settings:
    """One run. `None` stands for the default of the program that is run."""

    program: str
    rwsgi_wheel: Path | None
    rwsgi_native: Path | None
    native_venv: Path
    out: Path
    pin: int | None
    seconds: int | None
    rounds: int
    connections: int
    clients: int
    requests: int
    kills: int
    seed: int
    only: str | None
    more: list[str]

    def server(self, *arguments: str) -> Server:
        """Describe the host that was given, started with these arguments more.

        Raises `BenchError` when there is no such program.
        """
        found = own("rwsgi-wheel" if self.rwsgi_wheel else "rwsgi-native", self)
        if isinstance(found, str):
            raise BenchError(found)

        def make(start: Start) -> list[str]:
            program = str(found.program)
            return [program, start.application, "--bind", start.bind, *arguments, *self.more]

        return dataclasses.replace(found, make=make)

    def shown(self) -> str:
        """Name the program that is measured, and how it differs from what it is as a rule."""
        return shlex.join([str(self.rwsgi_wheel or self.rwsgi_native), *self.more])


def parse(arguments: list[str], programs: tuple[str, ...]) -> Settings:
    """Read the command line; a wrong value ends the program with exit code 2, as argparse does."""
    parser = argparse.ArgumentParser(prog="python benches/exposed", description=__doc__)
    add = parser.add_argument
    add("program", choices=programs)
    add("--rwsgi-wheel", type=Path, metavar="PROGRAM", help="`bin/rwsgi` of an environment")
    add("--rwsgi-native", type=Path, metavar="PROGRAM", help="`target/release/rwsgi`")
    add(
        "--venv",
        type=Path,
        metavar="FOLDER",
        help="environment for the native binary, with the demo site's packages",
    )
    add("--out", type=Path, default=ROOT / ".build" / "exposed", metavar="FOLDER")
    add("--pin", type=int, metavar="CORE", help="pin the server, not the clients, to this core")
    add("--seconds", type=at_least(1), help="of one load: slow (5), logs (3); soak: of all (900)")
    add("--rounds", type=at_least(1), default=3, help="slow, logs: default 3")
    add("--connections", type=at_least(1), default=10_000, help="idle: default 10000")
    add("--clients", type=at_least(4), default=24, help="soak: at the same time, default 24")
    add("--requests", type=at_least(1), default=6000, help="memory: of the load, default 6000")
    add("--kills", type=at_least(1), default=10, help="memory: workers killed, default 10")
    add("--seed", type=int, default=1, help="soak: of the traffic, default 1")
    add("--only", metavar="NAME", help="soak: this kind of visit alone, to narrow a failure down")
    add("--more", type=shlex.split, default=[], metavar="TEXT", help="arguments for the server")
    given = parser.parse_args(arguments)
    if (given.rwsgi_wheel is None) == (given.rwsgi_native is None):
        parser.error("one of `--rwsgi-wheel` and `--rwsgi-native` is needed")
    if given.rwsgi_native is not None and given.venv is None:
        parser.error("`--rwsgi-native` needs `--venv`")
    values = vars(given)
    venv = values.pop("venv")
    for name in ("rwsgi_wheel", "rwsgi_native", "out"):
        # Servers run in other folders. Links stay: a virtual environment's `python` is one.
        values[name] = values[name].absolute() if values[name] is not None else None
    return Settings(
        native_venv=venv.absolute() if venv else values["rwsgi_wheel"].parents[1], **values
    )


def lay_database(settings: Settings) -> None:
    """Lay the demo site's database; raise `BenchError` when its packages are missing."""
    python = settings.server().python
    done = subprocess.run(
        [python, "manage.py", "migrate", "--verbosity", "0"],
        cwd=DEMO_SITE.folder,
        env=environment(python, DEMO_SITE.environment(settings.out)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode != 0:
        raise BenchError(f"the demo site does not migrate: {done.stderr.strip()[-400:]}")
