"""The floor: the application called in a loop without any server.

Nothing that serves this application through this interpreter can cost less.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from launch import Question
from session import BenchError, environment, pinning, running

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from servers import Server

LOOP = Path(__file__).resolve().parent / "in_process" / "floor_loop.py"


def estimate(options: Options) -> float:
    """Return about how many seconds one floor takes."""
    return options.seconds * 1.25 + 0.5


def measure_floor(options: Options, launch: Launch, server: Server) -> float:
    """Run the loop in the interpreter of `server`: CPU microseconds of one call.

    The answer is checked as a server's is. Raises `BenchError` when it is wrong or none comes.
    """
    question = {
        "application": launch.application,
        "path": launch.question.path,
        "headers": launch.question.headers,
        "seconds": options.seconds,
    }
    ask = in_server if server.embeds else in_program
    seen = ask(options, launch, server, json.dumps(question))
    wrong = launch.question.wrong(seen["status"], seen["body"].encode())
    if wrong is not None:
        raise BenchError(f"the floor under {server.interpreter}: {wrong}")
    return seen["cpu_us"]


def in_program(options: Options, launch: Launch, server: Server, question: str) -> dict:
    """Run the loop as a program of the server's Python."""
    try:
        done = subprocess.run(
            [*pinning(launch.core), server.python, LOOP],
            cwd=launch.folder,
            env=environment(server.python, launch.environment),
            input=question,
            capture_output=True,
            text=True,
            timeout=limit(options),
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"the floor under {server.interpreter} did not end in time") from None
    if done.returncode != 0:
        tail = done.stderr.strip()[-400:]
        raise BenchError(f"the floor under {server.interpreter} fails: {tail}")
    return json.loads(done.stdout.splitlines()[-1])


def in_server(options: Options, launch: Launch, server: Server, question: str) -> dict:
    """Run the loop as a request of the server, whose Python need not be as fast as `python`.

    Debian's libpython, for one, costs an eighth more than Debian's `python3`.
    """
    inside = dataclasses.replace(
        launch,
        application=f"{LOOP.stem}:application",
        question=Question("/", lambda status, _: None if status == 200 else f"status {status}"),
        workers=1,
        threads=1,
        arguments=("--pythonpath", str(LOOP.parent), "--timeout", "0"),
    )
    asked = Question("/", inside.question.wrong, "POST", body=question.encode())
    with running(server, inside, options) as session:
        try:
            status, body = asked.ask(session.address, limit(options))
        except OSError as error:
            raise BenchError(f"the floor in {server.name} does not end: {error}") from error
        if status != 200:
            log = session.log.read_text(errors="replace")[-400:]
            raise BenchError(f"the floor in {server.name} fails: {log}")
        return json.loads(body)


def limit(options: Options) -> float:
    """Return the seconds after which a floor is given up."""
    return options.seconds * 4 + 60
