"""Show that one server bears what the open internet does to it: `python benches/exposed --help`.

Five programs: `slow` (normal requests beside slow clients), `idle` (what ten thousand idle
connections cost), `soak` (mixed traffic with every kind of break-off, for a quarter of an hour),
`memory` (workers with and without preload) and `logs` (what it costs to tell of each request).
What they promise: docs/benchmarks.md. The order to read: `settings` (what was asked, how the
server is started), then one program; `slow` has its clients from `benches/load`, `soak` has
`crowd` (its threads), `visits`, `breaks` and `refusals` (what the clients do), `wire` (one
connection) and `watch` (samples and verdicts), `logs` has `ways` (to tell of a request).
"""

import signal
import subprocess
import sys

from borrowed import BenchError
from idle import idle
from logs import logs
from memory import memory
from settings import Settings, parse
from slow import slow
from soak import soak

PROGRAMS = {"slow": slow, "idle": idle, "soak": soak, "memory": memory, "logs": logs}


def main() -> int:
    """Return 0 when everything was as promised, 1 when it was not or could not be measured."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    settings = parse(sys.argv[1:], tuple(PROGRAMS))
    settings.out.mkdir(parents=True, exist_ok=True)
    try:
        return run(settings)
    except (BenchError, OSError, subprocess.SubprocessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the server was stopped", file=sys.stderr)
        return 130


def run(settings: Settings) -> int:
    """Run the program that was asked for."""
    print(f"{settings.program}: {settings.shown()}", flush=True)
    return 0 if PROGRAMS[settings.program](settings) else 1


if __name__ == "__main__":
    sys.exit(main())
