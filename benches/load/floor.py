"""The floor: the Django handler called in a loop without any server.

Nothing that serves this application through this interpreter can cost less.
"""

import json
import subprocess
from pathlib import Path

from options import Options
from result import Floor
from servers import Server
from session import BenchError, environment, pinning
from workloads import DJANGO

LOOP = Path(__file__).resolve().parent / "floor_loop.py"


def measure_floor(options: Options, server: Server, number: int) -> Floor:
    """Run the loop in the interpreter of `server`; the answer is checked as a server's is."""
    question = {
        "application": DJANGO.application,
        "path": DJANGO.path,
        "headers": DJANGO.headers,
        "seconds": options.seconds,
    }
    try:
        done = subprocess.run(
            [*pinning(options), server.python, LOOP],
            cwd=DJANGO.folder,
            env=environment(server.python, DJANGO.environment(options.out)),
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
    wrong = DJANGO.wrong(seen["status"], seen["body"].encode())
    if wrong is not None:
        raise BenchError(f"the floor under {server.interpreter}: {wrong}")
    return Floor(server.interpreter, number, seen["cpu_us"])
