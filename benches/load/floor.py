"""The floor: the application called in a loop without any server.

Nothing that serves this application through this interpreter can cost less.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from session import BenchError, environment, pinning

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from servers import Server

LOOP = Path(__file__).resolve().parent / "in_process" / "floor_loop.py"


def measure_floor(options: Options, launch: Launch, server: Server) -> float:
    """Run the loop in the interpreter of `server`: CPU microseconds of one call.

    The answer is checked as a server's is.
    """
    asked = launch.question
    question = {
        "application": launch.application,
        "path": asked.path,
        "headers": asked.headers,
        "seconds": options.seconds,
    }
    try:
        done = subprocess.run(
            [*pinning(options), server.python, LOOP],
            cwd=launch.folder,
            env=environment(server.python, launch.environment),
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=options.seconds * 4 + 60,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"the floor under {server.interpreter} did not end in time") from None
    if done.returncode != 0:
        tail = done.stderr.strip()[-400:]
        raise BenchError(f"the floor under {server.interpreter} fails: {tail}")
    seen = json.loads(done.stdout.splitlines()[-1])
    wrong = asked.wrong(seen["status"], seen["body"].encode())
    if wrong is not None:
        raise BenchError(f"the floor under {server.interpreter}: {wrong}")
    return seen["cpu_us"]
