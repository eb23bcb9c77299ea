"""Compare rwsgi with other WSGI servers on this machine: `python benches/load --help`.

What it measures and how far to trust it: docs/benchmarks.md. The order to read the files:
`options` (what was asked), `servers` and `workloads` (what is compared), `tools` (installing the
peers), `session` (one server process tree), `accounting` and `wrk` (what is read), `rounds` (the
order), `floor` and `flat` (the two measurements that are not a load), `result` (what is kept),
`targets` (verdicts), `report` (what comes out).
"""

import signal
import subprocess
import sys

from flat import flat_memory
from machine import facts
from options import MEMORY, Options, parse
from report import write
from result import Result
from rounds import run_rounds
from servers import Lineup, line_up
from session import BenchError
from targets import judge
from tools import prepare


def main() -> int:
    """Return 0 when everything asked for was measured, 1 when something could not be."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = parse(sys.argv[1:])
    try:
        return compare(options)
    except (BenchError, subprocess.SubprocessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; every server was stopped, nothing was written", file=sys.stderr)
        return 130


def compare(options: Options) -> int:
    """Install what is missing, measure, judge, and put the result on the screen and on disk."""
    missing = prepare(options)
    lineup = line_up(options, missing)
    for name, reason in lineup.left_out.items():
        print(f"left out: {name}: {reason}", flush=True)
    if not lineup.servers:
        raise BenchError("no server to measure is left")
    result = measure(options, lineup)
    for path in write(result, options.out):
        print(f"written: {path}")
    return 1 if result.failures else 0


def measure(options: Options, lineup: Lineup) -> Result:
    """Run every measurement asked for and collect the result."""
    result = Result(
        options=options.described(),
        machine=facts(),
        servers={server.name: server.described() for server in lineup.servers},
        left_out=lineup.left_out,
    )
    run_rounds(options, lineup.servers, result)
    if MEMORY in options.workloads:
        flat_memory(options, lineup.servers, result)
    result.verdicts = judge(result)
    return result


if __name__ == "__main__":
    sys.exit(main())
