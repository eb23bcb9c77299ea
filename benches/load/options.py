"""What was asked for on the command line, checked and with every default applied."""

import argparse
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from catalog import SCENES
from peers import NAMES

PURPOSE = "Compare rwsgi with other WSGI servers on this machine; see docs/benchmarks.md."
ROOT = Path(__file__).resolve().parents[2]
"""The repository's root: the demo site and `.build/` are found from here."""


@dataclass(frozen=True)
class Options:
    """One run of the comparison. Durations are seconds."""

    rwsgi_wheel: Path | None
    rwsgi_native: Path | None
    native_venv: Path
    out: Path
    servers: tuple[str, ...]
    commands: dict[str, str]
    only: bool
    full: bool
    scenes: tuple[str, ...]
    rounds: int
    seconds: int
    flat_requests: int
    pin: int | None
    install: bool
    any_noise: bool
    listing: bool

    @property
    def peers_venv(self) -> Path:
        """The environment of the other servers: made, filled and remade by this program alone."""
        return self.out / "venv"

    @property
    def site_python(self) -> Path:
        """Return the `python` of an environment in which the sites' packages should be."""
        folders = [self.native_venv / "bin", self.peers_venv / "bin"]
        folders += [self.rwsgi_wheel.parent] if self.rwsgi_wheel else []
        found = [folder / "python" for folder in folders if (folder / "python").exists()]
        return found[0] if found else Path(sys.executable)

    def described(self) -> dict:
        """Give the part of the options that a reader of the result needs."""
        pinned = f"server on core {self.pin}" if self.pin is not None else "not pinned"
        return {
            "command": shlex.join(["python", *sys.argv]),
            "rounds": self.rounds,
            "seconds": self.seconds,
            "flat_requests": self.flat_requests,
            "pinned": pinned,
        }


def parse(arguments: list[str]) -> Options:
    """Read the command line; a wrong value ends the program with exit code 2, as argparse does."""
    parser = build_parser()
    given = parser.parse_args(arguments)
    if given.pin is not None and given.pin not in os.sched_getaffinity(0):
        parser.error(f"--pin: core `{given.pin}` is not one this process may use")
    rounds = given.rounds or (1 if given.quick else 3)
    seconds = given.seconds or (1 if given.quick else 2)
    flat = given.flat_requests or (500 if given.quick else 10_000)
    return Options(
        rwsgi_wheel=absolute(given.rwsgi_wheel),
        rwsgi_native=absolute(given.rwsgi_native),
        native_venv=absolute(given.venv) or given.out.absolute() / "venv",
        out=given.out.absolute(),
        servers=given.only or NAMES,
        commands=dict(given.server),
        only=given.only is not None,
        full=given.full,
        scenes=given.scenes or tuple(name for name in SCENES if given.full or SCENES[name].short),
        rounds=rounds,
        seconds=seconds,
        flat_requests=flat,
        pin=given.pin,
        install=not given.no_install,
        any_noise=given.any_noise or given.quick,
        listing=given.list,
    )


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(prog="python benches/load", description=PURPOSE)
    add = parser.add_argument
    add("--rwsgi-wheel", type=Path, metavar="PROGRAM", help="`bin/rwsgi` of an environment")
    add("--rwsgi-native", type=Path, metavar="PROGRAM", help="`target/release/rwsgi`")
    add(
        "--venv",
        type=Path,
        metavar="FOLDER",
        help="environment for the native binary; it needs the demo site's packages"
        " (default: OUT/venv, the one made for the peers)",
    )
    add("--out", type=Path, default=ROOT / ".build" / "bench", metavar="FOLDER")
    add("--only", type=names_of(NAMES), metavar="SERVER,…", help=f"of {', '.join(NAMES)}")
    add(
        "--server",
        type=command_of,
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="one more server, of any kind: {application} {host} {port} {workers} {threads} in the"
        " command are replaced (repeatable)",
    )
    add("--scenes", type=names_of(SCENES), metavar="NAME,…", help=f"of {', '.join(SCENES)}")
    add("--full", action="store_true", help="every scene with every peer: about an hour")
    add("--rounds", type=at_least(1), metavar="N", help="default 3; fewer get no verdict")
    add(
        "--seconds",
        type=at_least(1),
        metavar="S",
        help="of one load (default 2)",
    )
    add(
        "--flat-requests",
        type=at_least(1),
        metavar="N",
        help="1 MiB requests of the memory check (default 10000; fewer get no verdict)",
    )
    add("--pin", type=int, metavar="CORE", help="pin the server, not wrk, to this core")
    add("--quick", action="store_true", help="1 round of 1 s, 500 requests: a check of the tool")
    add("--no-install", action="store_true", help="measure with what is there, install nothing")
    add("--any-noise", action="store_true", help="keep numbers that other processes had a part in")
    add("--list", action="store_true", help="show every scene and server, and do nothing")
    return parser


def absolute(path: Path | None) -> Path | None:
    """Servers run in other folders, so a path given relative to this one must not stay so.

    Links are not followed: a virtual environment's `python` is one, and is found by its place.
    """
    return path.absolute() if path is not None else None


def names_of(known):
    """Make an argparse type: a comma-separated choice of `known`."""

    def convert(text: str) -> tuple[str, ...]:
        chosen = tuple(text.split(","))
        unknown = [name for name in chosen if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"`{unknown[0]}` is not one of {', '.join(known)}")
        return chosen

    return convert


def at_least(least: int):
    """Make an argparse type: a whole number that is not below `least`."""

    def convert(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"`{text}` is not a whole number from {least} on")
        return int(text)

    return convert


def command_of(text: str) -> tuple[str, str]:
    """Be an argparse type: the name of a server and the command that starts it."""
    name, found, command = text.partition("=")
    if not found or not name.strip() or "{port}" not in command:
        raise argparse.ArgumentTypeError(f"`{text}` is not NAME=COMMAND with `{{port}}` in it")
    if name in NAMES:
        raise argparse.ArgumentTypeError(f"`{name}` is the name of a known server")
    return name, command
